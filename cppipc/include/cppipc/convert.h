// SPDX-License-Identifier: Apache-2.0
#pragma once
// C++ values to Variants and back, by the rules that parameters and results of registered
// functions follow. Toolkits that take and give VariantMaps use from_variant() and to_variant().
//
// Converter<T> does it for one C++ type, in three static functions: `load` makes a T of a Variant
// (or refuses it, saying where), `store` makes a Variant of a T, and `spell` names the type as
// Python does. `kKinds` are the kinds that `load` may take. Types without a Converter of their own
// are taken for exposed types and must be registered.

#include <cppipc/detail/convert_arrays.h>
#include <cppipc/detail/convert_containers.h>
#include <cppipc/detail/convert_functions.h>
#include <cppipc/detail/convert_lists.h>
#include <cppipc/detail/convert_objects.h>
#include <cppipc/detail/convert_plain.h>
#include <cppipc/detail/convert_scalars.h>
#include <cppipc/detail/convert_time.h>
#include <cppipc/detail/convert_unions.h>

namespace cppipc {

// `value` as a T. `what` names the value in the text of a refusal. Exposed types are taken as
// std::shared_ptr<T>; the result must own what it holds, so no T that points into `value`.
// Errors: kWrongType, kOverflow, kInvalidArgument.
template <class T>
T from_variant(Variant value, std::string_view what = "value") {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, std::string_view> &&
                    !std::is_same_v<T, const char*>,
                "the result would point into a value that is gone");
  detail::Place place;
  place.name = what;
  place.may_move = true;
  return detail::Converter<T>::load(value, place);
}

// A Variant of `value`, which may be (or contain) a shared_ptr<T> of an exposed type: it becomes
// a proper object when the function that made it returns it. Enumerations need a registry and
// cannot be converted here. Errors: kOverflow for integers past 2^63-1, kRemote for text that is
// not UTF-8.
template <class T>
Variant to_variant(T&& value) {
  detail::Place place;
  return detail::Converter<std::decay_t<T>>::store(std::forward<T>(value), place);
}

}  // namespace cppipc
