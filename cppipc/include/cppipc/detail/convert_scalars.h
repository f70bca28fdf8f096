// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of numbers, enumerations, text, paths and bytes.

#include <cppipc/detail/convert_objects.h>

#include <complex>
#include <concepts>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace cppipc::detail {

template <std::integral T>
struct Converter<T> {
  static_assert(is_element<T>, "characters are not exposed: use std::string, or std::int8_t");
  // Arrays: NumPy's scalars.
  static constexpr KindSet kKinds = kinds(Kind::kInt, Kind::kBool, Kind::kArray);
  using Limits = std::numeric_limits<T>;

  static T load(Variant& value, const Place& place) {
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(load_signed(value, place, Limits::min(), Limits::max()));
    } else {
      return static_cast<T>(load_unsigned(value, place, Limits::max()));
    }
  }
  static Variant store(T value, const Place& place) {
    if constexpr (std::is_signed_v<T>) {
      return static_cast<long long>(value);
    } else {
      return store_unsigned(value, place);
    }
  }
  static std::string spell(const Speller&) { return "int"; }
};

template <>
struct Converter<bool> {
  static constexpr KindSet kKinds = kinds(Kind::kBool, Kind::kArray);

  static bool load(Variant& value, const Place& place) { return load_bool(value, place); }
  static Variant store(bool value, const Place&) { return value; }
  static std::string spell(const Speller&) { return "bool"; }
};

template <std::floating_point T>
struct Converter<T> {
  static constexpr KindSet kKinds = kinds(Kind::kFloat, Kind::kInt, Kind::kArray);
  static constexpr double kLargest = sizeof(T) < sizeof(double)
                                         ? static_cast<double>(std::numeric_limits<T>::max())
                                         : std::numeric_limits<double>::max();

  static T load(Variant& value, const Place& place) {
    return static_cast<T>(load_float(value, place, kLargest));
  }
  static Variant store(T value, const Place&) { return static_cast<double>(value); }
  static std::string spell(const Speller&) { return "float"; }
};

template <std::floating_point T>
struct Converter<std::complex<T>> {
  static constexpr KindSet kKinds = kinds(Kind::kComplex, Kind::kFloat, Kind::kInt, Kind::kArray);

  static std::complex<T> load(Variant& value, const Place& place) {
    return std::complex<T>(load_complex(value, place, Converter<T>::kLargest));
  }
  static Variant store(std::complex<T> value, const Place&) {
    return std::complex<double>(static_cast<double>(value.real()),
                                static_cast<double>(value.imag()));
  }
  static std::string spell(const Speller&) { return "complex"; }
};

template <class E>
requires std::is_enum_v<E>
struct Converter<E> {
  // Arrays: numpy.str_.
  static constexpr KindSet kKinds = kinds(Kind::kEnum, Kind::kStr, Kind::kArray);

  static E load(Variant& value, const Place& place) {
    return static_cast<E>(load_enum(value, place, typeid(E)));
  }
  static Variant store(E value, const Place& place) {
    return store_enum(static_cast<std::int64_t>(value), place, typeid(E));
  }
  static std::string spell(const Speller& speller) { return speller.enumeration(typeid(E)); }
};

// What all text types have in common. Arrays: numpy.str_.
struct TextConverter {
  static constexpr KindSet kKinds = kinds(Kind::kStr, Kind::kArray);
  static std::string spell(const Speller&) { return "str"; }
};

template <>
struct Converter<std::string> : TextConverter {
  static std::string load(Variant& value, const Place& place) { return load_text(value, place); }
  static Variant store(std::string value, const Place& place) {
    return store_text(std::move(value), place);
  }
};

// The view lasts as long as the call.
template <>
struct Converter<std::string_view> : TextConverter {
  static std::string_view load(Variant& value, const Place& place) {
    return view_text(value, place);
  }
  static Variant store(std::string_view value, const Place& place) {
    return store_text(std::string(value), place);
  }
};

// Text that has no NUL inside; the pointer lasts as long as the call. A null result is None.
template <>
struct Converter<const char*> : TextConverter {
  static const char* load(Variant& value, const Place& place) { return view_c_text(value, place); }
  static Variant store(const char* value, const Place& place) {
    return value == nullptr ? Variant() : store_text(value, place);
  }
};

template <>
struct Converter<std::filesystem::path> : TextConverter {
  static std::filesystem::path load(Variant& value, const Place& place) {
    return view_c_text(value, place);
  }
  static Variant store(const std::filesystem::path& value, const Place& place) {
    return store_text(value.string(), place);
  }
};

template <>
struct Converter<Bytes> {
  static constexpr KindSet kKinds = kinds(Kind::kBytes, Kind::kArray);

  static Bytes load(Variant& value, const Place& place) { return load_bytes(value, place); }
  static Variant store(Bytes value, const Place&) { return value; }
  static std::string spell(const Speller&) { return "bytes"; }
};

}  // namespace cppipc::detail
