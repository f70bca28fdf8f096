// SPDX-License-Identifier: Apache-2.0
#include "values/naming.h"

#include <algorithm>
#include <array>
#include <set>

namespace cppipc::detail {
namespace {

constexpr std::array<std::string_view, 35> kPythonKeywords = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
};

// In groups; _description.pyx has the same.
constexpr std::array<std::string_view, 73> kSpecial = {
    "__bool__", "__bytes__", "__call__", "__contains__", "__delitem__", "__enter__", "__exit__",
    "__getitem__", "__hash__", "__iter__", "__len__", "__reversed__", "__setitem__", "__str__",
    // Numbers.
    "__abs__", "__ceil__", "__complex__", "__float__", "__floor__", "__index__", "__int__",
    "__invert__", "__neg__", "__pos__", "__round__", "__trunc__",
    // Comparisons.
    "__eq__", "__ge__", "__gt__", "__le__", "__lt__", "__ne__",
    // Arithmetic.
    "__add__", "__and__", "__divmod__", "__floordiv__", "__lshift__", "__matmul__", "__mod__",
    "__mul__", "__or__", "__pow__", "__rshift__", "__sub__", "__truediv__", "__xor__",
    // With the object on the right.
    "__radd__", "__rand__", "__rdivmod__", "__rfloordiv__", "__rlshift__", "__rmatmul__",
    "__rmod__", "__rmul__", "__ror__", "__rpow__", "__rrshift__", "__rsub__", "__rtruediv__",
    "__rxor__",
    // In place.
    "__iadd__", "__iand__", "__ifloordiv__", "__ilshift__", "__imatmul__", "__imod__", "__imul__",
    "__ior__", "__ipow__", "__irshift__", "__isub__", "__itruediv__", "__ixor__"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_identifier(std::string_view name) {
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

[[noreturn]] void refuse_name(std::string_view name, std::string_view what,
                              std::string_view reason) {
  throw std::logic_error(std::string(what) + " name " + quote(name) + " " + std::string(reason));
}

[[noreturn]] void refuse_function(const FunctionName& name, const std::string& reason) {
  throw std::logic_error(name.qualified + ": " + reason);
}

// The default of one parameter, tried out on its type.
Variant make_default(const FunctionName& name, const Arg& arg, const ParameterType& type,
                     const Registry& registry) {
  Place place;
  place.role = Place::Role::kParameter;
  place.function = name.name;
  place.name = arg.name();
  place.registry = &registry;
  try {
    Variant value = arg.make_default()(place);
    Variant tried = value;
    if (type.check != nullptr) type.check(tried, place);
    return value;
  } catch (const std::exception& error) {
    refuse_function(name, "the default of parameter " + quote(arg.name()) +
                              " does not convert: " + error.what());
  }
}

void add_parameters(Signature& signature, const FunctionName& name, const TypedParameters& typed,
                    const Extras& extras, const Registry& registry) {
  std::set<std::string_view> names;
  bool has_default = false;
  for (std::size_t i = 0; i < extras.args.size(); ++i) {
    const Arg& arg = extras.args[i];
    if (!is_identifier(arg.name())) {
      refuse_function(name, "parameter name " + quote(arg.name()) + " is no identifier");
    }
    check_identifier(arg.name(), name.qualified + ": parameter");
    if (!names.insert(arg.name()).second) {
      refuse_function(name, "two parameters are named " + quote(arg.name()));
    }
    Parameter parameter{arg.name(), {}, typed.is_map ? ParameterType{} : typed.types[i]};
    if (arg.make_default()) {
      has_default = true;
      parameter.default_value = make_default(name, arg, parameter.type, registry);
    } else if (has_default) {
      refuse_function(name, "parameter " + quote(arg.name()) +
                                " is required but follows one that has a default");
    }
    signature.parameters.push_back(std::move(parameter));
  }
}

FunctionDescription describe(const Signature& signature, const Extras& extras, bool is_static) {
  FunctionDescription description;
  description.name = signature.name;
  description.doc = extras.doc;
  description.is_static = is_static;
  for (const Parameter& parameter : signature.parameters) {
    description.parameters.push_back({parameter.name, {}, parameter.default_value, false});
  }
  if (signature.rest == Signature::Rest::kArgs) {
    description.parameters.push_back({"*args", "object", {}, true});
  }
  if (signature.rest != Signature::Rest::kNone) {
    description.parameters.push_back({"kwargs", "object", {}, true});
  }
  return description;
}

}  // namespace

bool is_special(std::string_view name) {
  return std::ranges::find(kSpecial, name) != kSpecial.end();
}

void check_special(std::string_view name, std::string_view type) {
  if (!name.starts_with("__") || !name.ends_with("__") || is_special(name)) return;
  const std::string text = std::string(type) + ": method name " + quote(name);
  if (name == "__repr__") {
    throw std::logic_error(text +
                           " is Python's own, and repr() never calls a server; register "
                           "__str__, or _repr_html_ for notebooks");
  }
  throw std::logic_error(text + " is Python's own; a registered type cannot have it");
}

void check_identifier(std::string_view name, std::string_view what) {
  if (name.empty()) refuse_name(name, what, "is empty");
  if (!is_identifier(name)) refuse_name(name, what, "is no identifier");
  if (std::find(kPythonKeywords.begin(), kPythonKeywords.end(), name) != kPythonKeywords.end()) {
    refuse_name(name, what, "is a keyword of Python");
  }
}

void check_dotted(std::string_view name, std::string_view what) {
  if (name.empty()) refuse_name(name, what, "is empty");
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (!is_identifier(part)) refuse_name(name, what, "is not identifiers joined by dots");
    check_identifier(part, what);
    begin = end + 1;
  }
}

FunctionInfo make_function_info(FunctionName name, Adapted adapted, Extras extras,
                                const Registry& registry) {
  const TypedParameters& typed = adapted.parameters;
  const std::size_t expected = typed.types.size();
  if (!typed.is_map && extras.args.size() != expected) {
    refuse_function(name, "has " + std::to_string(expected) + " parameter" +
                              (expected == 1 ? "" : "s") + " but " +
                              std::to_string(extras.args.size()) + " arg()");
  }
  if (extras.doc_count > 1) refuse_function(name, "has more than one documentation text");
  if (extras.is_at_start && !name.is_setting) {
    refuse_function(name, "is no setting, and at_start is for settings");
  }
  auto signature = std::make_shared<Signature>();
  signature->name = name.name;
  signature->qualified = name.qualified;
  signature->is_property = name.is_property;
  signature->is_setting = name.is_setting;
  signature->result = typed.result;
  signature->rest = typed.rest;
  if (typed.is_map && !typed.has_declared_rest && extras.args.empty()) {
    signature->rest = Signature::Rest::kKeywords;
  }
  add_parameters(*signature, name, typed, extras, registry);

  FunctionInfo info;
  info.description = describe(*signature, extras, adapted.is_static);
  info.is_blocking = extras.is_blocking;
  info.invoke = adapted.make(signature);
  info.signature = std::move(signature);
  return info;
}

}  // namespace cppipc::detail
