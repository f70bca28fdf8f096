// SPDX-License-Identifier: Apache-2.0
#include "wire/validity.h"

#include <algorithm>
#include <array>
#include <limits>

namespace cppipc {
namespace {

constexpr int kDTypeBracketsMax = 64;      // nested brackets in the text of a structured type
constexpr std::size_t kDTypeUnitMax = 32;  // characters of a datetime unit with its brackets

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int days_in_month(std::int32_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// Removes the leading digits of `text` and returns how many there were.
std::size_t skip_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(count);
  return count;
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_finite_decimal(std::string_view text) {
  std::size_t digits = skip_digits(text);
  if (skip(text, ".")) digits += skip_digits(text);
  if (digits == 0) return false;
  if (!skip(text, "E") && !skip(text, "e")) return text.empty();
  if (!skip(text, "+")) skip(text, "-");
  return skip_digits(text) > 0 && text.empty();
}

// One numeric element type: the kind and size in its text, and the codes it may have.
struct ElementType {
  char kind;
  std::uint32_t size_bytes;
  std::string_view codes;
};
constexpr std::array<ElementType, 18> kElementTypes = {{
    {'b', 1, "?"},
    {'i', 1, "b"},
    {'i', 2, "h"},
    {'i', 4, "il"},
    {'i', 8, "lqpn"},
    {'u', 1, "B"},
    {'u', 2, "H"},
    {'u', 4, "IL"},
    {'u', 8, "LQPN"},
    {'f', 2, "e"},
    {'f', 4, "f"},
    {'f', 8, "d"},
    {'f', 16, "g"},
    {'c', 8, "F"},
    {'c', 16, "D"},
    {'c', 32, "G"},
    {'m', 8, "m"},
    {'M', 8, "M"},
}};

bool is_unit(std::string_view text) {
  if (text.empty()) return true;
  if (text.size() < 3 || text.size() > kDTypeUnitMax) return false;
  if (text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '/'; });
}

const char* problem_of_structured(const DType& dtype) {
  if (dtype.code != 'V') return "a structured dtype has another code than 'V'";
  int depth = 0;
  int depth_max = 0;
  for (const char c : dtype.text) {
    if (c == '[' || c == '(' || c == '{') depth_max = std::max(depth_max, ++depth);
    if (c == ']' || c == ')' || c == '}') --depth;
  }
  if (depth_max > kDTypeBracketsMax) return "a structured dtype is nested too deep";
  return nullptr;
}

// Types of strings and raw bytes, whose size is part of the text.
const char* problem_of_flexible(const DType& dtype, char kind, std::uint64_t number) {
  const std::uint64_t itemsize = kind == 'U' ? 4 * number : number;
  if (dtype.itemsize != itemsize) return "a dtype does not agree with its itemsize";
  // The characters of NumPy's "c" and of array.array's "w".
  const bool is_char =
      number == 1 && ((kind == 'S' && dtype.code == 'c') || (kind == 'U' && dtype.code == 'w'));
  return dtype.code == kind || is_char ? nullptr : "a dtype does not agree with its code";
}

const char* problem_of_numeric(const DType& dtype, char kind, std::uint64_t number) {
  for (const ElementType& type : kElementTypes) {
    if (type.kind != kind || type.size_bytes != number) continue;
    if (dtype.itemsize != number) return "a dtype does not agree with its itemsize";
    const bool has_code = type.codes.find(dtype.code) != std::string_view::npos;
    return has_code ? nullptr : "a dtype does not agree with its code";
  }
  return "a dtype is of a kind that cannot cross";
}

}  // namespace

const char* problem_of(const Date& date) {
  if (date.year < 1 || date.year > 9999) return "a date's year is not in 1 to 9999";
  if (date.month < 1 || date.month > 12) return "a date's month is not in 1 to 12";
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) {
    return "a date's day is not in its month";
  }
  return nullptr;
}

const char* problem_of(const TimeOfDay& time) {
  if (time.hour > 23) return "a time's hour is not in 0 to 23";
  if (time.minute > 59) return "a time's minute is not in 0 to 59";
  if (time.second > 59) return "a time's second is not in 0 to 59";
  if (time.microsecond > 999'999) return "a time's microsecond is not in 0 to 999,999";
  if (time.fold > 1) return "a time's fold is not 0 or 1";
  constexpr std::int32_t kDayS = 86'400;
  if (time.utc_offset_s && (*time.utc_offset_s <= -kDayS || *time.utc_offset_s >= kDayS)) {
    return "a time's UTC offset is not within a day";
  }
  return nullptr;
}

const char* problem_of(const TimeDelta& delta) {
  if (delta.days < -999'999'999 || delta.days > 999'999'999) {
    return "a timedelta's days are not within 999,999,999";
  }
  if (delta.seconds < 0 || delta.seconds >= 86'400) {
    return "a timedelta's seconds are not in 0 to 86,399";
  }
  if (delta.microseconds < 0 || delta.microseconds > 999'999) {
    return "a timedelta's microseconds are not in 0 to 999,999";
  }
  return nullptr;
}

const char* problem_of(const Decimal& decimal) {
  std::string_view text = decimal.text;
  if (!skip(text, "-")) skip(text, "+");
  if (text == "Infinity" || text == "Inf" || is_finite_decimal(text)) return nullptr;
  skip(text, "s");
  if (skip(text, "NaN")) {
    skip_digits(text);
    if (text.empty()) return nullptr;
  }
  return "a decimal's text is no number";
}

const char* problem_of(const DType& dtype) {
  if (dtype.itemsize > std::numeric_limits<std::int32_t>::max()) {
    return "a dtype's itemsize is past 2^31-1";
  }
  std::string_view text = dtype.text;
  if (text.starts_with('[') || text.starts_with('{')) return problem_of_structured(dtype);
  if (text.size() < 3 || std::string_view("<>|=").find(text[0]) == std::string_view::npos) {
    return "a dtype's text is no type string";
  }
  const char kind = text[1];
  text.remove_prefix(2);
  std::uint64_t number = 0;
  const std::string_view digits = text;
  const std::size_t count = skip_digits(text);
  if (count < 1 || count > 10) return "a dtype's text is no type string";
  for (const char c : digits.substr(0, count)) {
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (kind == 'm' || kind == 'M') {
    if (!is_unit(text)) return "a dtype's unit is not one";
  } else if (!text.empty()) {
    return "a dtype's text is no type string";
  }
  if (kind == 'S' || kind == 'U' || kind == 'V') return problem_of_flexible(dtype, kind, number);
  return problem_of_numeric(dtype, kind, number);
}

const char* problem_of_shape(std::span<const std::int64_t> shape, std::uint32_t itemsize) {
  if (shape.size() > kDimensionsMax) return "an array has more than 64 dimensions";
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t bytes = std::max<std::uint32_t>(itemsize, 1);
  for (const std::int64_t length : shape) {
    if (length < 0) return "an array's shape has a negative length";
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(length, 1));
    if (bytes > kMax / factor) return "an array's shape is past 2^63-1 bytes";
    bytes *= factor;
  }
  return nullptr;
}

bool is_within(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
               std::uint32_t itemsize, std::uint64_t start, std::uint64_t size_bytes) {
  if (strides.size() != shape.size() || start > size_bytes) return false;
  // Each way is below 2^126, and there are at most 64: the sums are checked.
  __int128 lowest = start;
  __int128 highest = static_cast<__int128>(start) + itemsize;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return false;
    const __int128 way = static_cast<__int128>(shape[d] - 1) * strides[d];
    if (__builtin_add_overflow(way < 0 ? lowest : highest, way, way < 0 ? &lowest : &highest)) {
      return false;
    }
  }
  return lowest >= 0 && highest <= static_cast<__int128>(size_bytes);
}

std::uint64_t nbytes_of(std::span<const std::int64_t> shape, std::uint32_t itemsize) {
  std::uint64_t bytes = itemsize;
  for (const std::int64_t length : shape) bytes *= static_cast<std::uint64_t>(length);
  return bytes;
}

}  // namespace cppipc
