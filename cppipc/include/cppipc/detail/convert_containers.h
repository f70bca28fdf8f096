// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of sets, maps, tuples and pairs.

#include <cppipc/detail/convert_lists.h>

#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace cppipc::detail {

// Sets take sets, lists and tuples, those of numbers also a one-dimensional array that casts
// safely. Of values that are there twice one stays, as in Python.
template <class Values>
struct SetConverter {
  using T = typename Values::value_type;
  static constexpr KindSet kKinds =
      Converter<std::vector<T>>::kKinds | kinds(Kind::kSet, Kind::kFrozenSet);

  static Values load(Variant& value, const Place& place) {
    if constexpr (is_element<T>) {
      const auto length = row_length(value, place, &spell, dtype_kind<T>(), sizeof(T));
      if (length) return from_row(value, *length);
    }
    Values values;
    const bool is_set = !value.get_if<List>() && !value.get_if<Tuple>();
    const std::span<Variant> items = load_set(value, place, &spell);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Place inner = is_set ? place.member(items[i]) : place.item(i);
      values.insert(Converter<T>::load(items[i], inner));
    }
    return values;
  }
  static Variant store(const Values& values, const Place& place) {
    Set set;
    set.items.reserve(values.size());
    for (const T& value : values) set.items.push_back(hashable(Converter<T>::store(value, place)));
    return set;
  }
  static std::string spell(const Speller& speller) {
    return "set[" + Converter<T>::spell(speller) + "]";
  }

 private:
  static Values from_row(const Variant& value, std::size_t length) {
    const auto row = std::make_unique<T[]>(length);
    load_row(value, dtype_kind<T>(), sizeof(T), row.get());
    return Values(row.get(), row.get() + length);
  }
};

template <class T, class C, class A>
struct Converter<std::set<T, C, A>> : SetConverter<std::set<T, C, A>> {};
template <class T, class H, class E, class A>
struct Converter<std::unordered_set<T, H, E, A>> : SetConverter<std::unordered_set<T, H, E, A>> {};

template <class Values>
struct MapConverter {
  using Key = typename Values::key_type;
  using T = typename Values::mapped_type;
  static constexpr KindSet kKinds = kinds(Kind::kDict);

  static Values load(Variant& value, const Place& place) {
    Values values;
    for (auto& [key, item] : load_dict(value, place, &spell)) {
      // The value first: its place is named by the key, which the key's own load may move away.
      T loaded = Converter<T>::load(item, place.entry(key));
      values.insert_or_assign(Converter<Key>::load(key, place.member(key)), std::move(loaded));
    }
    return values;
  }
  static Variant store(Values values, const Place& place) {
    Dict dict;
    dict.entries.reserve(values.size());
    for (auto& [key, item] : values) {
      Variant name = hashable(Converter<Key>::store(key, place));
      Variant stored = Converter<T>::store(std::move(item), place.entry(name));
      dict.entries.emplace_back(std::move(name), std::move(stored));
    }
    return dict;
  }
  static std::string spell(const Speller& speller) {
    return "dict[" + Converter<Key>::spell(speller) + ", " + Converter<T>::spell(speller) + "]";
  }
};

template <class K, class T, class C, class A>
struct Converter<std::map<K, T, C, A>> : MapConverter<std::map<K, T, C, A>> {};
template <class K, class T, class H, class E, class A>
struct Converter<std::unordered_map<K, T, H, E, A>>
    : MapConverter<std::unordered_map<K, T, H, E, A>> {};

// Tuples and lists of exactly that length.
template <class Values, class... T>
struct TupleConverter {
  static constexpr KindSet kKinds = kinds(Kind::kTuple, Kind::kList);

  static Values load(Variant& value, const Place& place) {
    return load_each(load_fixed(value, place, &spell, sizeof...(T), true), place,
                     std::index_sequence_for<T...>());
  }
  static Variant store(Values values, const Place& place) {
    return store_each(values, place, std::index_sequence_for<T...>());
  }
  static std::string spell(const Speller& speller) {
    std::string text;
    ((text += (text.empty() ? "" : ", ") + Converter<T>::spell(speller)), ...);
    return "tuple[" + (text.empty() ? "()" : text) + "]";
  }

 private:
  template <std::size_t... I>
  static Values load_each([[maybe_unused]] std::span<Variant> items,
                          [[maybe_unused]] const Place& place, std::index_sequence<I...>) {
    return Values{Converter<T>::load(items[I], place.item(I))...};
  }
  template <std::size_t... I>
  static Variant store_each([[maybe_unused]] Values& values, [[maybe_unused]] const Place& place,
                            std::index_sequence<I...>) {
    Tuple tuple;
    tuple.items.reserve(sizeof...(T));
    (tuple.items.push_back(Converter<T>::store(std::move(std::get<I>(values)), place.item(I))),
     ...);
    return tuple;
  }
};

template <class... T>
struct Converter<std::tuple<T...>> : TupleConverter<std::tuple<T...>, T...> {};
template <class A, class B>
struct Converter<std::pair<A, B>> : TupleConverter<std::pair<A, B>, A, B> {};

}  // namespace cppipc::detail
