// SPDX-License-Identifier: Apache-2.0
#pragma once
// The part of the conversions that no template needs: what the converters are made of.
// load_*: Variant to C++, store_*: C++ to Variant. Errors: kWrongType, kOverflow and
// kInvalidArgument, naming the place; for results that cannot be values kRemote.

#include <cppipc/detail/place.h>

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

namespace cppipc::detail {

std::int64_t load_signed(const Variant& value, const Place& place, std::int64_t lowest,
                         std::int64_t highest);
std::uint64_t load_unsigned(const Variant& value, const Place& place, std::uint64_t highest);
Variant store_unsigned(std::uint64_t value, const Place& place);
// `largest` is the largest finite value of the C++ type.
double load_float(const Variant& value, const Place& place, double largest);
bool load_bool(const Variant& value, const Place& place);
std::complex<double> load_complex(const Variant& value, const Place& place, double largest);

std::string load_text(Variant& value, const Place& place);
// Points into `value`; NumPy's text scalars are turned into text there first.
std::string_view view_text(Variant& value, const Place& place);
// As view_text; ends with NUL and has none inside.
const char* view_c_text(Variant& value, const Place& place);
Variant store_text(std::string text, const Place& place);
Bytes load_bytes(const Variant& value, const Place& place);

// Refuses anything but kind `wanted`.
void require_kind(const Variant& value, Kind wanted, const Place& place);
// For a value that goes out as it is: its text is valid UTF-8, its objects are known.
Variant store_variant(Variant value, const Place& place);

// The values of a list or tuple. `is_tuple` tells which of them needs no conversion.
std::span<Variant> load_sequence(Variant& value, const Place& place, Spell expected,
                                 bool is_tuple = false);
// The same, with a fixed length.
std::span<Variant> load_fixed(Variant& value, const Place& place, Spell expected,
                              std::size_t length, bool is_tuple);
// The same, where sets will do as well.
std::span<Variant> load_items(Variant& value, const Place& place, Spell expected);
// The values of a set or frozenset; of a list or tuple where a conversion is allowed.
std::span<Variant> load_set(Variant& value, const Place& place, Spell expected);
std::span<std::pair<Variant, Variant>> load_dict(Variant& value, const Place& place,
                                                 Spell expected);
// What stands for `value` in a set or as a key: lists become tuples, sets frozensets.
Variant hashable(Variant value);

// The length of a one-dimensional array that casts safely to elements of that kind and size;
// nothing for values that are no array. Other arrays are refused.
std::optional<std::size_t> row_length(const Variant& value, const Place& place, Spell expected,
                                      char kind, std::uint32_t size);
// Writes the elements of such an array.
void load_row(const Variant& value, char kind, std::uint32_t size, void* out);
// An array of exactly `dtype`, or any array if that is null; shares the memory.
AnyArray load_array(const Variant& value, const Place& place, const DType* dtype);
// An array of `dtype` after a safe cast, in memory that nobody else has.
AnyArray load_own_array(Variant& value, const Place& place, const DType& dtype);

// The object as an instance of C++ type `type`: upcast where its registered type says how. Null
// for None, if that is allowed.
std::shared_ptr<void> load_object(const Variant& value, const Place& place, std::type_index type,
                                  bool none_allowed);
ObjectPtr load_any_object(const Variant& value, const Place& place);

// An object that goes out. `instance` is a `static_type`; its dynamic type and address tell what
// it really is.
struct OutgoingObject {
  std::shared_ptr<void> instance;
  std::type_index static_type;
  std::type_index dynamic_type;
  void* most_derived;
};
// Holds a LocalObject of the most derived registered type; without a registry, an object that
// gets its type when it leaves the function (see cppipc::to_variant).
Variant store_object(OutgoingObject object, const Place& place);

// The value of a member of a registered enumeration, which comes as itself or by its name.
std::int64_t load_enum(const Variant& value, const Place& place, std::type_index type);
Variant store_enum(std::int64_t value, const Place& place, std::type_index type);

// A timedelta in ticks of numerator/denominator seconds, which must be exact.
std::int64_t load_ticks(const Variant& value, const Place& place, std::int64_t numerator,
                        std::int64_t denominator);
double load_seconds(const Variant& value, const Place& place);
// Rounds to microseconds, halves to even.
Variant store_ticks(std::int64_t ticks, const Place& place, std::int64_t numerator,
                    std::int64_t denominator);
Variant store_seconds(double seconds, const Place& place);
// An aware datetime in ticks since 1970-01-01 UTC, which must be exact.
std::int64_t load_time_point(const Variant& value, const Place& place, std::int64_t numerator,
                             std::int64_t denominator);
// An aware datetime in UTC; rounds down to microseconds.
Variant store_time_point(std::int64_t ticks, const Place& place, std::int64_t numerator,
                         std::int64_t denominator);

}  // namespace cppipc::detail
