// SPDX-License-Identifier: Apache-2.0
// Equality of variants. Values are compared from a list of pairs still to be compared, so nesting
// costs memory and no stack. Only sets and keys of dicts recurse, because they have to be found
// before they can be compared; that depth is bounded. Large sets and dicts are matched by hash.
#include <cppipc/callable.h>

#include <algorithm>
#include <functional>

namespace cppipc {
namespace {

constexpr int kSetDepthMax = 1000;    // of sets in sets and of keys in keys
constexpr int kHashDepth = 4;         // deeper values count with their kind and size only
constexpr std::size_t kFewItems = 8;  // up to here comparing each with each beats hashing

std::size_t mix(std::size_t seed, std::size_t value) {
  return (seed ^ value) * std::size_t{0x9e3779b97f4a7c15u} + (seed >> 29);
}

std::size_t hash_of(const Variant& value, int depth);

std::size_t hash_in_order(const std::vector<Variant>& items, int depth) {
  std::size_t hash = items.size();
  if (depth > 0) {
    for (const Variant& item : items) hash = mix(hash, hash_of(item, depth - 1));
  }
  return hash;
}

std::size_t hash_any_order(const std::vector<Variant>& items, int depth) {
  std::size_t hash = items.size();
  if (depth > 0) {
    for (const Variant& item : items) hash += hash_of(item, depth - 1);
  }
  return hash;
}

std::size_t hash_of(const AnyArray& array) {
  const std::size_t hash = std::hash<std::string>()(array.dtype.text);
  const std::int64_t size = array.nbytes();
  if (size > 64) return mix(hash, static_cast<std::size_t>(size));
  std::string bytes(static_cast<std::size_t>(size), '\0');
  array.copy_to(reinterpret_cast<std::byte*>(bytes.data()));
  return mix(hash, std::hash<std::string>()(bytes));
}

std::size_t hash_of(const DateTime& when) {
  std::size_t hash =
      static_cast<std::size_t>(when.date.year * 372 + when.date.month * 31) + when.date.day;
  hash = mix(hash, static_cast<std::size_t>((when.time.hour * 60 + when.time.minute) * 60 +
                                            when.time.second));
  return mix(hash, when.time.microsecond);
}

// The hash of whatever has std::hash, is a sequence, or is one of our own values.
struct Hasher {
  int depth;

  std::size_t operator()(std::monostate) const { return 0; }
  std::size_t operator()(const std::complex<double>& z) const {
    return mix(std::hash<double>()(z.real()), std::hash<double>()(z.imag()));
  }
  std::size_t operator()(const Bytes& bytes) const {
    return std::hash<std::string_view>()(bytes.view());
  }
  std::size_t operator()(const Message& message) const {
    std::size_t hash = message.size();
    for (const Bytes& segment : message.segments()) hash = mix(hash, (*this)(segment));
    return hash;
  }
  std::size_t operator()(const DataFrame& frame) const {
    return mix(static_cast<std::size_t>(frame.num_rows()), frame.num_columns());
  }
  std::size_t operator()(const Graph& graph) const {
    return static_cast<std::size_t>(graph.num_edges());
  }
  std::size_t operator()(const List& list) const { return hash_in_order(list.items, depth); }
  std::size_t operator()(const Tuple& tuple) const { return hash_in_order(tuple.items, depth); }
  std::size_t operator()(const Set& set) const { return hash_any_order(set.items, depth); }
  std::size_t operator()(const FrozenSet& set) const { return hash_any_order(set.items, depth); }
  std::size_t operator()(const Dict& dict) const { return dict.entries.size(); }
  std::size_t operator()(const CallablePtr& function) const {
    const std::string_view name = function->registered_name();
    return name.empty() ? std::hash<const void*>()(function->identity())
                        : std::hash<std::string_view>()(name);
  }
  std::size_t operator()(const DateTime& when) const { return hash_of(when); }
  std::size_t operator()(const Date& date) const { return hash_of(DateTime{date, {}}); }
  std::size_t operator()(const TimeOfDay& time) const { return hash_of(DateTime{{}, time}); }
  std::size_t operator()(const TimeDelta& delta) const {
    return mix(mix(static_cast<std::size_t>(delta.days), static_cast<std::size_t>(delta.seconds)),
               static_cast<std::size_t>(delta.microseconds));
  }
  std::size_t operator()(const Decimal& decimal) const {
    return std::hash<std::string>()(decimal.text);
  }
  std::size_t operator()(const Uuid& uuid) const {
    const auto* bytes = reinterpret_cast<const char*>(uuid.bytes.data());
    return std::hash<std::string_view>()({bytes, uuid.bytes.size()});
  }
  std::size_t operator()(const EnumMember& member) const {
    return mix(std::hash<std::string>()(member.type), std::hash<std::string>()(member.name));
  }
  std::size_t operator()(const std::shared_ptr<const AnyArray>& array) const {
    return array ? hash_of(*array) : 0;
  }
  template <class T>
  std::size_t operator()(const T& value) const {
    return std::hash<T>()(value);
  }
};

std::size_t hash_of(const Variant& value, int depth) {
  return mix(value.storage().index(), std::visit(Hasher{depth}, value.storage()));
}

// The pairs of values that are still to be compared.
using Pairs = std::vector<std::pair<const Variant*, const Variant*>>;

bool equal(const Variant& a, const Variant& b, int set_depth);

// Finds, for each of one container's keys, an equal key of another that is not taken yet.
template <class Entry>
class Matcher {
 public:
  using KeyOf = const Variant& (*)(const Entry&);

  Matcher(const std::vector<Entry>& entries, KeyOf key_of, int set_depth)
      : entries_(entries), key_of_(key_of), set_depth_(set_depth), taken_(entries.size()) {
    if (entries.size() <= kFewItems) return;
    by_hash_.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      by_hash_.emplace_back(hash_of(key_of(entries[i]), kHashDepth), i);
    }
    std::sort(by_hash_.begin(), by_hash_.end());
  }

  // Null if there is none.
  const Entry* take(const Variant& key) {
    if (by_hash_.empty()) {
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (matches(i, key)) return &entries_[i];
      }
      return nullptr;
    }
    const std::size_t hash = hash_of(key, kHashDepth);
    auto at = std::lower_bound(by_hash_.begin(), by_hash_.end(), std::pair(hash, std::size_t{0}));
    for (; at != by_hash_.end() && at->first == hash; ++at) {
      if (matches(at->second, key)) return &entries_[at->second];
    }
    return nullptr;
  }

 private:
  bool matches(std::size_t i, const Variant& key) {
    if (taken_[i] || !equal(key_of_(entries_[i]), key, set_depth_)) return false;
    taken_[i] = true;
    return true;
  }

  const std::vector<Entry>& entries_;
  KeyOf key_of_;
  int set_depth_;
  std::vector<bool> taken_;
  std::vector<std::pair<std::size_t, std::size_t>> by_hash_;  // hash, position
};

void check_depth(int set_depth) {
  if (set_depth <= kSetDepthMax) return;
  throw Error(ErrorKind::kInvalidArgument,
              "sets or keys nest deeper than " + std::to_string(kSetDepthMax) + " levels");
}

bool sets_equal(const std::vector<Variant>& a, const std::vector<Variant>& b, int set_depth) {
  if (a.size() != b.size()) return false;
  check_depth(set_depth);
  Matcher<Variant> matcher(
      b, [](const Variant& item) -> const Variant& { return item; }, set_depth + 1);
  return std::all_of(a.begin(), a.end(),
                     [&](const Variant& item) { return matcher.take(item) != nullptr; });
}

// Matches the keys at once; leaves the values to be compared later.
bool keys_equal(const Dict& a, const Dict& b, int set_depth, Pairs& pairs) {
  using Entry = std::pair<Variant, Variant>;
  if (a.entries.size() != b.entries.size()) return false;
  check_depth(set_depth);
  Matcher<Entry> matcher(
      b.entries, [](const Entry& entry) -> const Variant& { return entry.first; }, set_depth + 1);
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const Entry& entry) {
    const Entry* match = matcher.take(entry.first);
    if (match != nullptr) pairs.emplace_back(&entry.second, &match->second);
    return match != nullptr;
  });
}

bool items_equal(const std::vector<Variant>& a, const std::vector<Variant>& b, Pairs& pairs) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) pairs.emplace_back(&a[i], &b[i]);
  return true;
}

bool arrays_equal(const Variant& a, const Variant& b) {
  const auto& left = a.as<std::shared_ptr<const AnyArray>>();
  const auto& right = b.as<std::shared_ptr<const AnyArray>>();
  return left == right || (left && right && *left == *right);
}

// Compares what lies on one level, and appends what lies below it to `pairs`.
bool level_equal(const Variant& a, const Variant& b, int set_depth, Pairs& pairs) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kList:
      return items_equal(a.as<List>().items, b.as<List>().items, pairs);
    case Kind::kTuple:
      return items_equal(a.as<Tuple>().items, b.as<Tuple>().items, pairs);
    case Kind::kSet:
      return sets_equal(a.as<Set>().items, b.as<Set>().items, set_depth);
    case Kind::kFrozenSet:
      return sets_equal(a.as<FrozenSet>().items, b.as<FrozenSet>().items, set_depth);
    case Kind::kDict:
      return keys_equal(a.as<Dict>(), b.as<Dict>(), set_depth, pairs);
    case Kind::kArray:
      return arrays_equal(a, b);
    case Kind::kCallable:
      return same_function(*a.as<CallablePtr>(), *b.as<CallablePtr>());
    default:
      return a.storage() == b.storage();
  }
}

// `pairs` already holds the first ones to compare.
bool all_equal(Pairs& pairs, int set_depth) {
  while (!pairs.empty()) {
    const auto [a, b] = pairs.back();
    pairs.pop_back();
    if (!level_equal(*a, *b, set_depth, pairs)) return false;
  }
  return true;
}

bool equal(const Variant& a, const Variant& b, int set_depth) {
  Pairs pairs;
  return level_equal(a, b, set_depth, pairs) && all_equal(pairs, set_depth);
}

}  // namespace

bool Variant::operator==(const Variant& other) const { return equal(*this, other, 0); }

bool List::operator==(const List& other) const {
  Pairs pairs;
  return items_equal(items, other.items, pairs) && all_equal(pairs, 0);
}

bool Tuple::operator==(const Tuple& other) const {
  Pairs pairs;
  return items_equal(items, other.items, pairs) && all_equal(pairs, 0);
}

bool Set::operator==(const Set& other) const { return sets_equal(items, other.items, 0); }

bool FrozenSet::operator==(const FrozenSet& other) const {
  return sets_equal(items, other.items, 0);
}

bool Dict::operator==(const Dict& other) const {
  Pairs pairs;
  return keys_equal(*this, other, 0, pairs) && all_equal(pairs, 0);
}

}  // namespace cppipc
