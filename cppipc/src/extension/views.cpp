// SPDX-License-Identifier: Apache-2.0
#include "extension/views.h"

#include <cppipc/callable.h>
#include <cppipc/function.h>

#include "values/scalar.h"

#include <algorithm>
#include <new>
#include <optional>

namespace cppipc::detail {
namespace {

cppipc_value make_value(cppipc_kind kind, const Variant& origin) {
  cppipc_value value = {};
  value.kind = kind;
  value.origin = &origin;
  return value;
}

cppipc_kind kind_of(const Variant& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return CPPIPC_NONE;
    case Kind::kBool:
      return CPPIPC_BOOL;
    case Kind::kInt:
      return CPPIPC_INT;
    case Kind::kFloat:
      return CPPIPC_FLOAT;
    case Kind::kComplex:
      return CPPIPC_COMPLEX;
    case Kind::kStr:
      return CPPIPC_STR;
    case Kind::kBytes:
      return CPPIPC_BYTES;
    case Kind::kList:
      return CPPIPC_LIST;
    case Kind::kTuple:
      return CPPIPC_TUPLE;
    case Kind::kSet:
      return CPPIPC_SET;
    case Kind::kFrozenSet:
      return CPPIPC_FROZENSET;
    case Kind::kDict:
      return CPPIPC_DICT;
    case Kind::kArray:
      return CPPIPC_ARRAY;
    case Kind::kObject:
      return CPPIPC_OBJECT;
    case Kind::kEnum:
      return CPPIPC_ENUM;
    case Kind::kCallable:
      return CPPIPC_FUNCTION;
    default:
      return CPPIPC_OTHER;
  }
}

}  // namespace

template <class T>
const T* Views::make(const T& value) {
  return new (memory_.allocate(sizeof(T), alignof(T))) T(value);
}

std::span<cppipc_value> Views::make_values(std::size_t count) {
  if (count == 0) return {};
  void* room = memory_.allocate(count * sizeof(cppipc_value), alignof(cppipc_value));
  auto* values = static_cast<cppipc_value*>(room);
  std::uninitialized_fill_n(values, count, cppipc_value{});
  return {values, count};
}

cppipc_value Views::view(const Variant& value) {
  cppipc_value out = make_value(kind_of(value), value);
  if (const auto* truth = value.get_if<bool>()) {
    out.as.integer = *truth ? 1 : 0;
  } else if (const auto* integer = value.get_if<std::int64_t>()) {
    out.as.integer = *integer;
  } else if (const auto* number = value.get_if<double>()) {
    out.as.number = *number;
  } else if (const auto* complex = value.get_if<std::complex<double>>()) {
    out.as.complex[0] = complex->real();
    out.as.complex[1] = complex->imag();
  } else if (const auto* text = value.get_if<std::string>()) {
    out.as.text = text_of(*text);
  } else if (const auto* bytes = value.get_if<Bytes>()) {
    out.as.text = text_of(bytes->view());
  } else if (const auto* list = value.get_if<List>()) {
    put_items(out, list->items);
  } else if (const auto* tuple = value.get_if<Tuple>()) {
    put_items(out, tuple->items);
  } else if (const auto* set = value.get_if<Set>()) {
    put_items(out, set->items);
  } else if (const auto* frozen = value.get_if<FrozenSet>()) {
    put_items(out, frozen->items);
  } else if (const auto* dict = value.get_if<Dict>()) {
    put_dict(out, *dict);
  } else if (value.kind() == Kind::kArray) {
    put_array(out, value);
  } else if (const auto* object = value.get_if<ObjectPtr>()) {
    put_object(out, **object);
  } else if (const auto* member = value.get_if<EnumMember>()) {
    out.as.member =
        make(cppipc_member{sizeof(cppipc_member), text_of(member->type), text_of(member->name)});
  }
  return out;
}

void Views::put_items(cppipc_value& out, std::span<const Variant> items) {
  const std::span<cppipc_value> values = make_values(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) values[i] = view(items[i]);
  out.as.items.data = values.data();
  out.as.items.size = values.size();
}

void Views::put_dict(cppipc_value& out, const Dict& dict) {
  const std::span<cppipc_value> values = make_values(2 * dict.entries.size());
  for (std::size_t i = 0; i < dict.entries.size(); ++i) {
    values[2 * i] = view(dict.entries[i].first);
    values[2 * i + 1] = view(dict.entries[i].second);
  }
  out.as.items.data = values.data();
  out.as.items.size = values.size();
}

void Views::put_array(cppipc_value& out, const Variant& value) {
  const AnyArray& array = value.as_array();
  cppipc_array made = {};
  made.size = sizeof made;
  made.dtype = text_of(array.dtype.text);
  made.itemsize = array.dtype.itemsize;
  made.ndim = static_cast<std::int64_t>(array.shape.size());
  made.shape = array.shape.data();
  made.strides = array.strides.data();
  made.data = array.data;
  if (array.is_readonly) made.flags |= CPPIPC_ARRAY_READONLY;
  if (array.flavor == ArrayFlavor::kScalar) {
    made.flags |= CPPIPC_ARRAY_SCALAR;
    put_text(made, value);
  }
  out.as.array = make(made);
}

// The text of a numpy.str_.
void Views::put_text(cppipc_array& made, const Variant& value) {
  const std::optional<std::string> text = scalar_text(value);
  if (!text) return;
  auto* copied = static_cast<char*>(memory_.allocate(std::max<std::size_t>(text->size(), 1), 1));
  std::copy(text->begin(), text->end(), copied);
  made.flags |= CPPIPC_ARRAY_TEXT;
  made.text = {copied, text->size()};
}

void Views::put_object(cppipc_value& out, const Object& object) {
  cppipc_object made = {};
  made.size = sizeof made;
  made.type_name = text_of(object.type_name());
  if (const auto* local = dynamic_cast<const LocalObject*>(&object)) {
    if (const auto* share = std::get_deleter<ExtensionShare>(local->instance())) {
      made.type = share->type;
      made.address = share->address;
      made.share = share->share;
    }
  }
  out.as.object = make(made);
}

cppipc_value Views::view_self(const std::shared_ptr<void>& self, const cppipc_type& type) {
  cppipc_object made = {};
  made.size = sizeof made;
  made.type_name = type.name;
  made.type = &type;
  made.address = self.get();
  if (const auto* share = std::get_deleter<ExtensionShare>(self)) made.share = share->share;
  cppipc_value value = {};
  value.kind = CPPIPC_OBJECT;
  value.as.object = make(made);
  return value;
}

}  // namespace cppipc::detail
