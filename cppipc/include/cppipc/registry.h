// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names a server answers to: exposed types with their methods, functions, and toolkits.
//
// A registry is filled once, in main(), and then given to a Host as const. There is no global
// registry: what a server offers can be read off its main().
//
// All that follows a callable in a registration may come in any order: one `arg` per parameter
// (none for Context& and Args), the documentation as text, and `blocking`.

#include <cppipc/detail/invoke.h>
#include <cppipc/function.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

namespace cppipc {

// Names a parameter; `arg("by") = 1` gives it a default. Without one it is required.
inline Arg arg(std::string_view name) { return Arg(name); }

// Among what follows a function: it waits or computes for long, so the host gives it a thread of
// its own at once.
inline constexpr Blocking blocking{};

class Registry;

namespace detail {

// What TypeBuilder<T> does, for any T. Errors of all: std::logic_error naming the mistake.
class TypeBuilderBase {
 public:
  TypeBuilderBase(Registry& registry, TypeInfo& type) : registry_(&registry), type_(&type) {}

 protected:
  void add_constructor(Adapted adapted, Extras extras);
  void add_method(std::string_view name, Adapted adapted, Extras extras);
  void add_property(std::string_view name, Adapted getter, Adapted* setter, Extras extras);
  void add_base(std::type_index base, void* (*up)(void*), void* (*down)(void*));
  void set_thread_safe();
  void set_blocking();

 private:
  void check_member(std::string_view name) const;

  Registry* registry_;
  TypeInfo* type_;
  FunctionInfo* last_ = nullptr;  // what was added last, and its setter if it is a property
  FunctionInfo* last_setter_ = nullptr;
};

}  // namespace detail

// Describes one exposed type while it is being registered.
template <class T>
class TypeBuilder : public detail::TypeBuilderBase {
 public:
  using TypeBuilderBase::TypeBuilderBase;

  // How clients make a T: init<int, std::string>(arg…) calls that constructor of T, and
  // init(factory, arg…) a callable that returns T, std::shared_ptr<T> or std::unique_ptr<T>.
  template <class... Args, class... Extra>
  TypeBuilder& init(Extra&&... extra) {
    static_assert(std::is_class_v<T>);
    if constexpr (sizeof...(Args) == 0 && has_factory<Extra...>()) {
      init_by(std::forward<Extra>(extra)...);
    } else {
      add_constructor(detail::adapt_constructor<T, Args...>(),
                      detail::collect(std::forward<Extra>(extra)...));
    }
    return *this;
  }

  // A member function, a callable that takes a T& first, or one that needs no T (a static method).
  template <class Method, class... Extra>
  TypeBuilder& method(std::string_view name, Method method, Extra&&... extra) {
    add_method(name, detail::adapt_method<T>(std::move(method)),
               detail::collect(std::forward<Extra>(extra)...));
    return *this;
  }

  // A value that is read, and written too if a setter follows the getter. Either may be a member
  // function, a data member, or a callable that takes a T& first.
  template <class Getter, class... Extra>
  TypeBuilder& property(std::string_view name, Getter getter, Extra&&... extra) {
    property_of(name, detail::adapt_method<T>(std::move(getter)), std::forward<Extra>(extra)...);
    return *this;
  }

  // T is a Base, which was registered before: a T may be given wherever a Base is wanted, and has
  // the methods and properties that Base has now; its own may replace them.
  template <class Base>
  TypeBuilder& base() {
    static_assert(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>);
    add_base(
        typeid(Base), [](void* self) -> void* { return static_cast<Base*>(static_cast<T*>(self)); },
        downcast<Base>());
    return *this;
  }

  // Lets calls on one object run at the same time. Without it the host runs them one by one, in
  // the order they were sent.
  TypeBuilder& thread_safe() {
    set_thread_safe();
    return *this;
  }

  // Marks the method or property added last as `cppipc::blocking`.
  TypeBuilder& blocking() {
    set_blocking();
    return *this;
  }

 private:
  template <class... Extra>
  static constexpr bool has_factory() {
    return detail::is_callable<typename detail::Split<detail::TypeList<Extra...>>::First>;
  }

  template <class Factory, class... Extra>
  void init_by(Factory&& factory, Extra&&... extra) {
    add_constructor(detail::adapt_function(std::decay_t<Factory>(std::forward<Factory>(factory))),
                    detail::collect(std::forward<Extra>(extra)...));
  }

  template <class First, class... Extra>
  void property_of(std::string_view name, detail::Adapted getter, First&& first, Extra&&... extra) {
    if constexpr (detail::is_callable<First>) {
      detail::Adapted setter = detail::adapt_setter<T>(std::decay_t<First>(first));
      add_property(name, std::move(getter), &setter,
                   detail::collect(std::forward<Extra>(extra)...));
    } else {
      add_property(name, std::move(getter), nullptr,
                   detail::collect(std::forward<First>(first), std::forward<Extra>(extra)...));
    }
  }
  void property_of(std::string_view name, detail::Adapted getter) {
    add_property(name, std::move(getter), nullptr, {});
  }

  template <class Base>
  static auto downcast() -> void* (*)(void*) {
    if constexpr (std::is_polymorphic_v<Base>) {
      return [](void* base) -> void* { return dynamic_cast<T*>(static_cast<Base*>(base)); };
    } else {
      return nullptr;
    }
  }
};

// A function or toolkit that was just added.
class FunctionBuilder {
 public:
  explicit FunctionBuilder(FunctionInfo& function) : function_(&function) {}

  // As `cppipc::blocking` among its extras.
  FunctionBuilder& blocking() {
    function_->is_blocking = true;
    return *this;
  }

 private:
  FunctionInfo* function_;
};

// The names of an enumeration's values, in the order of registration.
struct EnumInfo {
  std::string name;
  std::vector<std::pair<std::string, std::int64_t>> members;
};

// Threads: fill from one thread; after that every const method is safe from any thread.
// Errors of all that adds: std::logic_error with the name in its message.
class Registry {
 public:
  template <class T>
  using Named = std::map<std::string, T, std::less<>>;

  Registry() = default;
  Registry(Registry&&) = default;
  Registry& operator=(Registry&&) = default;

  // Starts the description of T.
  template <class T>
  TypeBuilder<T> type(std::string_view name, std::string_view doc = {}) {
    static_assert(detail::is_exposed<T>, "values of this type travel as values");
    return TypeBuilder<T>(*this, add_type(name, doc, typeid(T)));
  }

  // Makes the values of E travel by name.
  template <class E>
  void enumeration(std::string_view name,
                   std::initializer_list<std::pair<std::string_view, E>> members) {
    static_assert(std::is_enum_v<E>);
    EnumInfo info{std::string(name), {}};
    for (const auto& [member, value] : members) {
      info.members.emplace_back(member, static_cast<std::int64_t>(value));
    }
    add_enumeration(std::move(info), typeid(E));
  }

  // Adds a function. The name may have dots: "stats.mean".
  template <class F, class... Extra>
  FunctionBuilder function(std::string_view name, F f, Extra&&... extra) {
    return FunctionBuilder(add_function(name, detail::adapt_function(std::move(f)),
                                        detail::collect(std::forward<Extra>(extra)...), false));
  }

  // Adds a toolkit, a map-to-map function: VariantMap f(const VariantMap&), or any function that
  // returns a VariantMap. The first form takes any keywords unless `arg`s name them. It may run on
  // several threads at once, so it must not keep state.
  template <class F, class... Extra>
  FunctionBuilder toolkit(std::string_view name, F f, Extra&&... extra) {
    return FunctionBuilder(add_function(name, detail::adapt_toolkit(std::move(f)),
                                        detail::collect(std::forward<Extra>(extra)...), true));
  }

  // Null when nothing has that name or type: absence is normal here, so it is not an error.
  const TypeInfo* find_type(std::string_view name) const;
  const TypeInfo* find_type(std::type_index type) const;
  const FunctionInfo* find_function(std::string_view name) const;
  const EnumInfo* find_enumeration(std::type_index type) const;

  const Named<TypeInfo>& types() const { return types_; }
  const Named<FunctionInfo>& functions() const { return functions_; }

  // All of it as plain data, sorted by name. Errors: std::logic_error naming a function that
  // takes or returns a type that is not registered.
  Description describe(std::string version) const;

 private:
  friend class detail::TypeBuilderBase;

  TypeInfo& add_type(std::string_view name, std::string_view doc, std::type_index type);
  FunctionInfo& add_function(std::string_view name, detail::Adapted adapted, detail::Extras extras,
                             bool is_toolkit);
  void add_enumeration(EnumInfo info, std::type_index type);
  TypeInfo* find_type_to_change(std::type_index type);

  Named<TypeInfo> types_;
  Named<FunctionInfo> functions_;
  std::map<std::type_index, TypeInfo*> types_by_cpp_;
  std::map<std::type_index, EnumInfo> enumerations_;
};

}  // namespace cppipc
