// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is known of a registered function's parameters, and how a call's arguments are bound to
// them. Nothing here depends on the function's C++ type.

#include <cppipc/detail/place.h>
#include <cppipc/function.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

namespace cppipc {

// The last parameter of a function that takes any number of arguments: whatever the parameters
// before it leave over.
struct Args {
  std::vector<Variant> values;
  VariantMap keywords;
};

// One parameter's name and default. Made by arg().
class Arg {
 public:
  // How a default is made when the function is registered.
  using MakeDefault = std::function<Variant(const detail::Place&)>;

  explicit Arg(std::string_view name) : name_(name) {}

  // Gives the parameter a default, which any value may be that converts to the parameter's type.
  template <class T>
  Arg& operator=(T&& value);

  const std::string& name() const { return name_; }
  const MakeDefault& make_default() const { return make_default_; }

 private:
  std::string name_;
  MakeDefault make_default_;
};

// Marks a function that waits or computes for long; see FunctionInfo::is_blocking.
struct Blocking {};

// Marks a setting that is written at the start only; see Registry::setting.
struct AtStart {};

namespace detail {

// What a C++ parameter type contributes: its spelling, and whether a default converts to it.
struct ParameterType {
  Spell spell = nullptr;  // null: not typed
  // Errors: those of the conversion; changes nothing that matters.
  void (*check)(Variant& value, const Place& place) = nullptr;
  std::uint32_t kinds = ~std::uint32_t{0};  // a KindSet
  const std::type_info* type = nullptr;
};

struct Parameter {
  std::string name;
  std::optional<Variant> default_value;
  ParameterType type;
};

// Owns: names, types and defaults. Shared by a FunctionInfo and its closure.
struct Signature {
  enum class Rest : std::uint8_t { kNone, kArgs, kKeywords };

  std::string name;       // "increment", as messages call it
  std::string qualified;  // "Counter.increment"
  std::vector<Parameter> parameters;
  Rest rest = Rest::kNone;  // where further arguments go
  Spell result = nullptr;
  // A property or setting is named in messages instead of a function and its only parameter.
  bool is_property = false;
  bool is_setting = false;

  Place parameter_place(std::size_t i, const Registry& registry) const;
  Place result_place(const Registry& registry) const;
};

// What follows the function in a registration: args, a doc, tags; in any order.
struct Extras {
  std::vector<Arg> args;
  std::string doc;
  int doc_count = 0;
  bool is_blocking = false;
  bool is_at_start = false;

  void add(Arg arg) { args.push_back(std::move(arg)); }
  void add(std::string_view text) {
    doc = text;
    ++doc_count;
  }
  void add(Blocking) { is_blocking = true; }
  void add(AtStart) { is_at_start = true; }
};

template <class... Extra>
Extras collect(Extra&&... extra) {
  Extras extras;
  (extras.add(std::forward<Extra>(extra)), ...);
  return extras;
}

// The arguments of one call, one value per parameter, defaults filled in.
// Errors (constructor): kWrongType for too many, unknown, double and missing ones.
class Binding {
 public:
  Binding(const Signature& signature, Invocation& invocation);

  Variant& value(std::size_t i) { return values_[i]; }
  Place place(std::size_t i) const { return signature_.parameter_place(i, invocation_.registry); }
  Place result_place() const { return signature_.result_place(invocation_.registry); }
  Context& context() const { return invocation_.context; }
  const std::shared_ptr<void>& self() const { return invocation_.self; }
  Args take_rest() { return std::move(rest_); }
  // All values by name, with further keywords: for toolkits.
  VariantMap take_map();
  // Who keeps `address` alive: the argument or self that it is, else self, whose part it may be.
  // Errors: kRemote if nobody does.
  std::shared_ptr<void> owner_of(const void* address) const;

 private:
  void bind_positional(Arguments& arguments);
  void bind_named(Arguments& arguments);
  bool is_bound(std::size_t i) const;
  void fill_defaults();
  [[noreturn]] void refuse_count(std::size_t given) const;
  [[noreturn]] void refuse_call(const std::string& text) const;

  const Signature& signature_;
  const Invocation& invocation_;
  std::vector<Variant> values_;
  std::size_t positional_ = 0;      // how many arguments came without a name
  std::vector<bool> is_named_;      // which parameters got theirs by name; empty if none did
  std::vector<ObjectPtr> objects_;  // that were given as arguments
  Args rest_;
};

// Why a call does not fit a signature, as "parameter 'by': expected int, got str"; nothing if it
// does, with `is_exact` without a conversion. The arguments stay as they are.
std::optional<std::string> why_not(const Signature& signature, Invocation& invocation,
                                   bool is_exact);
// "increment(by: int = 1)".
std::string signature_text(const Signature& signature, const Registry& registry);

// The parts of a signature that come from C++ types.
struct TypedParameters {
  std::vector<ParameterType> types;
  Signature::Rest rest = Signature::Rest::kNone;
  Spell result = nullptr;
  bool is_map = false;  // VariantMap f(const VariantMap&): parameters are what the args say
  // Of a map: `rest` holds as it is. Otherwise further keywords are taken unless there are args.
  bool has_declared_rest = false;
};

using Invoke = std::function<Variant(Invocation&)>;
// A callable of which only its signature is open.
using MakeInvoke = std::function<Invoke(std::shared_ptr<const Signature>)>;

}  // namespace detail
}  // namespace cppipc
