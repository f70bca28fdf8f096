// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of exposed types: by value, by reference, by pointer. The template that all other
// types specialise.

#include <cppipc/detail/load.h>

#include <concepts>
#include <memory>
#include <type_traits>
#include <typeinfo>

namespace cppipc::detail {

// A set of kinds, as bits.
using KindSet = std::uint32_t;

template <class... Kinds>
constexpr KindSet kinds(Kinds... kind) {
  return ((KindSet{1} << static_cast<unsigned>(kind)) | ... | KindSet{0});
}
inline constexpr KindSet kAnyKind = ~KindSet{0};

constexpr bool has_kind(KindSet set, Kind kind) {
  return (set >> static_cast<unsigned>(kind) & 1) != 0;
}

template <class T>
Variant store_shared(std::shared_ptr<T> object, const Place& place) {
  static_assert(!std::is_const_v<T>, "exposed objects are not const");
  if (!object) return {};
  T* address = object.get();
  if constexpr (std::is_polymorphic_v<T>) {
    return store_object(
        {std::move(object), typeid(T), typeid(*address), dynamic_cast<void*>(address)}, place);
  } else {
    return store_object({std::move(object), typeid(T), typeid(T), address}, place);
  }
}

// The converter of exposed types. `load` gives the object itself, which the Variant keeps alive.
template <class T>
struct Converter {
  static_assert(std::is_class_v<T> && !std::is_const_v<T>,
                "cppipc has no conversion for this type");
  static constexpr KindSet kKinds = kinds(Kind::kObject);
  static constexpr bool kIsExposed = true;

  static T& load(Variant& value, const Place& place) {
    return *static_cast<T*>(load_object(value, place, typeid(T), false).get());
  }
  // A template, so that T may be abstract; nothing is a value of it then.
  template <std::same_as<T> Value>
  static Variant store(Value value, const Place& place) {
    return store_shared(std::make_shared<T>(std::move(value)), place);
  }
  static std::string spell(const Speller& speller) { return speller.exposed(typeid(T)); }
};

template <class T>
struct Converter<std::shared_ptr<T>> {
  static_assert(std::is_class_v<T> && !std::is_const_v<T>, "exposed types are classes, not const");
  static constexpr KindSet kKinds = kinds(Kind::kObject, Kind::kNull);

  static std::shared_ptr<T> load(Variant& value, const Place& place) {
    return std::static_pointer_cast<T>(load_object(value, place, typeid(T), true));
  }
  static Variant store(std::shared_ptr<T> value, const Place& place) {
    return store_shared(std::move(value), place);
  }
  static std::string spell(const Speller& speller) {
    return speller.exposed(typeid(T)) + " | None";
  }
};

// Results only: nobody can give away what a session holds.
template <class T, class Deleter>
struct Converter<std::unique_ptr<T, Deleter>> {
  static Variant store(std::unique_ptr<T, Deleter> value, const Place& place) {
    return store_shared(std::shared_ptr<T>(std::move(value)), place);
  }
  static std::string spell(const Speller& speller) {
    return Converter<std::shared_ptr<T>>::spell(speller);
  }
};

// Parameters only (results that are pointers go through the signature, which knows the owner).
template <class T>
requires std::is_class_v<T>
struct Converter<T*> {
  static constexpr KindSet kKinds = kinds(Kind::kObject, Kind::kNull);

  static T* load(Variant& value, const Place& place) {
    return static_cast<std::remove_const_t<T>*>(load_object(value, place, typeid(T), true).get());
  }
  static std::string spell(const Speller& speller) {
    return speller.exposed(typeid(T)) + " | None";
  }
};

// Any object, whatever its type.
template <>
struct Converter<ObjectPtr> {
  static constexpr KindSet kKinds = kinds(Kind::kObject, Kind::kNull);

  static ObjectPtr load(Variant& value, const Place& place) {
    return load_any_object(value, place);
  }
  static Variant store(ObjectPtr value, const Place& place) {
    return store_variant(Variant(std::move(value)), place);
  }
  static std::string spell(const Speller&) { return "Proxy | None"; }
};

template <class T>
std::string spell(const Speller& speller) {
  return Converter<T>::spell(speller);
}

// Whether T is taken for an exposed type.
template <class T>
inline constexpr bool is_exposed = requires {
  Converter<T>::kIsExposed;
};

}  // namespace cppipc::detail
