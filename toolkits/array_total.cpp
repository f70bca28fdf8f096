// SPDX-License-Identifier: Apache-2.0
#include "toolkits/array_total.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "toolkits/element_type.h"

namespace cppipc::toolkits {
namespace {

// IEEE 754 binary16, which C++20 has no type for.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int sign = (bits & 0x8000) != 0 ? -1 : 1;
    const int exponent = (bits >> 10) & 0x1f;
    const int fraction = bits & 0x3ff;
    if (exponent == 0x1f) {
      return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                           : sign * std::numeric_limits<double>::infinity();
    }
    if (exponent == 0) return sign * std::ldexp(fraction, -24);
    return sign * std::ldexp(fraction + 0x400, exponent - 25);
  }
};

// The element at `address`, which need not be aligned.
template <class T>
T load(const std::byte* address, bool is_swapped) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, address, sizeof(T));
  if (is_swapped) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// Calls `visit` with the address of every element, in C order.
template <class Visit>
void for_each_element(const AnyArray& array, Visit visit) {
  if (array.size() == 0) return;
  std::vector<std::int64_t> index(array.shape.size(), 0);
  const std::byte* address = array.data;
  for (;;) {
    visit(address);
    std::size_t axis = array.shape.size();
    for (; axis > 0; --axis) {
      address += array.strides[axis - 1];
      if (++index[axis - 1] < array.shape[axis - 1]) break;
      address -= array.strides[axis - 1] * array.shape[axis - 1];
      index[axis - 1] = 0;
    }
    if (axis == 0) return;
  }
}

// A sum that keeps what rounding would lose (Neumaier's form of Kahan's).
class Compensated {
 public:
  void add(double value) {
    const double sum = sum_ + value;
    if (std::isfinite(sum)) {
      lost_ += std::abs(sum_) >= std::abs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
    }
    sum_ = sum;
  }
  double value() const { return std::isfinite(sum_) ? sum_ + lost_ : sum_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

template <class T>
Variant total_of_integers(const AnyArray& array, bool is_swapped) {
  // More than 2^64 elements do not exist, so this cannot overflow.
  __extension__ __int128 sum = 0;
  for_each_element(array, [&](const std::byte* at) { sum += load<T>(at, is_swapped); });
  if (sum < std::numeric_limits<std::int64_t>::min() ||
      sum > std::numeric_limits<std::int64_t>::max()) {
    throw std::overflow_error("the sum does not fit into 64 bits");
  }
  return static_cast<std::int64_t>(sum);
}

template <class T>
Variant total_of_reals(const AnyArray& array, bool is_swapped) {
  Compensated sum;
  for_each_element(
      array, [&](const std::byte* at) { sum.add(static_cast<double>(load<T>(at, is_swapped))); });
  return sum.value();
}

template <class T>
Variant total_of_complex(const AnyArray& array, bool is_swapped) {
  Compensated real;
  Compensated imaginary;
  for_each_element(array, [&](const std::byte* at) {
    real.add(static_cast<double>(load<T>(at, is_swapped)));
    imaginary.add(static_cast<double>(load<T>(at + sizeof(T), is_swapped)));
  });
  return std::complex<double>(real.value(), imaginary.value());
}

Variant total_of_type(const AnyArray& array, const ElementType& type) {
  const bool swapped = type.is_swapped();
  switch (type.kind << 8 | static_cast<int>(type.itemsize)) {
    case 'b' << 8 | 1:
    case 'u' << 8 | 1:
      return total_of_integers<std::uint8_t>(array, swapped);
    case 'u' << 8 | 2:
      return total_of_integers<std::uint16_t>(array, swapped);
    case 'u' << 8 | 4:
      return total_of_integers<std::uint32_t>(array, swapped);
    case 'u' << 8 | 8:
      return total_of_integers<std::uint64_t>(array, swapped);
    case 'i' << 8 | 1:
      return total_of_integers<std::int8_t>(array, swapped);
    case 'i' << 8 | 2:
      return total_of_integers<std::int16_t>(array, swapped);
    case 'i' << 8 | 4:
      return total_of_integers<std::int32_t>(array, swapped);
    case 'i' << 8 | 8:
      return total_of_integers<std::int64_t>(array, swapped);
    case 'f' << 8 | 2:
      return total_of_reals<Half>(array, swapped);
    case 'f' << 8 | 4:
      return total_of_reals<float>(array, swapped);
    case 'f' << 8 | 8:
      return total_of_reals<double>(array, swapped);
    case 'c' << 8 | 8:
      return total_of_complex<float>(array, swapped);
    case 'c' << 8 | 16:
      return total_of_complex<double>(array, swapped);
    default:
      break;
  }
  if (array.dtype.is<long double>()) return total_of_reals<long double>(array, false);
  throw Error(ErrorKind::kWrongType, "no numbers to add up: dtype " + array.dtype.name());
}

}  // namespace

Variant total_of(const AnyArray& array) {
  const std::optional<ElementType> type = element_type_of(array.dtype);
  if (!type) throw Error(ErrorKind::kWrongType, "no numbers to add up: dtype " + array.dtype.text);
  return total_of_type(array, *type);
}

}  // namespace cppipc::toolkits
