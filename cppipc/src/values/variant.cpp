// SPDX-License-Identifier: Apache-2.0
#include <cppipc/callable.h>

#include <cstring>
#include <limits>

namespace cppipc {
namespace {

std::int64_t checked(unsigned long long value) {
  if (value > static_cast<unsigned long long>(std::numeric_limits<std::int64_t>::max())) {
    throw Error(ErrorKind::kOverflow,
                "integer " + std::to_string(value) + " does not fit in 64 bits with sign");
  }
  return static_cast<std::int64_t>(value);
}

// The items of a list, tuple, set or frozenset; null for others.
std::vector<Variant>* items_of(Variant& value) {
  if (auto* list = value.get_if<List>()) return &list->items;
  if (auto* tuple = value.get_if<Tuple>()) return &tuple->items;
  if (auto* set = value.get_if<Set>()) return &set->items;
  if (auto* frozen = value.get_if<FrozenSet>()) return &frozen->items;
  return nullptr;
}

bool holds_values(Variant& value) {
  if (const auto* items = items_of(value)) return !items->empty();
  const auto* dict = value.get_if<Dict>();
  return dict != nullptr && !dict->entries.empty();
}

// A value inside a container that holds_values(): the one that last_container() comes to last.
Variant& first_inside(Variant& container) {
  if (auto* items = items_of(container)) return items->front();
  return container.get_if<Dict>()->entries.front().second;
}

// Drops values from the end of `container` until one of them is a container that holds values;
// null when nothing is left. `is_last` tells whether nothing else is in `container` then.
Variant* last_container(Variant& container, bool& is_last) {
  if (auto* items = items_of(container)) {
    while (!items->empty() && !holds_values(items->back())) items->pop_back();
    is_last = items->size() == 1;
    return items->empty() ? nullptr : &items->back();
  }
  auto& entries = container.get_if<Dict>()->entries;
  while (!entries.empty()) {
    auto& [key, value] = entries.back();
    if (holds_values(key)) {
      is_last = entries.size() == 1 && !holds_values(value);
      return &key;
    }
    if (holds_values(value)) {
      is_last = entries.size() == 1;
      return &value;
    }
    entries.pop_back();
  }
  return nullptr;
}

}  // namespace

Bytes::Bytes(std::string_view copied) {
  const auto memory = std::make_shared<std::string>(copied);
  bytes_ = std::as_bytes(std::span(memory->data(), memory->size()));
  owner_ = memory;
}

const Variant* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    const auto* text = name.get_if<std::string>();
    if (text != nullptr && *text == key) return &value;
  }
  return nullptr;
}

std::string_view name_of(Kind kind) {
  static constexpr std::string_view kNames[] = {
      "null",     "bool",      "int",       "float",     "complex", "str",      "bytes",
      "list",     "tuple",     "set",       "frozenset", "dict",    "datetime", "date",
      "time",     "timedelta", "decimal",   "uuid",      "array",   "object",   "enum",
      "callable", "message",   "dataframe", "graph",
  };
  static_assert(std::size(kNames) == std::variant_size_v<Variant::Storage>);
  return kNames[static_cast<std::size_t>(kind)];
}

Variant::Variant(unsigned long value) : storage_(checked(value)) {}
Variant::Variant(unsigned long long value) : storage_(checked(value)) {}

Variant::Variant(CallablePtr function) {
  if (function) storage_ = std::move(function);
}

Variant::Variant(ObjectPtr object) {
  if (auto function = std::dynamic_pointer_cast<Callable>(object)) {
    storage_ = std::move(function);
    return;
  }
  if (object) storage_ = std::move(object);
}

Variant::Variant(Message message) {
  if (!message.is_empty()) storage_ = std::move(message);
}

void Variant::wrong_kind(Kind wanted) const {
  throw Error(ErrorKind::kWrongType,
              "expected " + std::string(name_of(wanted)) + ", got " + std::string(name_of(kind())));
}

// Takes the nested containers apart one at a time, without recursion and without memory of its
// own: `current` is the container being emptied. When one is found inside it, the two change
// places: the inner one's first value moves into the hole it leaves, and the rest of `current`
// moves to where that value was, to be met again as a nested container, and as the last one. So
// each container is entered once, and left when nothing else is in it.
void Variant::drop_nested() noexcept {
  if (!holds_values(*this)) return;
  Variant current = std::move(*this);
  bool is_last = false;
  while (holds_values(current)) {
    Variant* nested = last_container(current, is_last);
    if (nested == nullptr) break;
    Variant inner = std::move(*nested);
    if (!is_last) {
      *nested = std::move(first_inside(inner));
      first_inside(inner) = std::move(current);
    }
    current = std::move(inner);
  }
}

}  // namespace cppipc
