// SPDX-License-Identifier: Apache-2.0
#pragma once
// Calls what a registry offers, by name, as a host would.

#include <cppipc/registry.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::toolkits {

// Positional and keyword arguments: {1, 2} or Given({}, {{"by", 4}}).
struct Given {
  Given() = default;
  Given(std::initializer_list<Variant> positional) : positional(positional) {}
  Given(std::vector<Variant> positional, std::vector<std::pair<std::string, Variant>> keywords)
      : positional(std::move(positional)), keywords(std::move(keywords)) {}

  Arguments arguments() const {
    Arguments result{positional, {}};
    for (const auto& [name, value] : keywords) {
      result.values.push_back(value);
      result.names.push_back(name);
    }
    return result;
  }

  std::vector<Variant> positional;
  std::vector<std::pair<std::string, Variant>> keywords;
};

// One object and calls on it. Owns: a share of the object.
class CalledObject {
 public:
  CalledObject(const Registry& registry, const Variant& reference)
      : registry_(registry),
        reference_(reference),
        local_(dynamic_cast<const LocalObject&>(*reference.as<ObjectPtr>())) {}

  Variant call(const std::string& method, const Given& given = {}) const {
    const auto found = local_.type().methods.find(method);
    if (found == local_.type().methods.end()) throw std::logic_error("no method " + method);
    return run(found->second, given);
  }
  Variant get(const std::string& property) const {
    return run(local_.type().properties.find(property)->second.get, {});
  }
  void set(const std::string& property, const Variant& value) const {
    run(*local_.type().properties.find(property)->second.set, {value});
  }
  const Variant& reference() const { return reference_; }
  const void* instance() const { return local_.instance().get(); }

 private:
  Variant run(const FunctionInfo& function, const Given& given) const {
    Context context;
    Invocation invocation{local_.instance(), given.arguments(), context, registry_};
    return function.invoke(invocation);
  }

  const Registry& registry_;
  Variant reference_;
  const LocalObject& local_;
};

// A registry filled by the given functions.
class Called {
 public:
  template <class... Register>
  explicit Called(Register... registers) {
    (registers(registry_), ...);
  }

  Variant run(const std::string& function, const Given& given = {}) const {
    Context context;
    return run(function, given, context);
  }
  Variant run(const std::string& function, const Given& given, Context& context) const {
    const FunctionInfo* found = registry_.find_function(function);
    if (found == nullptr) throw std::logic_error("no function " + function);
    Invocation invocation{nullptr, given.arguments(), context, registry_};
    return found->invoke(invocation);
  }
  CalledObject create(const std::string& type, const Given& given = {}) const {
    Context context;
    Invocation invocation{nullptr, given.arguments(), context, registry_};
    return {registry_, registry_.find_type(type)->constructor->invoke(invocation)};
  }
  CalledObject object(const Variant& reference) const { return {registry_, reference}; }
  const Registry& registry() const { return registry_; }

 private:
  Registry registry_;
};

// The text of the error with which `call` fails, which must be of the given kind.
template <class Call>
std::string refusal_of(ErrorKind kind, Call call) {
  try {
    call();
  } catch (...) {
    const Error error = current_error();
    EXPECT_EQ(name_of(error.kind()), name_of(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

// An entry of a dict that a function returned.
inline const Variant& at(const Variant& dict, std::string_view key) {
  const Variant* value = dict.as<Dict>().find(key);
  if (value == nullptr) throw std::logic_error("no key " + std::string(key));
  return *value;
}

// An array of the given elements.
template <class T>
AnyArray array_of(const std::vector<T>& elements) {
  Array<T> array(static_cast<std::int64_t>(elements.size()));
  std::copy(elements.begin(), elements.end(), array.data());
  return array.any();
}

// The elements of a one-dimensional array of exactly T.
template <class T>
std::vector<T> elements_of(const Variant& array) {
  const ArrayView<T> view(array.as_array());
  std::vector<T> elements;
  for (std::int64_t i = 0; i < view.size(); ++i) elements.push_back(view[i]);
  return elements;
}

}  // namespace cppipc::toolkits
