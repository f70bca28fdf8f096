// SPDX-License-Identifier: Apache-2.0
// Durations and time points. Everything is counted in microseconds, of which 128 bits hold any
// number that can come up, so overflow is looked for in one place: at the end.
#include <cppipc/detail/load.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace cppipc::detail {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kMicroseconds = 1'000'000;  // in a second
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kDayMicroseconds = kDaySeconds * kMicroseconds;
constexpr std::int64_t kDaysMax = 999'999'999;  // of a timedelta

// The quotient rounded down, and what is left.
struct Floored {
  Wide quotient;
  Wide rest;
};

Floored divide(Wide value, Wide by) {
  Wide quotient = value / by;
  Wide rest = value % by;
  if (rest < 0) {
    rest += by;
    --quotient;
  }
  return {quotient, rest};
}

Wide microseconds_of(const TimeDelta& delta) {
  return (Wide{delta.days} * kDaySeconds + delta.seconds) * kMicroseconds + delta.microseconds;
}

Variant timedelta_of(Wide microseconds, const Place& place) {
  const Floored days = divide(microseconds, kDayMicroseconds);
  if (days.quotient > kDaysMax || days.quotient < -kDaysMax) {
    fail(ErrorKind::kOverflow, place, "timedelta out of range (999999999 days)");
  }
  const Floored seconds = divide(days.rest, kMicroseconds);
  return TimeDelta{static_cast<std::int32_t>(days.quotient),
                   static_cast<std::int32_t>(seconds.quotient),
                   static_cast<std::int32_t>(seconds.rest)};
}

std::string unit_text(std::int64_t numerator, std::int64_t denominator) {
  if (numerator == denominator) return "second";
  std::string text = std::to_string(numerator);
  if (denominator != 1) text += "/" + std::to_string(denominator);
  return text + " s";
}

// Microseconds as a whole number of ticks.
std::int64_t ticks_of(Wide microseconds, const Place& place, std::int64_t numerator,
                      std::int64_t denominator, const char* what) {
  const Floored ticks = divide(microseconds * denominator, Wide{numerator} * kMicroseconds);
  if (ticks.rest != 0) {
    fail(ErrorKind::kInvalidArgument, place,
         std::string(what) + " finer than this parameter's unit, " +
             unit_text(numerator, denominator));
  }
  if (ticks.quotient > std::numeric_limits<std::int64_t>::max() ||
      ticks.quotient < std::numeric_limits<std::int64_t>::min()) {
    fail(ErrorKind::kOverflow, place, std::string(what) + " out of range");
  }
  return static_cast<std::int64_t>(ticks.quotient);
}

std::chrono::sys_days days_of(const Date& date) {
  return std::chrono::year(date.year) / date.month / date.day;
}

}  // namespace

std::int64_t load_ticks(const Variant& value, const Place& place, std::int64_t numerator,
                        std::int64_t denominator) {
  require_kind(value, Kind::kTimeDelta, place);
  return ticks_of(microseconds_of(value.as<TimeDelta>()), place, numerator, denominator,
                  "timedelta");
}

double load_seconds(const Variant& value, const Place& place) {
  require_kind(value, Kind::kTimeDelta, place);
  const TimeDelta& delta = value.as<TimeDelta>();
  return static_cast<double>(delta.days) * kDaySeconds + delta.seconds + delta.microseconds * 1e-6;
}

Variant store_ticks(std::int64_t ticks, const Place& place, std::int64_t numerator,
                    std::int64_t denominator) {
  Floored microseconds = divide(Wide{ticks} * numerator * kMicroseconds, denominator);
  const Wide twice = 2 * microseconds.rest;
  const bool is_odd = microseconds.quotient % 2 != 0;
  if (twice > denominator || (twice == denominator && is_odd)) ++microseconds.quotient;
  return timedelta_of(microseconds.quotient, place);
}

Variant store_seconds(double seconds, const Place& place) {
  if (!(std::fabs(seconds) <= static_cast<double>(kDaysMax + 1) * kDaySeconds)) {
    fail(ErrorKind::kOverflow, place, "timedelta out of range (999999999 days)");
  }
  // Whole seconds and the rest apart, since their sum in microseconds may pass 53 bits.
  const double whole = std::floor(seconds);
  const double rest = std::nearbyint((seconds - whole) * kMicroseconds);
  return timedelta_of(static_cast<Wide>(whole) * kMicroseconds + static_cast<Wide>(rest), place);
}

std::int64_t load_time_point(const Variant& value, const Place& place, std::int64_t numerator,
                             std::int64_t denominator) {
  const auto* when = value.get_if<DateTime>();
  if (when == nullptr) refuse(place, "aware datetime", value);
  const TimeOfDay& time = when->time;
  if (!time.utc_offset_s) refuse_given(place, "aware datetime", "naive datetime");
  const Wide seconds = Wide{days_of(when->date).time_since_epoch().count()} * kDaySeconds +
                       time.hour * 3600 + time.minute * 60 + time.second - *time.utc_offset_s;
  return ticks_of(seconds * kMicroseconds + time.microsecond, place, numerator, denominator,
                  "datetime");
}

Variant store_time_point(std::int64_t ticks, const Place& place, std::int64_t numerator,
                         std::int64_t denominator) {
  const Wide microseconds = divide(Wide{ticks} * numerator * kMicroseconds, denominator).quotient;
  const Floored days = divide(microseconds, kDayMicroseconds);
  constexpr std::chrono::sys_days kFirst = std::chrono::year(1) / 1 / 1;
  constexpr std::chrono::sys_days kLast = std::chrono::year(9999) / 12 / 31;
  if (days.quotient < kFirst.time_since_epoch().count() ||
      days.quotient > kLast.time_since_epoch().count()) {
    fail(ErrorKind::kOverflow, place, "datetime out of range (years 1 to 9999)");
  }
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days.quotient)))};
  const auto second = static_cast<std::int32_t>(days.rest / kMicroseconds);
  DateTime when;
  when.date = {static_cast<int>(date.year()),
               static_cast<std::uint8_t>(static_cast<unsigned>(date.month())),
               static_cast<std::uint8_t>(static_cast<unsigned>(date.day()))};
  when.time.hour = static_cast<std::uint8_t>(second / 3600);
  when.time.minute = static_cast<std::uint8_t>(second / 60 % 60);
  when.time.second = static_cast<std::uint8_t>(second % 60);
  when.time.microsecond = static_cast<std::uint32_t>(days.rest % kMicroseconds);
  when.time.utc_offset_s = 0;
  return when;
}

}  // namespace cppipc::detail
