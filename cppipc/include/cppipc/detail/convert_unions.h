// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of std::optional and std::variant.

#include <cppipc/detail/convert_objects.h>

#include <optional>
#include <variant>

namespace cppipc::detail {

template <class T>
struct Converter<std::optional<T>> {
  static constexpr KindSet kKinds = Converter<T>::kKinds | kinds(Kind::kNull);

  static std::optional<T> load(Variant& value, const Place& place) {
    if (value.is_null()) return std::nullopt;
    if (!has_kind(kKinds, value.kind())) refuse(place, &spell, value);
    return Converter<T>::load(value, place);
  }
  static Variant store(std::optional<T> value, const Place& place) {
    return value ? Converter<T>::store(std::move(*value), place) : Variant();
  }
  static std::string spell(const Speller& speller) {
    std::string text = Converter<T>::spell(speller);
    return text.ends_with("None") ? text : text + " | None";
  }
};

// The first alternative that takes the value without conversion; else the first that takes it.
template <class... T>
struct Converter<std::variant<T...>> {
  using Value = std::variant<T...>;
  static constexpr KindSet kKinds = (Converter<T>::kKinds | ...);

  static Value load(Variant& value, const Place& place) {
    std::optional<Value> found = load_first(value, place.attempt(true));
    if (!found && !place.is_exact) found = load_first(value, place.attempt(false));
    if (!found) refuse(place, &spell, value);
    return std::move(*found);
  }
  static Variant store(Value value, const Place& place) {
    return std::visit([&]<class A>(A& held) { return Converter<A>::store(std::move(held), place); },
                      value);
  }
  static std::string spell(const Speller& speller) {
    std::string text;
    ((text += (text.empty() ? "" : " | ") + Converter<T>::spell(speller)), ...);
    return text;
  }

 private:
  static std::optional<Value> load_first(Variant& value, const Place& place) {
    std::optional<Value> found;
    (void)(load_as<T>(found, value, place) || ...);
    return found;
  }
  template <class A>
  static bool load_as(std::optional<Value>& found, Variant& value, const Place& place) {
    if (!has_kind(Converter<A>::kKinds, value.kind())) return false;
    try {
      found.emplace(std::in_place_type<A>, Converter<A>::load(value, place));
      return true;
    } catch (const Error& error) {
      // A refusal means: try the next one. Anything else is for the caller.
      if (!is_refusal(error)) throw;
      return false;
    }
  }
};

}  // namespace cppipc::detail
