// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/load.h>

#include "values/scalar.h"

#include <cmath>
#include <limits>

namespace cppipc::detail {
namespace {

constexpr auto kSignedMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

template <class Low, class High, class Given>
[[noreturn]] void refuse_range(const Place& place, Low lowest, High highest, Given given) {
  fail(ErrorKind::kOverflow, place,
       "expected int from " + std::to_string(lowest) + " to " + std::to_string(highest) + ", got " +
           std::to_string(given));
}

// An int, a bool unless exact, or a NumPy integer.
Number load_integer(const Variant& value, const Place& place) {
  if (const auto* integer = value.get_if<std::int64_t>()) return *integer;
  if (const auto* truth = value.get_if<bool>(); truth != nullptr && !place.is_exact) {
    return std::int64_t{*truth};
  }
  const std::optional<Number> number = scalar_number(value);
  if (number && (std::holds_alternative<std::int64_t>(*number) ||
                 std::holds_alternative<std::uint64_t>(*number))) {
    return *number;
  }
  refuse(place, "int", value);
}

double checked_range(double value, const Place& place, double largest) {
  if (std::isfinite(value) && std::fabs(value) > largest) {
    fail(ErrorKind::kOverflow, place,
         "expected float that fits in 32 bits, got " + python_text(value));
  }
  return value;
}

// A value that is, or may become, a float. Nothing for others.
std::optional<double> real_number(const Variant& value, bool is_exact) {
  if (const auto* real = value.get_if<double>()) return *real;
  if (const auto* integer = value.get_if<std::int64_t>(); integer != nullptr && !is_exact) {
    return static_cast<double>(*integer);
  }
  const std::optional<Number> number = scalar_number(value);
  if (!number) return std::nullopt;
  if (const auto* real = std::get_if<double>(&*number)) return *real;
  if (is_exact) return std::nullopt;
  if (const auto* integer = std::get_if<std::int64_t>(&*number)) {
    return static_cast<double>(*integer);
  }
  if (const auto* integer = std::get_if<std::uint64_t>(&*number)) {
    return static_cast<double>(*integer);
  }
  return std::nullopt;
}

}  // namespace

std::int64_t load_signed(const Variant& value, const Place& place, std::int64_t lowest,
                         std::int64_t highest) {
  const Number number = load_integer(value, place);
  if (const auto* large = std::get_if<std::uint64_t>(&number)) {
    if (*large > static_cast<std::uint64_t>(highest)) {
      refuse_range(place, lowest, highest, *large);
    }
    return static_cast<std::int64_t>(*large);
  }
  const std::int64_t integer = std::get<std::int64_t>(number);
  if (integer < lowest || integer > highest) refuse_range(place, lowest, highest, integer);
  return integer;
}

std::uint64_t load_unsigned(const Variant& value, const Place& place, std::uint64_t highest) {
  const Number number = load_integer(value, place);
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    if (*integer < 0 || static_cast<std::uint64_t>(*integer) > highest) {
      refuse_range(place, 0, highest, *integer);
    }
    return static_cast<std::uint64_t>(*integer);
  }
  const std::uint64_t large = std::get<std::uint64_t>(number);
  if (large > highest) refuse_range(place, 0, highest, large);
  return large;
}

Variant store_unsigned(std::uint64_t value, const Place& place) {
  if (value > kSignedMax) {
    fail(ErrorKind::kOverflow, place,
         std::to_string(value) + " is past " + std::to_string(kSignedMax) + ", the largest int");
  }
  return static_cast<long long>(value);
}

double load_float(const Variant& value, const Place& place, double largest) {
  const std::optional<double> real = real_number(value, place.is_exact);
  if (!real) refuse(place, "float", value);
  return checked_range(*real, place, largest);
}

bool load_bool(const Variant& value, const Place& place) {
  if (const auto* truth = value.get_if<bool>()) return *truth;
  const std::optional<Number> number = scalar_number(value);
  if (number && std::holds_alternative<bool>(*number)) return std::get<bool>(*number);
  refuse(place, "bool", value);
}

std::complex<double> load_complex(const Variant& value, const Place& place, double largest) {
  std::optional<std::complex<double>> complex;
  if (const auto* held = value.get_if<std::complex<double>>()) {
    complex = *held;
  } else if (const std::optional<Number> number = scalar_number(value);
             number && std::holds_alternative<std::complex<double>>(*number)) {
    complex = std::get<std::complex<double>>(*number);
  } else if (!place.is_exact) {
    complex = real_number(value, false);
  }
  if (!complex) refuse(place, "complex", value);
  return {checked_range(complex->real(), place, largest),
          checked_range(complex->imag(), place, largest)};
}

}  // namespace cppipc::detail
