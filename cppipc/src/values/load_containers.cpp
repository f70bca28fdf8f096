// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/load.h>

namespace cppipc::detail {
namespace {

std::string_view python_name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "None";
    case Kind::kDecimal:
      return "Decimal";
    case Kind::kUuid:
      return "UUID";
    case Kind::kMessage:
      return "Message";
    case Kind::kDataFrame:
      return "unity.DataFrame";
    case Kind::kGraph:
      return "unity.Graph";
    default:
      return name_of(kind);
  }
}

// The items, or nothing if the value is no sequence, or not of the exact kind that is asked for.
std::vector<Variant>* sequence_items(Variant& value, bool is_exact, bool is_tuple) {
  if (auto* list = value.get_if<List>()) return is_exact && is_tuple ? nullptr : &list->items;
  if (auto* tuple = value.get_if<Tuple>()) return is_exact && !is_tuple ? nullptr : &tuple->items;
  return nullptr;
}

std::vector<Variant>* set_items(Variant& value) {
  if (auto* set = value.get_if<Set>()) return &set->items;
  if (auto* frozen = value.get_if<FrozenSet>()) return &frozen->items;
  return nullptr;
}

}  // namespace

void require_kind(const Variant& value, Kind wanted, const Place& place) {
  if (value.kind() != wanted) refuse(place, python_name(wanted), value);
}

std::span<Variant> load_sequence(Variant& value, const Place& place, Spell expected,
                                 bool is_tuple) {
  std::vector<Variant>* items = sequence_items(value, place.is_exact, is_tuple);
  if (items == nullptr) refuse(place, expected, value);
  return *items;
}

std::span<Variant> load_fixed(Variant& value, const Place& place, Spell expected,
                              std::size_t length, bool is_tuple) {
  const std::span<Variant> items = load_sequence(value, place, expected, is_tuple);
  if (items.size() != length) {
    refuse_given(place,
                 expected(Speller(place.registry)) + " of " + std::to_string(length) + " items",
                 std::to_string(items.size()));
  }
  return items;
}

std::span<Variant> load_items(Variant& value, const Place& place, Spell expected) {
  if (std::vector<Variant>* items = set_items(value); items != nullptr && !place.is_exact) {
    return *items;
  }
  return load_sequence(value, place, expected);
}

std::span<Variant> load_set(Variant& value, const Place& place, Spell expected) {
  if (auto* set = value.get_if<Set>()) return set->items;
  if (place.is_exact) refuse(place, expected, value);
  if (std::vector<Variant>* items = set_items(value)) return *items;
  return load_sequence(value, place, expected);
}

std::span<std::pair<Variant, Variant>> load_dict(Variant& value, const Place& place,
                                                 Spell expected) {
  auto* dict = value.get_if<Dict>();
  if (dict == nullptr) refuse(place, expected, value);
  return dict->entries;
}

Variant hashable(Variant value) {
  if (auto* list = value.get_if<List>()) value = Tuple{std::move(list->items)};
  if (auto* set = value.get_if<Set>()) value = FrozenSet{std::move(set->items)};
  if (auto* tuple = value.get_if<Tuple>()) {
    for (Variant& item : tuple->items) item = hashable(std::move(item));
  }
  return value;
}

}  // namespace cppipc::detail
