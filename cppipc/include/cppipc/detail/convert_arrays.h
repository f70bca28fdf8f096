// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of arrays.

#include <cppipc/detail/convert_objects.h>

#include <memory>
#include <string>

namespace cppipc::detail {

// An array of any dtype.
template <>
struct Converter<AnyArray> {
  static constexpr KindSet kKinds = kinds(Kind::kArray);

  static AnyArray load(Variant& value, const Place& place) {
    return load_array(value, place, nullptr);
  }
  static Variant store(AnyArray value, const Place&) { return value; }
  static std::string spell(const Speller&) { return "ndarray"; }
};

// An array of exactly that dtype and any strides, in the caller's memory.
template <class T>
struct Converter<ArrayView<T>> {
  static constexpr KindSet kKinds = kinds(Kind::kArray);

  static ArrayView<T> load(Variant& value, const Place& place) {
    const DType dtype = DType::of<T>();
    return ArrayView<T>(load_array(value, place, &dtype));
  }
  static Variant store(const ArrayView<T>& value, const Place&) { return value.any(); }
  static std::string spell(const Speller&) { return "ndarray[" + DType::of<T>().name() + "]"; }
};

// An array that casts safely to that dtype, in memory of its own.
template <class T>
struct Converter<Array<T>> {
  static constexpr KindSet kKinds = kinds(Kind::kArray);

  static Array<T> load(Variant& value, const Place& place) {
    return Array<T>(load_own_array(value, place, DType::of<T>()));
  }
  static Variant store(const Array<T>& value, const Place&) { return value.any(); }
  static std::string spell(const Speller&) { return "ndarray[" + DType::of<T>().name() + "]"; }
};

}  // namespace cppipc::detail
