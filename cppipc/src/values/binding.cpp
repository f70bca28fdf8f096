// SPDX-License-Identifier: Apache-2.0
// Binds the arguments of a call to parameters, as Python does, and refuses with Python's words.
#include <cppipc/detail/signature.h>

#include <algorithm>

namespace cppipc::detail {
namespace {

// "'a'", "'a' and 'b'", "'a', 'b', and 'c'".
std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += names.size() == 2 ? " " : ", ";
    if (i > 0 && i + 1 == names.size()) text += "and ";
    text += quote(names[i]);
  }
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// Which argument is for which parameter: null where there is none. A text why they do not fit.
std::optional<std::string> assign(const Signature& signature, Arguments& arguments,
                                  std::vector<Variant*>& assigned) {
  const std::vector<Parameter>& parameters = signature.parameters;
  const std::size_t positional = arguments.values.size() - arguments.names.size();
  if (positional > parameters.size() && signature.rest != Signature::Rest::kArgs) {
    return "takes " + counted(parameters.size(), "positional argument") + ", not " +
           std::to_string(positional);
  }
  assigned.assign(parameters.size(), nullptr);
  for (std::size_t i = 0; i < std::min(positional, parameters.size()); ++i) {
    assigned[i] = &arguments.values[i];
  }
  for (std::size_t n = 0; n < arguments.names.size(); ++n) {
    const std::string& name = arguments.names[n];
    const auto found = std::ranges::find(parameters, name, &Parameter::name);
    if (found == parameters.end()) {
      if (signature.rest != Signature::Rest::kNone) continue;
      return "has no parameter " + quote(name);
    }
    Variant*& value = assigned[static_cast<std::size_t>(found - parameters.begin())];
    if (value != nullptr) return "got multiple values for parameter " + quote(name);
    value = &arguments.values[positional + n];
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (assigned[i] == nullptr && !parameters[i].default_value) {
      return "needs parameter " + quote(parameters[i].name);
    }
  }
  return std::nullopt;
}

// Why a value does not fit a parameter.
std::optional<std::string> why_not(const Parameter& parameter, Variant& value,
                                   const Registry& registry, bool is_exact) {
  if (parameter.type.check == nullptr) return std::nullopt;
  const std::string what = "parameter " + quote(parameter.name);
  if ((parameter.type.kinds >> static_cast<unsigned>(value.kind()) & 1) == 0) {
    return what + ": expected " + parameter.type.spell(Speller(&registry)) + ", got " +
           python_type(value);
  }
  Place place;
  place.name = what;
  place.registry = &registry;
  try {
    parameter.type.check(value, place.attempt(is_exact));
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    return std::string(error.text());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not(const Signature& signature, Invocation& invocation,
                                   bool is_exact) {
  std::vector<Variant*> assigned;
  if (auto reason = assign(signature, invocation.arguments, assigned)) return reason;
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    if (assigned[i] == nullptr) continue;
    auto reason = why_not(signature.parameters[i], *assigned[i], invocation.registry, is_exact);
    if (reason) return reason;
  }
  return std::nullopt;
}

std::string signature_text(const Signature& signature, const Registry& registry) {
  std::string text;
  for (const Parameter& parameter : signature.parameters) {
    if (!text.empty()) text += ", ";
    text += parameter.name;
    if (parameter.type.spell != nullptr) text += ": " + parameter.type.spell(Speller(&registry));
    if (parameter.default_value) text += " = " + python_text(*parameter.default_value);
  }
  if (signature.rest == Signature::Rest::kArgs) text += text.empty() ? "*args" : ", *args";
  if (signature.rest != Signature::Rest::kNone) text += text.empty() ? "**kwargs" : ", **kwargs";
  return signature.name + "(" + text + ")";
}

Place Signature::parameter_place(std::size_t i, const Registry& registry) const {
  Place place;
  place.role = is_setting    ? Place::Role::kSetting
               : is_property ? Place::Role::kProperty
                             : Place::Role::kParameter;
  place.function = qualified;
  const bool is_named = is_property || is_setting;
  place.name = is_named ? std::string_view(qualified) : std::string_view(parameters[i].name);
  place.registry = &registry;
  place.may_move = true;
  return place;
}

Place Signature::result_place(const Registry& registry) const {
  Place place;
  place.role = is_setting    ? Place::Role::kSetting
               : is_property ? Place::Role::kValue
                             : Place::Role::kResult;
  place.function = qualified;
  place.name = qualified;
  place.registry = &registry;
  return place;
}

Binding::Binding(const Signature& signature, Invocation& invocation)
    : signature_(signature), invocation_(invocation) {
  Arguments& arguments = invocation.arguments;
  if (arguments.names.size() > arguments.values.size()) {
    throw Error(ErrorKind::kProtocol, signature.qualified + "() got more names than arguments");
  }
  for (const Variant& value : arguments.values) {
    if (const auto* object = value.get_if<ObjectPtr>()) objects_.push_back(*object);
  }
  positional_ = arguments.values.size() - arguments.names.size();
  bind_positional(arguments);
  if (!arguments.names.empty()) bind_named(arguments);
  fill_defaults();
}

bool Binding::is_bound(std::size_t i) const {
  return i < positional_ || (!is_named_.empty() && is_named_[i]);
}

void Binding::bind_positional(Arguments& arguments) {
  const std::size_t most = signature_.parameters.size();
  if (positional_ <= most && arguments.names.empty()) {
    values_ = std::move(arguments.values);
    values_.resize(most);
    return;
  }
  if (positional_ > most && signature_.rest != Signature::Rest::kArgs) refuse_count(positional_);
  values_.resize(most);
  for (std::size_t i = 0; i < positional_; ++i) {
    if (i < most) {
      values_[i] = std::move(arguments.values[i]);
    } else {
      rest_.values.push_back(std::move(arguments.values[i]));
    }
  }
}

void Binding::bind_named(Arguments& arguments) {
  const std::vector<Parameter>& parameters = signature_.parameters;
  is_named_.resize(parameters.size());
  for (std::size_t n = 0; n < arguments.names.size(); ++n) {
    const std::string& name = arguments.names[n];
    Variant& value = arguments.values[positional_ + n];
    const auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
    const auto i = static_cast<std::size_t>(found - parameters.begin());
    bool is_new = true;
    if (i < parameters.size()) {
      is_new = !is_bound(i);
      values_[i] = std::move(value);
      is_named_[i] = true;
    } else if (signature_.rest != Signature::Rest::kNone) {
      is_new = rest_.keywords.emplace(name, std::move(value)).second;
    } else {
      refuse_call("got an unexpected keyword argument " + quote(name));
    }
    if (!is_new) refuse_call("got multiple values for argument " + quote(name));
  }
}

void Binding::fill_defaults() {
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (is_bound(i)) continue;
    const Parameter& parameter = signature_.parameters[i];
    if (parameter.default_value) {
      values_[i] = *parameter.default_value;
    } else {
      missing.push_back(parameter.name);
    }
  }
  if (missing.empty()) return;
  refuse_call("missing " + counted(missing.size(), "required argument") + ": " +
              name_list(missing));
}

VariantMap Binding::take_map() {
  VariantMap map = std::move(rest_.keywords);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    map.insert_or_assign(signature_.parameters[i].name, std::move(values_[i]));
  }
  return map;
}

std::shared_ptr<void> Binding::owner_of(const void* address) const {
  for (const ObjectPtr& object : objects_) {
    const auto* local = dynamic_cast<const LocalObject*>(object.get());
    if (local != nullptr && local->instance().get() == address) return local->instance();
  }
  if (invocation_.self) return invocation_.self;
  fail(ErrorKind::kRemote, result_place(),
       "a reference or pointer to an object that nobody owns; return a std::shared_ptr");
}

void Binding::refuse_count(std::size_t given) const {
  const std::size_t most = signature_.parameters.size();
  const std::string were = given == 1 ? " was given" : " were given";
  if (signature_.rest == Signature::Rest::kKeywords && most == 0) {
    refuse_call("takes keyword arguments only, but " + counted(given, "positional argument") +
                were);
  }
  const auto required = static_cast<std::size_t>(std::count_if(
      signature_.parameters.begin(), signature_.parameters.end(),
      [](const Parameter& parameter) { return !parameter.default_value.has_value(); }));
  const std::string range = required == most ? "" : "from " + std::to_string(required) + " to ";
  // As Python does, the plural after a range whatever its end is.
  const std::string noun = range.empty() ? counted(most, "positional argument")
                                         : std::to_string(most) + " positional arguments";
  refuse_call("takes " + range + noun + " but " + std::to_string(given) + were);
}

void Binding::refuse_call(const std::string& text) const {
  const std::string who = signature_.is_property ? "property " + quote(signature_.qualified)
                                                 : signature_.qualified + "()";
  throw Error(ErrorKind::kWrongType, who + " " + text);
}

}  // namespace cppipc::detail
