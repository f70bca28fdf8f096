// SPDX-License-Identifier: Apache-2.0
#include "values/outgoing.h"

#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/utf8.h"

#include <vector>

namespace cppipc::detail {
namespace {

using Typed = std::pair<const TypeInfo*, void*>;

// The most derived registered type that the instance is, following the types that were registered
// as derived from `type`; and its address as that type.
Typed most_derived(const TypeInfo& type, void* instance) {
  for (const TypeInfo* derived : type.derived) {
    for (const TypeInfo::Base& base : derived->bases) {
      if (base.type != &type || base.down == nullptr) continue;
      if (void* down = base.down(instance)) return most_derived(*derived, down);
    }
  }
  return {&type, instance};
}

Typed find_registered(const OutgoingObject& object, const Place& place) {
  if (const TypeInfo* type = place.registry->find_type(object.dynamic_type)) {
    return {type, object.most_derived};
  }
  if (const TypeInfo* type = place.registry->find_type(object.static_type)) {
    return most_derived(*type, object.instance.get());
  }
  fail(ErrorKind::kRemote, place,
       "C++ type " + type_name(object.dynamic_type) + " is not registered");
}

// Whether finish() has something to do for a value, or for one inside it.
bool is_to_finish(const Variant& value) {
  const Kind kind = value.kind();
  return kind == Kind::kStr || kind == Kind::kDecimal || kind == Kind::kObject ||
         kind == Kind::kEnum || (kind >= Kind::kList && kind <= Kind::kDict);
}

void append_inside(Variant& value, std::vector<Variant*>& values) {
  const auto append = [&](std::vector<Variant>& items) {
    for (Variant& item : items) {
      if (is_to_finish(item)) values.push_back(&item);
    }
  };
  if (auto* list = value.get_if<List>()) return append(list->items);
  if (auto* tuple = value.get_if<Tuple>()) return append(tuple->items);
  if (auto* set = value.get_if<Set>()) return append(set->items);
  if (auto* frozen = value.get_if<FrozenSet>()) return append(frozen->items);
  if (auto* dict = value.get_if<Dict>()) {
    for (auto& [key, item] : dict->entries) {
      if (is_to_finish(key)) values.push_back(&key);
      if (is_to_finish(item)) values.push_back(&item);
    }
  }
}

void finish(Variant& value, const Place& place) {
  if (const auto* text = value.get_if<std::string>()) {
    check_text(*text, place);
  } else if (const auto* decimal = value.get_if<Decimal>()) {
    check_text(decimal->text, place);
  } else if (const auto* member = value.get_if<EnumMember>()) {
    check_text(member->type, place);
    check_text(member->name, place);
  } else if (const auto* object = value.get_if<ObjectPtr>(); object != nullptr && place.registry) {
    if (const auto* pending = dynamic_cast<const PendingObject*>(object->get())) {
      value = store_object(pending->object(), place);
    }
  }
}

}  // namespace

PendingObject::PendingObject(OutgoingObject object)
    : object_(std::move(object)), name_(detail::type_name(object_.dynamic_type)) {}

void check_text(std::string_view text, const Place& place) {
  static constexpr char kHex[] = "0123456789abcdef";
  const std::size_t at = find_invalid_utf8(text);
  if (at == std::string_view::npos) return;
  const auto byte = static_cast<unsigned char>(text[at]);
  fail(ErrorKind::kRemote, place,
       std::string("text that is not UTF-8 (byte 0x") + kHex[byte >> 4] + kHex[byte & 0xf] +
           " at " + std::to_string(at) + "); return bytes instead");
}

Variant store_object(OutgoingObject object, const Place& place) {
  if (place.registry == nullptr) return ObjectPtr(std::make_shared<PendingObject>(object));
  const auto [type, instance] = find_registered(object, place);
  std::shared_ptr<void> owner(std::move(object.instance), instance);
  return ObjectPtr(std::make_shared<LocalObject>(std::move(owner), *type));
}

Variant store_variant(Variant value, const Place& place) {
  std::vector<Variant*> values;
  finish(value, place);
  append_inside(value, values);
  while (!values.empty()) {
    Variant& inner = *values.back();
    values.pop_back();
    finish(inner, place);
    append_inside(inner, values);
  }
  return value;
}

}  // namespace cppipc::detail
