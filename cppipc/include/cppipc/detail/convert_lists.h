// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of the standard sequences.

#include <cppipc/detail/convert_objects.h>

#include <array>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cppipc::detail {

// list and tuple; for numbers also a one-dimensional array that casts safely, for others also a
// set, in any order.
template <class T, class Allocator>
struct Converter<std::vector<T, Allocator>> {
  using Values = std::vector<T, Allocator>;
  static constexpr bool kIsNumeric = is_element<T>;
  static constexpr KindSet kKinds =
      kinds(Kind::kList, Kind::kTuple) |
      (kIsNumeric ? kinds(Kind::kArray) : kinds(Kind::kSet, Kind::kFrozenSet));

  static Values load(Variant& value, const Place& place, bool may_be_set = !kIsNumeric) {
    if constexpr (kIsNumeric) {
      const auto length = row_length(value, place, &spell, dtype_kind<T>(), sizeof(T));
      if (length) return from_row(value, *length);
    }
    const std::span<Variant> items =
        may_be_set ? load_items(value, place, &spell) : load_sequence(value, place, &spell);
    Values values;
    values.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      values.push_back(Converter<T>::load(items[i], place.item(i)));
    }
    return values;
  }
  static Variant store(Values values, const Place& place) {
    List list;
    list.items.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      list.items.push_back(Converter<T>::store(std::move(values[i]), place.item(i)));
    }
    return list;
  }
  static std::string spell(const Speller& speller) {
    return "list[" + Converter<T>::spell(speller) + "]";
  }

 private:
  static Values from_row(const Variant& value, std::size_t length) {
    if constexpr (std::is_same_v<T, bool>) {
      const auto row = std::make_unique<bool[]>(length);
      load_row(value, 'b', 1, row.get());
      return Values(row.get(), row.get() + length);
    } else {
      Values values(length);
      load_row(value, dtype_kind<T>(), sizeof(T), values.data());
      return values;
    }
  }
};

// Containers that are filled from, and emptied into, a vector.
template <class Values, class T>
struct ListConverter {
  using AsVector = Converter<std::vector<T>>;
  static constexpr KindSet kKinds = AsVector::kKinds | kinds(Kind::kSet, Kind::kFrozenSet);

  static Values load(Variant& value, const Place& place) {
    std::vector<T> values = AsVector::load(value, place, true);
    return Values(std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
  }
  static Variant store(Values values, const Place& place) {
    return AsVector::store(std::vector<T>(std::make_move_iterator(values.begin()),
                                          std::make_move_iterator(values.end())),
                           place);
  }
  static std::string spell(const Speller& speller) { return AsVector::spell(speller); }
};

template <class T, class A>
struct Converter<std::list<T, A>> : ListConverter<std::list<T, A>, T> {};
template <class T, class A>
struct Converter<std::deque<T, A>> : ListConverter<std::deque<T, A>, T> {};

template <class T, std::size_t kSize>
struct Converter<std::array<T, kSize>> : ListConverter<std::array<T, kSize>, T> {
  using Values = std::array<T, kSize>;
  using AsVector = Converter<std::vector<T>>;
  // Each place has its value: no sets.
  static constexpr KindSet kKinds = AsVector::kKinds & ~kinds(Kind::kSet, Kind::kFrozenSet);

  static Values load(Variant& value, const Place& place) {
    if (!value.template get_if<std::shared_ptr<const AnyArray>>()) {
      (void)load_fixed(value, place, &AsVector::spell, kSize, false);
    }
    std::vector<T> values = AsVector::load(value, place, false);
    if (values.size() != kSize) {
      fail(ErrorKind::kWrongType, place,
           "expected " + std::to_string(kSize) + " items, got " + std::to_string(values.size()));
    }
    return from(std::move(values), std::make_index_sequence<kSize>());
  }

 private:
  template <std::size_t... I>
  static Values from([[maybe_unused]] std::vector<T> values, std::index_sequence<I...>) {
    return {T(std::move(values[I]))...};
  }
};

}  // namespace cppipc::detail
