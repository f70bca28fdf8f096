// SPDX-License-Identifier: Apache-2.0
#pragma once
// Variant: one dynamic value, as Python knows them. What goes in comes out equal and of the same
// Python type. Values are plain data and own what they hold; large bytes, arrays and objects are
// shared, never deep-copied, when a Variant is copied.

#include <cppipc/array.h>
#include <cppipc/dataframe.h>
#include <cppipc/error.h>
#include <cppipc/graph.h>
#include <cppipc/message.h>
#include <cppipc/scalars.h>

#include <complex>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cppipc {

class Variant;
// A function that travels (callable.h).
class Callable;
using CallablePtr = std::shared_ptr<Callable>;

// The sequences. Four types, because Python has four and tells them apart.
struct List {
  std::vector<Variant> items;
  bool operator==(const List&) const;
};
struct Tuple {
  std::vector<Variant> items;
  bool operator==(const Tuple&) const;
};
struct Set {
  std::vector<Variant> items;
  bool operator==(const Set&) const;
};
struct FrozenSet {
  std::vector<Variant> items;
  bool operator==(const FrozenSet&) const;
};
// Keys in the order they were put in; any hashable value may be a key. == ignores the order.
struct Dict {
  std::vector<std::pair<Variant, Variant>> entries;
  const Variant* find(std::string_view key) const;  // null if there is no such text key
  bool operator==(const Dict&) const;
};

// In the order of Variant's alternatives.
enum class Kind : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kFloat,
  kComplex,
  kStr,
  kBytes,
  kList,
  kTuple,
  kSet,
  kFrozenSet,
  kDict,
  kDateTime,
  kDate,
  kTime,
  kTimeDelta,
  kDecimal,
  kUuid,
  kArray,
  kObject,
  kEnum,
  kCallable,
  kMessage,
  kDataFrame,
  kGraph,
};
// As describe() names them: "null", "bool", … "timedelta", "array", "object", "enum",
// "callable", "message", "dataframe", "graph".
std::string_view name_of(Kind kind);

// Threads: like a std::vector: const use from many threads is safe.
class Variant {
 public:
  using Storage =
      std::variant<std::monostate, bool, std::int64_t, double, std::complex<double>, std::string,
                   Bytes, List, Tuple, Set, FrozenSet, Dict, DateTime, Date, TimeOfDay, TimeDelta,
                   Decimal, Uuid, std::shared_ptr<const AnyArray>, ObjectPtr, EnumMember,
                   CallablePtr, Message, DataFrame, Graph>;

  Variant() = default;
  Variant(std::nullptr_t) {}
  // A template, so that no pointer becomes a bool.
  template <std::same_as<bool> Bool>
  Variant(Bool value) : storage_(value) {}
  Variant(int value) : storage_(static_cast<std::int64_t>(value)) {}
  Variant(long value) : storage_(static_cast<std::int64_t>(value)) {}
  Variant(long long value) : storage_(static_cast<std::int64_t>(value)) {}
  Variant(unsigned value) : storage_(static_cast<std::int64_t>(value)) {}
  Variant(unsigned long value);       // Errors: kOverflow past 2^63-1
  Variant(unsigned long long value);  // Errors: kOverflow past 2^63-1
  Variant(double value) : storage_(value) {}
  Variant(std::complex<double> value) : storage_(value) {}
  Variant(const char* text) : storage_(std::string(text)) {}
  Variant(std::string_view text) : storage_(std::string(text)) {}
  Variant(std::string text) : storage_(std::move(text)) {}
  Variant(Bytes value) : storage_(std::move(value)) {}
  Variant(List value) : storage_(std::move(value)) {}
  Variant(Tuple value) : storage_(std::move(value)) {}
  Variant(Set value) : storage_(std::move(value)) {}
  Variant(FrozenSet value) : storage_(std::move(value)) {}
  Variant(Dict value) : storage_(std::move(value)) {}
  Variant(DateTime value) : storage_(value) {}
  Variant(Date value) : storage_(value) {}
  Variant(TimeOfDay value) : storage_(value) {}
  Variant(TimeDelta value) : storage_(value) {}
  Variant(Decimal value) : storage_(std::move(value)) {}
  Variant(Uuid value) : storage_(value) {}
  Variant(AnyArray value) : storage_(std::make_shared<const AnyArray>(std::move(value))) {}
  Variant(ObjectPtr object);      // null gives a null Variant; a Callable is of kind callable
  Variant(CallablePtr function);  // null gives a null Variant
  Variant(EnumMember value) : storage_(std::move(value)) {}
  Variant(Message message);  // one that is empty gives a null Variant
  Variant(DataFrame value) : storage_(std::move(value)) {}
  Variant(Graph value) : storage_(std::move(value)) {}

  // Not recursive: a value nested a million deep may be dropped anywhere.
  ~Variant() {
    if (kind() >= Kind::kList && kind() <= Kind::kDict) drop_nested();
  }
  Variant(const Variant&) = default;  // recursive, one frame for each level
  Variant(Variant&&) noexcept = default;
  Variant& operator=(const Variant&) = default;
  Variant& operator=(Variant&&) noexcept = default;

  Kind kind() const { return static_cast<Kind>(storage_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  const Storage& storage() const { return storage_; }
  Storage& storage() { return storage_; }

  // The alternative, e.g. as<std::int64_t>(), as<List>(). Errors: kWrongType naming both kinds.
  template <class T>
  const T& as() const;
  template <class T>
  T& as();
  const AnyArray& as_array() const;
  // Null unless it is that alternative.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&storage_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&storage_);
  }

  // Equal values of the same kind; no conversion between kinds (1 != 1.0 != True). Floats compare
  // by ==, so NaN equals nothing and -0.0 equals 0.0; arrays compare bitwise; objects and
  // functions by identity; sets and dicts ignore the order. Not recursive but through the elements
  // of sets and the keys of dicts. Errors: kInvalidArgument if those nest deeper than 1,000.
  bool operator==(const Variant& other) const;

 private:
  [[noreturn]] void wrong_kind(Kind wanted) const;
  void drop_nested() noexcept;
  Storage storage_;
};

// The seeds' argument and result type of a toolkit.
using VariantMap = std::map<std::string, Variant, std::less<>>;

namespace detail {
template <class T, class... Types>
constexpr std::size_t index_of(const std::variant<Types...>*) {
  std::size_t i = 0;
  (void)((std::is_same_v<T, Types> ? false : (++i, true)) && ...);
  return i;
}
}  // namespace detail

template <class T>
const T& Variant::as() const {
  if (const T* value = get_if<T>()) return *value;
  wrong_kind(static_cast<Kind>(detail::index_of<T>(static_cast<const Storage*>(nullptr))));
}
template <class T>
T& Variant::as() {
  return const_cast<T&>(std::as_const(*this).as<T>());
}
inline const AnyArray& Variant::as_array() const { return *as<std::shared_ptr<const AnyArray>>(); }

}  // namespace cppipc
