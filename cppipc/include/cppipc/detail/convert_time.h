// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of chrono durations (timedelta) and system_clock time points (aware datetime).

#include <cppipc/detail/convert_objects.h>

#include <chrono>
#include <limits>
#include <type_traits>

namespace cppipc::detail {

// Ticks as the representation of a duration, which may be narrower.
template <class Rep>
Rep narrow_ticks(std::int64_t ticks, const Place& place) {
  if constexpr (std::is_integral_v<Rep>) {
    if (!std::in_range<Rep>(ticks)) fail(ErrorKind::kOverflow, place, "timedelta out of range");
  }
  return static_cast<Rep>(ticks);
}

template <class Rep, class Period>
struct Converter<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static constexpr KindSet kKinds = kinds(Kind::kTimeDelta);

  static Duration load(Variant& value, const Place& place) {
    if constexpr (std::is_floating_point_v<Rep>) {
      return std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(load_seconds(value, place)));
    } else {
      return Duration(narrow_ticks<Rep>(load_ticks(value, place, Period::num, Period::den), place));
    }
  }
  static Variant store(Duration value, const Place& place) {
    if constexpr (std::is_floating_point_v<Rep>) {
      return store_seconds(std::chrono::duration<double>(value).count(), place);
    } else {
      return store_ticks(static_cast<std::int64_t>(value.count()), place, Period::num, Period::den);
    }
  }
  static std::string spell(const Speller&) { return "timedelta"; }
};

template <class Duration>
struct Converter<std::chrono::time_point<std::chrono::system_clock, Duration>> {
  using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;
  using Rep = typename Duration::rep;
  using Period = typename Duration::period;
  static_assert(std::is_integral_v<Rep>, "time points count whole ticks");
  static constexpr KindSet kKinds = kinds(Kind::kDateTime);

  static TimePoint load(Variant& value, const Place& place) {
    return TimePoint(Duration(
        narrow_ticks<Rep>(load_time_point(value, place, Period::num, Period::den), place)));
  }
  static Variant store(TimePoint value, const Place& place) {
    return store_time_point(static_cast<std::int64_t>(value.time_since_epoch().count()), place,
                            Period::num, Period::den);
  }
  static std::string spell(const Speller&) { return "datetime"; }
};

}  // namespace cppipc::detail
