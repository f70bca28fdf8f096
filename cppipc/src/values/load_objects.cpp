// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/load.h>
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/outgoing.h"
#include "values/scalar.h"

namespace cppipc::detail {
namespace {

// The address of `instance`, a `from`, as the C++ type `to`; null if it is none.
void* upcast(const TypeInfo& from, void* instance, std::type_index to) {
  if (from.cpp_type == to) return instance;
  for (const TypeInfo::Base& base : from.bases) {
    if (void* found = upcast(*base.type, base.up(instance), to)) return found;
  }
  return nullptr;
}

// Null if the object is not, or is not known to be, a `type`.
std::shared_ptr<void> as_type(const Object& object, std::type_index type, bool is_exact) {
  if (const auto* local = dynamic_cast<const LocalObject*>(&object)) {
    if (is_exact && local->type().cpp_type != type) return nullptr;
    void* address = upcast(local->type(), local->instance().get(), type);
    return address == nullptr ? nullptr : std::shared_ptr<void>(local->instance(), address);
  }
  if (const auto* pending = dynamic_cast<const PendingObject*>(&object)) {
    const OutgoingObject& made = pending->object();
    if (made.static_type == type) return made.instance;
    if (made.dynamic_type == type) return {made.instance, made.most_derived};
  }
  return nullptr;
}

const EnumInfo& find_enum(const Place& place, std::type_index type) {
  const EnumInfo* info =
      place.registry == nullptr ? nullptr : place.registry->find_enumeration(type);
  if (info == nullptr) {
    throw std::logic_error(place.text() + ": enumeration " + type_name(type) +
                           " is not registered here");
  }
  return *info;
}

// "Color ('red', 'green')".
std::string members_text(const EnumInfo& info) {
  std::string text;
  for (const auto& [member, value] : info.members) {
    text += (text.empty() ? "" : ", ") + quote(member);
  }
  return info.name + " (" + text + ")";
}

}  // namespace

std::shared_ptr<void> load_object(const Variant& value, const Place& place, std::type_index type,
                                  bool none_allowed) {
  if (value.is_null() && none_allowed) return nullptr;
  if (const auto* object = value.get_if<ObjectPtr>()) {
    if (auto instance = as_type(**object, type, place.is_exact)) return instance;
  }
  refuse(place, Speller(place.registry).exposed(type) + (none_allowed ? " or None" : ""), value);
}

ObjectPtr load_any_object(const Variant& value, const Place& place) {
  if (value.is_null()) return nullptr;
  require_kind(value, Kind::kObject, place);
  return value.as<ObjectPtr>();
}

std::int64_t load_enum(const Variant& value, const Place& place, std::type_index type) {
  const EnumInfo& info = find_enum(place, type);
  const auto* given = value.get_if<EnumMember>();
  std::optional<std::string> name;
  if (given != nullptr && given->type == info.name) name = given->name;
  // A name is text that is converted.
  if (given == nullptr && !place.is_exact) {
    const auto* text = value.get_if<std::string>();
    name = text != nullptr ? std::optional(*text) : scalar_text(value);
  }
  if (!name) refuse(place, info.name, value);
  for (const auto& [member, number] : info.members) {
    if (member == *name) return number;
  }
  fail(ErrorKind::kInvalidArgument, place,
       "expected " + members_text(info) + ", got " + quote(*name));
}

Variant store_enum(std::int64_t value, const Place& place, std::type_index type) {
  const EnumInfo& info = find_enum(place, type);
  for (const auto& [member, number] : info.members) {
    if (number == value) return EnumMember{info.name, member};
  }
  fail(ErrorKind::kRemote, place,
       std::to_string(value) + " is no registered value of " + info.name);
}

}  // namespace cppipc::detail
