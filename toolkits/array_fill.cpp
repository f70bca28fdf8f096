// SPDX-License-Identifier: Apache-2.0
#include "toolkits/array_fill.h"

#include <cppipc/convert.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

template <class T>
std::string bytes_of(const Variant& value) {
  const T element = from_variant<T>(value);
  return {reinterpret_cast<const char*>(&element), sizeof element};
}

// An IEEE number of 16 bits, rounded to the nearest. Errors: kOverflow past the largest.
std::uint16_t half_of(double value) {
  constexpr std::uint16_t kInfinity = 0x7c00, kNaN = 0x7e00, kSign = 0x8000;
  const std::uint16_t sign = std::signbit(value) ? kSign : 0;
  if (std::isnan(value)) return sign | kNaN;
  if (std::isinf(value)) return sign | kInfinity;
  if (value == 0) return sign;
  int exponent = 0;
  std::frexp(value, &exponent);
  exponent = std::max(exponent - 1, -14);  // below that all have the same quantum
  const double quanta = std::nearbyint(std::ldexp(std::fabs(value), 10 - exponent));
  // A full mantissa counts one to the exponent, and so does the leading bit of normal numbers.
  const double bits = quanta + (exponent + 14) * 1024.0;
  if (bits >= kInfinity) {
    throw Error(ErrorKind::kOverflow, "value: expected float that fits in 16 bits");
  }
  return sign | static_cast<std::uint16_t>(bits);
}

std::string bytes_of_half(const Variant& value) {
  const std::uint16_t half = half_of(from_variant<double>(value));
  return {reinterpret_cast<const char*>(&half), sizeof half};
}

// A C long double has bytes that mean nothing; they are zero here.
std::string bytes_of_long(const Variant& value) {
  const long double number = from_variant<double>(value);
  constexpr std::size_t kUsed = std::numeric_limits<long double>::digits == 64 ? 10 : 16;
  std::string bytes(reinterpret_cast<const char*>(&number), kUsed);
  bytes.resize(sizeof number, '\0');
  return bytes;
}

// The bytes of a number of that type in native byte order; empty for types that are none.
std::string native_element(const ElementType& type, const Variant& value) {
  switch (type.kind) {
    case 'b':
      return bytes_of<bool>(value);
    case 'i':
      if (type.itemsize == 1) return bytes_of<std::int8_t>(value);
      if (type.itemsize == 2) return bytes_of<std::int16_t>(value);
      return type.itemsize == 4 ? bytes_of<std::int32_t>(value) : bytes_of<std::int64_t>(value);
    case 'u':
      if (type.itemsize == 1) return bytes_of<std::uint8_t>(value);
      if (type.itemsize == 2) return bytes_of<std::uint16_t>(value);
      return type.itemsize == 4 ? bytes_of<std::uint32_t>(value) : bytes_of<std::uint64_t>(value);
    case 'f':
      if (type.itemsize == 2) return bytes_of_half(value);
      if (type.itemsize == sizeof(long double)) return bytes_of_long(value);
      if (type.itemsize == 4) return bytes_of<float>(value);
      return type.itemsize == 8 ? bytes_of<double>(value) : std::string();
    case 'c':
      if (type.itemsize == 8) return bytes_of<std::complex<float>>(value);
      return type.itemsize == 16 ? bytes_of<std::complex<double>>(value) : std::string();
    default:
      return {};
  }
}

// One element as it lies in the array.
std::string element_of(const DType& dtype, const Variant& value) {
  if (value.kind() == Kind::kArray) {
    const AnyArray& given = value.as_array();
    if (given.shape.empty() && given.dtype == dtype) {
      return {reinterpret_cast<const char*>(given.data), dtype.itemsize};
    }
  }
  const std::optional<ElementType> type = element_type_of(dtype);
  std::string element = type ? native_element(*type, value) : std::string();
  if (element.empty()) {
    throw Error(ErrorKind::kWrongType, "to fill an array of " + dtype.name() +
                                           " takes an element of that dtype, not " +
                                           std::string(name_of(value.kind())));
  }
  if (type->is_swapped()) {
    const std::size_t part = type->kind == 'c' ? element.size() / 2 : element.size();
    for (std::size_t at = 0; at < element.size(); at += part) {
      std::reverse(element.data() + at, element.data() + at + part);
    }
  }
  return element;
}

}  // namespace

void fill(const AnyArray& array, const Variant& value) {
  const std::string element = element_of(array.dtype, value);
  const std::int64_t size = array.size();
  std::vector<std::int64_t> index(array.shape.size(), 0);
  std::byte* at = array.data;
  for (std::int64_t i = 0; i < size; ++i) {
    std::memcpy(at, element.data(), element.size());
    for (std::size_t axis = index.size(); axis-- > 0;) {  // to the next one in C order
      at += array.strides[axis];
      if (++index[axis] < array.shape[axis]) break;
      at -= array.strides[axis] * array.shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace cppipc::toolkits
