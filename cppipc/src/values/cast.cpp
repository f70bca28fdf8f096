// SPDX-License-Identifier: Apache-2.0
// Casts between element types: one loop for each pair of types that NumPy calls safe. The pairs are
// chosen twice, at compile time to keep lossy loops from being built, and at run time by dtype.
#include "values/cast.h"

#include "values/dtype.h"
#include "values/strided.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <type_traits>

namespace cppipc::detail {
namespace {

// An IEEE half, which C++20 has no type for; only read, never written.
struct Half {
  std::uint16_t bits;

  explicit operator float() const {
    const int exponent = (bits >> 10) & 0x1f;
    const int fraction = bits & 0x3ff;
    float magnitude = 0;
    if (exponent == 0x1f) {
      magnitude = fraction != 0 ? NAN : INFINITY;
    } else if (exponent == 0) {
      magnitude = std::ldexp(static_cast<float>(fraction), -24);
    } else {
      magnitude = std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }
};

template <class T>
inline constexpr bool is_complex = dtype_kind<T>() == 'c';

template <class T>
constexpr DTypeText type_text() {
  if constexpr (std::is_same_v<T, Half>) return {'<', 'f', 2};
  return {'<', dtype_kind<T>(), static_cast<std::uint32_t>(sizeof(T))};
}

// casts_safely(), at compile time: the loops that may be built.
template <class From, class To>
constexpr bool is_built() {
  constexpr char from = type_text<From>().kind;
  constexpr char to = type_text<To>().kind;
  constexpr std::size_t real = to == 'c' ? sizeof(To) / 2 : sizeof(To);
  if constexpr (from == 'b') return true;
  if constexpr (from == 'c') return to == 'c' && sizeof(To) >= sizeof(From);
  if constexpr (from == 'f') return (to == 'f' || to == 'c') && real >= sizeof(From);
  if constexpr (to == 'f' || to == 'c') {
    return real > sizeof(From) || (real == 8 && sizeof(From) == 8);
  }
  if constexpr (to == 'b') return false;
  return sizeof(To) >= sizeof(From) && (from == to || (to == 'i' && sizeof(To) > sizeof(From)));
}

// Calls `visitor(std::type_identity<T>())` with the type of that kind and size.
template <bool kHalfToo, class Visitor>
void with_type(char kind, std::uint32_t size, Visitor&& visitor) {
  const auto is = [&](char k, std::size_t s) { return kind == k && size == s; };
  if (is('b', 1)) return visitor(std::type_identity<bool>());
  if (is('i', 1)) return visitor(std::type_identity<std::int8_t>());
  if (is('i', 2)) return visitor(std::type_identity<std::int16_t>());
  if (is('i', 4)) return visitor(std::type_identity<std::int32_t>());
  if (is('i', 8)) return visitor(std::type_identity<std::int64_t>());
  if (is('u', 1)) return visitor(std::type_identity<std::uint8_t>());
  if (is('u', 2)) return visitor(std::type_identity<std::uint16_t>());
  if (is('u', 4)) return visitor(std::type_identity<std::uint32_t>());
  if (is('u', 8)) return visitor(std::type_identity<std::uint64_t>());
  if constexpr (kHalfToo) {
    if (is('f', 2)) return visitor(std::type_identity<Half>());
  }
  if (is('f', 4)) return visitor(std::type_identity<float>());
  if (is('f', 8)) return visitor(std::type_identity<double>());
  if (is('f', sizeof(long double))) return visitor(std::type_identity<long double>());
  if (is('c', 8)) return visitor(std::type_identity<std::complex<float>>());
  if (is('c', 16)) return visitor(std::type_identity<std::complex<double>>());
  if (is('c', 2 * sizeof(long double))) {
    return visitor(std::type_identity<std::complex<long double>>());
  }
}

template <class T>
T load(const std::byte* from, bool is_swapped) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  if (is_swapped) {
    constexpr std::size_t part = is_complex<T> ? sizeof(T) / 2 : sizeof(T);
    for (std::size_t i = 0; i < sizeof(T); i += part) std::reverse(bytes + i, bytes + i + part);
  }
  if constexpr (std::is_same_v<T, bool>) {
    return bytes[0] != std::byte{0};
  } else {
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
}

template <class To, class From>
To convert(const From& value) {
  if constexpr (std::is_same_v<From, Half>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (is_complex<To> && is_complex<From>) {
    using Real = typename To::value_type;
    return To(static_cast<Real>(value.real()), static_cast<Real>(value.imag()));
  } else if constexpr (is_complex<To>) {
    return To(static_cast<typename To::value_type>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void cast_all(const AnyArray& from, bool is_swapped, To* out) {
  for_each_row(from, [&](const std::byte* first, std::int64_t count, std::int64_t stride) {
    for (std::int64_t i = 0; i < count; ++i) {
      *out++ = convert<To>(load<From>(first + i * stride, is_swapped));
    }
  });
}

}  // namespace

bool can_cast(const DType& from, char to_kind, std::uint32_t to_size) {
  const std::optional<DTypeText> parts = number_dtype(from);
  return parts && casts_safely(*parts, to_kind, to_size);
}

void cast_elements(const AnyArray& from, char to_kind, std::uint32_t to_size, void* out) {
  const DTypeText parts = number_dtype(from.dtype).value();
  if (parts.kind == to_kind && parts.number == to_size && parts.is_native() && to_kind != 'b') {
    from.copy_to(static_cast<std::byte*>(out));
    return;
  }
  with_type<true>(parts.kind, parts.number, [&]<class From>(std::type_identity<From>) {
    with_type<false>(to_kind, to_size, [&]<class To>(std::type_identity<To>) {
      if constexpr (is_built<From, To>()) {
        cast_all<From>(from, !parts.is_native(), static_cast<To*>(out));
      }
    });
  });
}

}  // namespace cppipc::detail
