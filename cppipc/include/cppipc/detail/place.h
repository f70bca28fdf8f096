// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where in a call a conversion stands, so that a refusal can say so:
// `increment() parameter 'by'[3]: expected int, got str`.

#include <cppipc/variant.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <typeindex>

namespace cppipc {

class Registry;

namespace detail {

// A link of a chain that lives on the stack, from a value outwards to the call it belongs to.
// Building one costs no memory; the text is put together only when something is refused.
struct Place {
  enum class Role : std::uint8_t {
    kParameter,
    kProperty,
    kSetting,
    kResult,
    kValue,
    kItem,
    kEntry,
    kMember
  };

  Role role = Role::kValue;
  // Of the outermost link: the function and the parameter, property or setting.
  std::string_view function;
  std::string_view name;
  // Of the others.
  const Place* outer = nullptr;
  std::int64_t index = 0;        // kItem
  const Variant* key = nullptr;  // kEntry, the value under that key; kMember, an element or key

  const Registry* registry = nullptr;
  // Refuse what would need a conversion (1 for a double): the first pass over std::variant.
  bool is_exact = false;
  // Text and variants may be moved out of the value, which is not needed any more.
  bool may_move = false;

  Place item(std::size_t i) const;
  Place entry(const Variant& under) const;
  Place member(const Variant& element) const;
  Place attempt(bool exact) const;

  // "increment() parameter 'by'[3]".
  std::string text() const;
};

inline Place Place::item(std::size_t i) const {
  Place inner = *this;
  inner.role = Role::kItem;
  inner.outer = this;
  inner.index = static_cast<std::int64_t>(i);
  return inner;
}

inline Place Place::entry(const Variant& under) const {
  Place inner = *this;
  inner.role = Role::kEntry;
  inner.outer = this;
  inner.key = &under;
  return inner;
}

inline Place Place::member(const Variant& element) const {
  Place inner = entry(element);
  inner.role = Role::kMember;
  return inner;
}

// The same place, for a try that may fail and be followed by another.
inline Place Place::attempt(bool exact) const {
  Place same = *this;
  same.is_exact = is_exact || exact;
  same.may_move = false;
  return same;
}

// Spells C++ types as Python does.
class Speller {
 public:
  // With `must_know`, types that are not registered are a std::logic_error; otherwise they are
  // spelt by their C++ name.
  explicit Speller(const Registry* registry, bool must_know = false)
      : registry_(registry), must_know_(must_know) {}

  // The registered name of an exposed type.
  std::string exposed(std::type_index type) const;
  // The registered name of an enumeration.
  std::string enumeration(std::type_index type) const;

 private:
  const Registry* registry_;
  bool must_know_;
};

// A function that spells one type; each Converter has one.
using Spell = std::string (*)(const Speller&);

// Errors: always; kWrongType "PLACE: expected EXPECTED, got KIND".
[[noreturn]] void refuse(const Place& place, std::string_view expected, const Variant& given);
[[noreturn]] void refuse_given(const Place& place, std::string_view expected,
                               std::string_view given);
[[noreturn]] void refuse(const Place& place, Spell expected, const Variant& given);
// Errors: always; "PLACE: TEXT".
[[noreturn]] void fail(ErrorKind kind, const Place& place, std::string_view text);

// Whether an error says that a value does not fit, rather than that something went wrong.
bool is_refusal(const Error& error);

// What a value is called in messages: "int", "None", "ndarray[float64]", "Counter".
std::string python_type(const Variant& value);
// A value as Python would print it; long ones are cut.
std::string python_text(const Variant& value);
// "'text'" with quotes and control characters escaped; long ones are cut.
std::string quote(std::string_view text);

}  // namespace detail
}  // namespace cppipc
