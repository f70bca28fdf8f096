// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conversions of exposed types, of the values that have no C++ type of their own, and of
// enumerations.

#include <cppipc/ext/convert.h>

#include <memory>
#include <typeindex>
#include <utility>

namespace cppipc::ext {
namespace detail {

// A type of this extension, while it is registered and as long as the process lives.
struct TypeEntry {
  cppipc_type table = {};
  std::string qualified;  // "square.Accumulator"
};
struct EnumEntry {
  std::string qualified;
  std::vector<std::pair<std::string, std::int64_t>> members;
};

// The registered type of T; null if it has none. Hidden, see host_slot().
template <class T>
__attribute__((visibility("hidden"))) TypeEntry*& type_slot() {
  static TypeEntry* slot = nullptr;
  return slot;
}
template <class E>
__attribute__((visibility("hidden"))) EnumEntry*& enum_slot() {
  static EnumEntry* slot = nullptr;
  return slot;
}
// The registered type of objects whose dynamic type that is; null if it has none.
using DynamicTypes = std::vector<std::pair<std::type_index, TypeEntry*>>;
__attribute__((visibility("hidden"))) inline DynamicTypes& dynamic_types() {
  static DynamicTypes& types = immortal<DynamicTypes>();
  return types;
}

// A share of an object as it crosses: a std::shared_ptr<void> of this library.
using Share = std::shared_ptr<void>;
inline void* copy_share(void* share) {
  return new (std::nothrow) Share(*static_cast<Share*>(share));
}
inline void drop_share(void* share) { delete static_cast<Share*>(share); }
// Whether a type is one of this library's, so that its shares are.
inline bool is_own(const cppipc_type* type) {
  return type != nullptr && type->drop_share == &drop_share;
}

// The address of an object as `wanted`; null if it is none.
inline void* address_as(const cppipc_value& value, const TypeEntry* wanted) {
  if (value.kind != CPPIPC_OBJECT || wanted == nullptr) return nullptr;
  void* address = value.as.object->address;
  for (const cppipc_type* type = value.as.object->type; type != nullptr; type = type->base) {
    if (type == &wanted->table) return address;
    if (type->base != nullptr) address = type->up(address);
  }
  return nullptr;
}

// Errors: always; kWrongType. An object of another load of this extension is called by that name.
[[noreturn]] inline void refuse_object(const cppipc_value& value, const Place& place,
                                       std::string expected) {
  const bool is_older = value.kind == CPPIPC_OBJECT && view(value.as.object->type_name) == expected;
  if (is_older) expected += " of the extension as it is loaded now";
  refuse(place, expected, value);
}

template <class T>
std::string exposed_name() {
  const TypeEntry* entry = type_slot<T>();
  return entry == nullptr ? type_name(typeid(T)) : entry->qualified;
}
// The same while types are spelt. Errors: kToolkit if T is not registered.
template <class T>
std::string spell_exposed() {
  if (type_slot<T>() == nullptr) {
    throw Error(ErrorKind::kToolkit,
                joined({"C++ type ", type_name(typeid(T)), " is not registered"}));
  }
  return exposed_name<T>();
}

inline cppipc_value make_object(const TypeEntry& type, void* address, Share share, Store& store) {
  cppipc_object object = {};
  object.size = sizeof object;
  object.type_name = text_of(type.qualified);
  object.type = &type.table;
  object.address = address;
  object.share = &store.keep(std::move(share));
  cppipc_value value = make_value(CPPIPC_OBJECT);
  value.as.object = &store.keep(object);
  return value;
}

// An object that goes out, as the most derived type of it that is registered.
template <class T>
cppipc_value store_shared(const std::shared_ptr<T>& object, Store& store, const Place& place) {
  if (!object) return make_value(CPPIPC_NONE);
  if constexpr (std::is_polymorphic_v<T>) {
    const std::type_index dynamic = typeid(*object);
    for (const auto& [type, entry] : dynamic_types()) {
      if (type == dynamic) {
        return make_object(*entry, dynamic_cast<void*>(object.get()), object, store);
      }
    }
  }
  const TypeEntry* entry = type_slot<T>();
  if (entry == nullptr) {
    fail_at(place, ErrorKind::kRemote,
            joined({"C++ type ", exposed_name<T>(), " is not registered"}));
  }
  return make_object(*entry, object.get(), object, store);
}

// Exposed types. What is loaded is the object itself, which the call keeps alive.
template <class T, class>
struct Converter {
  static_assert(std::is_class_v<T> && !std::is_const_v<T>,
                "cppipc has no conversion for this type");
  static constexpr bool kIsExposed = true;
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_OBJECT);

  static T& load(const cppipc_value& value, const Place& place) {
    void* address = address_as(value, type_slot<T>());
    if (address == nullptr) refuse_object(value, place, exposed_name<T>());
    return *static_cast<T*>(address);
  }
  static cppipc_value store(T& value, Store& store, const Place& place) {
    return store_shared(std::make_shared<T>(std::move(value)), store, place);
  }
  CPPIPC_EXT_COLD static std::string spell() { return spell_exposed<T>(); }
};

template <class T, class = void>
struct IsExposed : std::false_type {};
template <class T>
struct IsExposed<T, std::enable_if_t<Converter<T>::kIsExposed>> : std::true_type {};

template <class T>
struct Converter<std::shared_ptr<T>> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_OBJECT, CPPIPC_NONE);

  static std::shared_ptr<T> load(const cppipc_value& value, const Place& place) {
    if (value.kind == CPPIPC_NONE) return nullptr;
    void* address = address_as(value, type_slot<T>());
    if (address == nullptr) refuse_object(value, place, joined({exposed_name<T>(), " or None"}));
    return std::shared_ptr<T>(*static_cast<Share*>(value.as.object->share),
                              static_cast<T*>(address));
  }
  static cppipc_value store(const std::shared_ptr<T>& object, Store& store, const Place& place) {
    return store_shared(object, store, place);
  }
  CPPIPC_EXT_COLD static std::string spell() { return joined({spell_exposed<T>(), " | None"}); }
};

// Results only.
template <class T, class Deleter>
struct Converter<std::unique_ptr<T, Deleter>> {
  static cppipc_value store(std::unique_ptr<T, Deleter>& object, Store& store, const Place& place) {
    return store_shared(std::shared_ptr<T>(std::move(object)), store, place);
  }
  CPPIPC_EXT_COLD static std::string spell() { return Converter<std::shared_ptr<T>>::spell(); }
};

// Parameters only: results that are pointers need an owner, see store_result().
template <class T>
struct Converter<T*, std::enable_if_t<std::is_class_v<T>>> {
  using Object = std::remove_const_t<T>;
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_OBJECT, CPPIPC_NONE);

  static T* load(const cppipc_value& value, const Place& place) {
    return Converter<std::shared_ptr<Object>>::load(value, place).get();
  }
  CPPIPC_EXT_COLD static std::string spell() { return Converter<std::shared_ptr<Object>>::spell(); }
};

// Enumerations travel by the names of their members.
template <class E>
struct Converter<E, std::enable_if_t<std::is_enum_v<E>>> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_ENUM, CPPIPC_STR, CPPIPC_ARRAY);

  static E load(const cppipc_value& value, const Place& place) {
    const EnumEntry& entry = registered();
    const bool is_member =
        value.kind == CPPIPC_ENUM && view(value.as.member->type_name) == entry.qualified;
    if (!is_member && !is_text(value)) refuse(place, entry.qualified, value);
    const std::string_view name =
        is_member ? view(value.as.member->name) : Converter<std::string_view>::load(value, place);
    std::string known;
    for (const auto& [member, number] : entry.members) {
      if (member == name) return static_cast<E>(number);
      known += (known.empty() ? "'" : ", '") + member + "'";
    }
    fail_at(place, ErrorKind::kInvalidArgument,
            "expected " + entry.qualified + " (" + known + "), got '" + std::string(name) + "'");
  }
  static cppipc_value store(E value, Store& store, const Place& place) {
    const EnumEntry& entry = registered();
    const auto wanted = static_cast<std::int64_t>(value);
    for (const auto& [member, number] : entry.members) {
      if (number != wanted) continue;
      cppipc_value made = make_value(CPPIPC_ENUM);
      made.as.member = &store.keep(
          cppipc_member{sizeof(cppipc_member), text_of(entry.qualified), text_of(member)});
      return made;
    }
    fail_at(place, ErrorKind::kRemote,
            std::to_string(wanted) + " is no registered value of " + entry.qualified);
  }
  CPPIPC_EXT_COLD static std::string spell() { return registered().qualified; }

 private:
  static const EnumEntry& registered() {
    if (enum_slot<E>() == nullptr) {
      throw Error(ErrorKind::kToolkit,
                  "enumeration " + type_name(typeid(E)) + " is not registered");
    }
    return *enum_slot<E>();
  }
};

}  // namespace detail

// Any value. It may be kept; copying shares it.
// Threads: as safe as what it holds: plain values never change.
class Value {
 public:
  Value() = default;  // None
  // Of any type that converts. Errors: as that of a result.
  template <class T, class = std::enable_if_t<!std::is_same_v<std::decay_t<T>, Value>>>
  Value(T value) {  // NOLINT: whatever is a value may stand where one is wanted
    detail::Store store;
    handle_ = detail::keep(detail::Converter<T>::store(value, store, detail::Place("value")));
  }
  // Not for extensions.
  explicit Value(detail::Handle handle) : handle_(std::move(handle)) {}

  bool is_none() const { return kind() == CPPIPC_NONE; }
  // One of cppipc_kind.
  std::int32_t kind() const { return get().kind; }
  // As a parameter of that type gets it; views are good as long as this. Errors: as a parameter.
  template <class T>
  decltype(auto) as() const {
    return detail::Converter<T>::load(get(), detail::Place("value"));
  }
  // Not for extensions.
  const cppipc_value& get() const {
    static constexpr cppipc_value kNone = {};
    return handle_ ? handle_.value() : kNone;
  }

 private:
  detail::Handle handle_;
};

namespace detail {

template <>
struct Converter<Value> {
  static constexpr std::uint32_t kKinds = ~std::uint32_t{0};

  static Value load(const cppipc_value& value, const Place&) { return Value(keep(value)); }
  static cppipc_value store(const Value& value, Store&, const Place&) { return value.get(); }
  CPPIPC_EXT_COLD static std::string spell() { return "object"; }
};
// None and nothing else.
template <>
struct Converter<std::nullptr_t> {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_NONE);

  static std::nullptr_t load(const cppipc_value& value, const Place& place) {
    if (value.kind != CPPIPC_NONE) refuse(place, "None", value);
    return nullptr;
  }
  static cppipc_value store(std::nullptr_t, Store&, const Place&) {
    return make_value(CPPIPC_NONE);
  }
  CPPIPC_EXT_COLD static std::string spell() { return "None"; }
};

}  // namespace detail
}  // namespace cppipc::ext
