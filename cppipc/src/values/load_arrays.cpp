// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/load.h>

#include "values/cast.h"
#include "values/dtype.h"

namespace cppipc::detail {
namespace {

using Held = std::shared_ptr<const AnyArray>;

const AnyArray& require_array(const Variant& value, const Place& place, std::string_view expected) {
  const auto* held = value.get_if<Held>();
  if (held == nullptr) refuse(place, expected, value);
  return **held;
}

bool is_same_type(const DType& a, const DType& b) {
  const std::optional<DTypeText> parts = number_dtype(b);
  return parts && is_native_dtype(a, parts->kind, parts->number);
}

std::string spelt(const DType& dtype) { return "ndarray[" + dtype.name() + "]"; }

}  // namespace

std::string array_text(const Variant& value) {
  const AnyArray& array = value.as_array();
  std::string shape;
  for (const std::int64_t length : array.shape) {
    shape += (shape.empty() ? "" : ", ") + std::to_string(length);
  }
  if (array.shape.size() == 1) shape += ",";
  return python_type(value) + " of shape (" + shape + ")";
}

std::optional<std::size_t> row_length(const Variant& value, const Place& place, Spell expected,
                                      char kind, std::uint32_t size) {
  const auto* held = value.get_if<Held>();
  if (held == nullptr) return std::nullopt;
  const AnyArray& array = **held;
  if (array.shape.size() != 1) {
    refuse_given(place, expected(Speller(place.registry)), array_text(value));
  }
  if (place.is_exact || !can_cast(array.dtype, kind, size)) refuse(place, expected, value);
  return static_cast<std::size_t>(array.shape[0]);
}

void load_row(const Variant& value, char kind, std::uint32_t size, void* out) {
  cast_elements(value.as_array(), kind, size, out);
}

AnyArray load_array(const Variant& value, const Place& place, const DType* dtype) {
  const AnyArray& array = require_array(value, place, dtype ? spelt(*dtype) : "ndarray");
  if (dtype != nullptr && !is_same_type(array.dtype, *dtype)) refuse(place, spelt(*dtype), value);
  return array;
}

AnyArray load_own_array(Variant& value, const Place& place, const DType& dtype) {
  const AnyArray& array = require_array(value, place, spelt(dtype));
  const DTypeText parts = number_dtype(dtype).value();
  const bool is_same = is_same_type(array.dtype, dtype);
  if (!is_same && (place.is_exact || !can_cast(array.dtype, parts.kind, parts.number))) {
    refuse(place, spelt(dtype), value);
  }
  const bool is_ours =
      place.may_move && value.as<Held>().use_count() == 1 && array.owner.use_count() == 1;
  if (is_same && is_ours) {
    AnyArray taken = array;
    taken.flavor = ArrayFlavor::kArray;
    return taken;  // Array<T> copies it if it has gaps or may not be written
  }
  AnyArray made = make_array(dtype, array.shape);
  cast_elements(array, parts.kind, parts.number, made.data);
  return made;
}

}  // namespace cppipc::detail
