// SPDX-License-Identifier: Apache-2.0
#pragma once
// One callable thing of a registry, type-erased: what a Host needs to run it.

#include <cppipc/context.h>
#include <cppipc/description.h>
#include <cppipc/variant.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <vector>

namespace cppipc {

class Registry;
struct SaveInfo;

namespace detail {
struct Signature;
}

// Arguments as they travel: the last `names.size()` of `values` are keyword arguments.
struct Arguments {
  std::vector<Variant> values;
  std::vector<std::string> names;
};

// One call about to be run. `self` is the instance for methods and properties, else null.
struct Invocation {
  std::shared_ptr<void> self;
  Arguments arguments;
  Context& context;
  const Registry& registry;  // finds the registered type of an object that is returned
};

struct FunctionInfo {
  FunctionDescription description;
  bool is_blocking = false;  // the host gives it a thread of its own at once
  // Binds the arguments, runs the C++ function and returns its result. Errors: whatever it
  // throws; kWrongType for arguments that do not fit, naming the parameter.
  std::function<Variant(Invocation&)> invoke;
  // Names, types and defaults of the parameters; what Registry::describe() spells out.
  std::shared_ptr<const detail::Signature> signature;
  // All that the name stands for, in order, if that is more than one: `invoke` runs the one that
  // fits, and what else is said here is said of the first. Else null.
  std::shared_ptr<const std::vector<FunctionInfo>> overloads;
};

struct PropertyInfo {
  PropertyDescription description;
  FunctionInfo get;
  std::optional<FunctionInfo> set;
};

// What a registered type is, at run time. Address-stable for the registry's life.
struct TypeInfo {
  std::string name;
  std::string doc;
  std::type_index cpp_type = typeid(void);
  bool is_thread_safe = false;
  bool is_made_once = false;  // its constructor gives the one object that there is
  // Returns a Variant of kind object that holds a new LocalObject.
  std::optional<FunctionInfo> constructor;
  // How its objects are saved; nothing if they cannot be. Of this very type: not of its bases.
  std::shared_ptr<const SaveInfo> saving;
  // Its own, and those of its bases that it has none of the same name for.
  std::map<std::string, FunctionInfo, std::less<>> methods;
  std::map<std::string, PropertyInfo, std::less<>> properties;

  // A registered type this one derives from, and how the address of an instance changes.
  struct Base {
    const TypeInfo* type = nullptr;
    void* (*up)(void* derived) = nullptr;
    void* (*down)(void* base) = nullptr;  // null if no; the function is null if it cannot tell
  };
  std::vector<Base> bases;
  std::vector<const TypeInfo*> derived;  // types that name this one among their bases
};

// An object on the side that owns it. Two LocalObjects with one `instance.get()` (the most
// derived address) denote the same object.
class LocalObject final : public Object {
 public:
  LocalObject(std::shared_ptr<void> instance, const TypeInfo& type)
      : instance_(std::move(instance)), type_(&type) {}
  std::string_view type_name() const override { return type_->name; }
  const std::shared_ptr<void>& instance() const { return instance_; }
  const TypeInfo& type() const { return *type_; }

 private:
  std::shared_ptr<void> instance_;
  const TypeInfo* type_;
};

}  // namespace cppipc
