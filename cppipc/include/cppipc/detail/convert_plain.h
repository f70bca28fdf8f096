// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of the values that a Variant holds as they are, and of a Variant itself.

#include <cppipc/detail/convert_objects.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace cppipc::detail {

template <>
struct Converter<Variant> {
  static constexpr KindSet kKinds = kAnyKind;

  static Variant load(Variant& value, const Place& place) {
    return place.may_move ? std::move(value) : value;
  }
  static Variant store(Variant value, const Place& place) {
    return store_variant(std::move(value), place);
  }
  static std::string spell(const Speller&) { return "object"; }
};

// None and nothing else.
template <>
struct Converter<std::monostate> {
  static constexpr KindSet kKinds = kinds(Kind::kNull);

  static std::monostate load(Variant& value, const Place& place) {
    require_kind(value, Kind::kNull, place);
    return {};
  }
  static Variant store(std::monostate, const Place&) { return {}; }
  static std::string spell(const Speller&) { return "None"; }
};
template <>
struct Converter<std::nullopt_t> : Converter<std::monostate> {
  static Variant store(std::nullopt_t, const Place&) { return {}; }
};
template <>
struct Converter<std::nullptr_t> : Converter<std::monostate> {
  static Variant store(std::nullptr_t, const Place&) { return {}; }
};

// The alternatives of Variant that are taken as they are.
template <class T, Kind kKind>
struct AlternativeConverter {
  static constexpr KindSet kKinds = kinds(kKind);

  static T load(Variant& value, const Place& place) {
    require_kind(value, kKind, place);
    T& held = value.as<T>();
    return place.may_move ? std::move(held) : held;
  }
  static Variant store(T value, const Place& place) {
    return store_variant(Variant(std::move(value)), place);
  }
};

template <>
struct Converter<List> : AlternativeConverter<List, Kind::kList> {
  static std::string spell(const Speller&) { return "list"; }
};
template <>
struct Converter<Tuple> : AlternativeConverter<Tuple, Kind::kTuple> {
  static std::string spell(const Speller&) { return "tuple"; }
};
template <>
struct Converter<Set> : AlternativeConverter<Set, Kind::kSet> {
  static std::string spell(const Speller&) { return "set"; }
};
template <>
struct Converter<FrozenSet> : AlternativeConverter<FrozenSet, Kind::kFrozenSet> {
  static std::string spell(const Speller&) { return "frozenset"; }
};
template <>
struct Converter<Dict> : AlternativeConverter<Dict, Kind::kDict> {
  static std::string spell(const Speller&) { return "dict"; }
};
template <>
struct Converter<DateTime> : AlternativeConverter<DateTime, Kind::kDateTime> {
  static std::string spell(const Speller&) { return "datetime"; }
};
template <>
struct Converter<Date> : AlternativeConverter<Date, Kind::kDate> {
  static std::string spell(const Speller&) { return "date"; }
};
template <>
struct Converter<TimeOfDay> : AlternativeConverter<TimeOfDay, Kind::kTime> {
  static std::string spell(const Speller&) { return "time"; }
};
template <>
struct Converter<TimeDelta> : AlternativeConverter<TimeDelta, Kind::kTimeDelta> {
  static std::string spell(const Speller&) { return "timedelta"; }
};
template <>
struct Converter<Decimal> : AlternativeConverter<Decimal, Kind::kDecimal> {
  static std::string spell(const Speller&) { return "Decimal"; }
};
template <>
struct Converter<Message> {
  static constexpr KindSet kKinds = kinds(Kind::kMessage);

  static Message load(Variant& value, const Place& place) {
    require_kind(value, Kind::kMessage, place);
    return value.as<Message>();
  }
  static Variant store(Message value, const Place&) { return Variant(std::move(value)); }
  static std::string spell(const Speller&) { return "Message"; }
};
template <>
struct Converter<DataFrame> {
  static constexpr KindSet kKinds = kinds(Kind::kDataFrame);

  static DataFrame load(Variant& value, const Place& place) {
    require_kind(value, Kind::kDataFrame, place);
    return value.as<DataFrame>();
  }
  static Variant store(DataFrame value, const Place&) { return Variant(std::move(value)); }
  static std::string spell(const Speller&) { return "unity.DataFrame"; }
};
template <>
struct Converter<Graph> {
  static constexpr KindSet kKinds = kinds(Kind::kGraph);

  static Graph load(Variant& value, const Place& place) {
    require_kind(value, Kind::kGraph, place);
    return value.as<Graph>();
  }
  static Variant store(Graph value, const Place&) { return Variant(std::move(value)); }
  static std::string spell(const Speller&) { return "unity.Graph"; }
};
template <>
struct Converter<Uuid> : AlternativeConverter<Uuid, Kind::kUuid> {
  static std::string spell(const Speller&) { return "UUID"; }
};

}  // namespace cppipc::detail
