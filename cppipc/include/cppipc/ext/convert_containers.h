// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conversions of the standard containers, pairs and tuples.

#include <cppipc/ext/convert.h>

#include <array>
#include <tuple>
#include <utility>

namespace cppipc::ext::detail {

// What NumPy calls the kind of an element type; 0 for what is none.
template <class T>
constexpr char dtype_kind() {
  if constexpr (std::is_same_v<T, bool>) return 'b';
  if constexpr (std::is_floating_point_v<T>) return 'f';
  if constexpr (std::is_integral_v<T> && !is_character<T>) return std::is_signed_v<T> ? 'i' : 'u';
  if constexpr (is_complex<T>) return sizeof(T) <= 2 * sizeof(double) ? 'c' : 0;
  return 0;
}
template <class T>
inline constexpr bool is_element = dtype_kind<T>() != 0;

struct Items {
  const cppipc_value* data;
  std::size_t size;
};

inline bool is_set(const cppipc_value& value) {
  return value.kind == CPPIPC_SET || value.kind == CPPIPC_FROZENSET;
}

// The values of a list or tuple, or of a set where that will do. Errors: kWrongType.
inline Items load_items(const cppipc_value& value, const Place& place, const std::string& expected,
                        bool may_be_set) {
  const bool is_sequence = value.kind == CPPIPC_LIST || value.kind == CPPIPC_TUPLE;
  if (!is_sequence && !(may_be_set && is_set(value))) refuse(place, expected, value);
  return {value.as.items.data, value.as.items.size};
}

// The same, with a fixed length.
inline Items load_fixed(const cppipc_value& value, const Place& place, const std::string& expected,
                        std::size_t length) {
  const Items items = load_items(value, place, expected, false);
  if (items.size != length) {
    fail_at(place, ErrorKind::kWrongType,
            joined({"expected ", expected, " of ", std::to_string(length), " items, got ",
                    std::to_string(items.size)}));
  }
  return items;
}

inline cppipc_value make_items(std::int32_t kind, const std::vector<cppipc_value>& items) {
  cppipc_value value = make_value(kind);
  value.as.items.data = items.data();
  value.as.items.size = items.size();
  return value;
}

// list and tuple; for numbers also a one-dimensional array that casts safely, for others also a
// set, in any order.
template <class T>
struct Converter<std::vector<T>> {
  static constexpr std::uint32_t kKinds =
      kinds(CPPIPC_LIST, CPPIPC_TUPLE) |
      (is_element<T> ? kinds(CPPIPC_ARRAY) : kinds(CPPIPC_SET, CPPIPC_FROZENSET));

  static std::vector<T> load(const cppipc_value& value, const Place& place,
                             bool may_be_set = !is_element<T>) {
    if constexpr (is_element<T>) {
      if (value.kind == CPPIPC_ARRAY) return load_array(value, place);
    }
    const Items items = load_items(value, place, spell(), may_be_set);
    std::vector<T> values;
    values.reserve(items.size);
    for (std::size_t i = 0; i < items.size; ++i) {
      values.push_back(Converter<T>::load(items.data[i], place.item(i)));
    }
    return values;
  }
  static cppipc_value store(std::vector<T>& values, Store& store, const Place& place) {
    if constexpr (std::is_same_v<T, double>) {
      cppipc_value value = make_value(CPPIPC_FLOATS);
      value.as.numbers.data = values.data();
      value.as.numbers.size = values.size();
      return value;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      cppipc_value value = make_value(CPPIPC_INTS);
      value.as.ints.data = values.data();
      value.as.ints.size = values.size();
      return value;
    } else {
      std::vector<cppipc_value>& items = store.keep(std::vector<cppipc_value>());
      items.reserve(values.size());
      for (auto&& item : values) {
        items.push_back(Converter<T>::store(item, store, place.item(items.size())));
      }
      return make_items(CPPIPC_LIST, items);
    }
  }
  CPPIPC_EXT_COLD static std::string spell() {
    return joined({"list[", Converter<T>::spell(), "]"});
  }

 private:
  static std::vector<T> load_array(const cppipc_value& value, const Place& place) {
    const std::string expected = spell();
    std::size_t length = 0;
    check(
        host().row_length(&place, &value, text_of(expected), dtype_kind<T>(), sizeof(T), &length));
    if constexpr (std::is_same_v<T, bool>) {
      const auto row = std::make_unique<bool[]>(length);
      check(host().load_row(&value, 'b', 1, row.get()));
      return std::vector<bool>(row.get(), row.get() + length);
    } else {
      std::vector<T> values(length);
      check(host().load_row(&value, dtype_kind<T>(), sizeof(T), values.data()));
      return values;
    }
  }
};

template <class T, std::size_t kSize>
struct Converter<std::array<T, kSize>> {
  using AsVector = Converter<std::vector<T>>;
  static constexpr std::uint32_t kKinds = AsVector::kKinds & ~kinds(CPPIPC_SET, CPPIPC_FROZENSET);

  static std::array<T, kSize> load(const cppipc_value& value, const Place& place) {
    if (value.kind != CPPIPC_ARRAY) (void)load_fixed(value, place, spell(), kSize);
    std::vector<T> values = AsVector::load(value, place, false);
    if (values.size() != kSize) {
      fail_at(place, ErrorKind::kWrongType,
              joined({"expected ", std::to_string(kSize), " items, got ",
                      std::to_string(values.size())}));
    }
    return make(values, std::make_index_sequence<kSize>());
  }
  static cppipc_value store(std::array<T, kSize>& values, Store& store, const Place& place) {
    std::vector<cppipc_value>& items = store.keep(std::vector<cppipc_value>());
    for (T& item : values) {
      items.push_back(Converter<T>::store(item, store, place.item(items.size())));
    }
    return make_items(CPPIPC_LIST, items);
  }
  CPPIPC_EXT_COLD static std::string spell() { return AsVector::spell(); }

 private:
  template <std::size_t... I>
  static std::array<T, kSize> make([[maybe_unused]] std::vector<T>& values,
                                   std::index_sequence<I...>) {
    return {{T(std::move(values[I]))...}};
  }
};

// Whether it is std::map, std::unordered_map or made like them, with text as keys.
template <class T, class = void>
inline constexpr bool is_text_map = false;
template <class T>
inline constexpr bool is_text_map<T, std::void_t<typename T::mapped_type, decltype(&T::max_size)>> =
    std::is_same_v<typename T::key_type, std::string>;

// dict with text as keys.
template <class Map>
struct Converter<Map, std::enable_if_t<is_text_map<Map>>> {
  using T = typename Map::mapped_type;
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_DICT);

  static Map load(const cppipc_value& value, const Place& place) {
    if (value.kind != CPPIPC_DICT) refuse(place, spell(), value);
    Map map;
    for (std::size_t i = 0; i + 1 < value.as.items.size; i += 2) {
      const cppipc_value& key = value.as.items.data[i];
      T loaded = Converter<T>::load(value.as.items.data[i + 1], place.entry(key));
      map.insert_or_assign(Converter<std::string>::load(key, place.member(key)), std::move(loaded));
    }
    return map;
  }
  static cppipc_value store(Map& map, Store& store, const Place& place) {
    std::vector<cppipc_value>& items = store.keep(std::vector<cppipc_value>());
    items.reserve(2 * map.size());
    for (auto& [key, item] : map) {
      items.push_back(make_text(key));
      // The place refers to the key, which stays where it is: there is room for all.
      const Place under = place.entry(items.back());
      items.push_back(Converter<T>::store(item, store, under));
    }
    return make_items(CPPIPC_DICT, items);
  }
  CPPIPC_EXT_COLD static std::string spell() {
    return joined({"dict[str, ", Converter<T>::spell(), "]"});
  }
};

// Tuples and lists of exactly that length.
template <class Values, class... T>
struct TupleConverter {
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_TUPLE, CPPIPC_LIST);

  static Values load(const cppipc_value& value, const Place& place) {
    return load_each(load_fixed(value, place, spell(), sizeof...(T)), place,
                     std::index_sequence_for<T...>());
  }
  static cppipc_value store(Values& values, Store& store, const Place& place) {
    return store_each(values, store, place, std::index_sequence_for<T...>());
  }
  CPPIPC_EXT_COLD static std::string spell() {
    std::string text;
    ((text += (text.empty() ? "" : ", ") + Converter<T>::spell()), ...);
    return joined({"tuple[", text.empty() ? "()" : std::string_view(text), "]"});
  }

 private:
  template <std::size_t... I>
  static Values load_each([[maybe_unused]] Items items, [[maybe_unused]] const Place& place,
                          std::index_sequence<I...>) {
    return Values{Converter<T>::load(items.data[I], place.item(I))...};
  }
  template <std::size_t... I>
  static cppipc_value store_each(Values& values, Store& store, const Place& place,
                                 std::index_sequence<I...>) {
    std::vector<cppipc_value>& items = store.keep(std::vector<cppipc_value>());
    (items.push_back(Converter<T>::store(std::get<I>(values), store, place.item(I))), ...);
    return make_items(CPPIPC_TUPLE, items);
  }
};
template <class... T>
struct Converter<std::tuple<T...>> : TupleConverter<std::tuple<T...>, T...> {};
template <class A, class B>
struct Converter<std::pair<A, B>> : TupleConverter<std::pair<A, B>, A, B> {};

}  // namespace cppipc::ext::detail
