// SPDX-License-Identifier: Apache-2.0
#pragma once
// How types and functions are described while they are being registered (registry.h).
//
// All that follows a callable in a registration may come in any order: one `arg` per parameter
// (none for Context& and Args), the documentation as text, and `blocking`.

#include <cppipc/detail/adapt.h>
#include <cppipc/function.h>
#include <cppipc/iterator.h>
#include <cppipc/save.h>

#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

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
  void add_once(Adapted adapted, Extras extras, bool is_per_session);
  void add_method(std::string_view name, Adapted adapted, Extras extras);
  void add_property(std::string_view name, Adapted getter, Adapted* setter, Extras extras);
  void add_base(std::type_index base, void* (*up)(void*), void* (*down)(void*));
  void set_saving(SaveInfo saving);
  void set_thread_safe();
  void set_blocking();

 private:
  // Errors: std::logic_error if types derive from this one, which have its members by now.
  void check_open(std::string_view what) const;
  // The method of that name that was registered for this type; what a base had is taken out.
  FunctionInfo* find_own_method(std::string_view name) const;

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

  // There is one T for the server: session.types.T() gives it to every session. It is made at the
  // first use, by a callable without parameters (but a Context&) or by T's default constructor,
  // and lives as long as the registry. What the callable throws goes to the caller, and the next
  // call tries again.
  template <class... Extra>
  TypeBuilder& singleton(Extra&&... extra) {
    return once(false, std::forward<Extra>(extra)...);
  }

  // The same, but one for each session, which goes with it.
  template <class... Extra>
  TypeBuilder& per_session(Extra&&... extra) {
    return once(true, std::forward<Extra>(extra)...);
  }

  // A member function, a callable that takes a T& first, or one that needs no T, which makes it a
  // static method. A name that is registered again, with other parameter types, stands for all of
  // them. Names of Python's own methods ("__len__", "__add__") make it just that.
  template <class Method, class... Extra>
  TypeBuilder& method(std::string_view name, Method method, Extra&&... extra) {
    add_method(name, detail::adapt_method<T>(std::move(method)),
               detail::collect(std::forward<Extra>(extra)...));
    return *this;
  }

  // A function that belongs to T and needs none: callers call it on the class. It holds no object.
  template <class F, class... Extra>
  TypeBuilder& static_method(std::string_view name, F f, Extra&&... extra) {
    add_method(name, detail::adapt_static(std::move(f)),
               detail::collect(std::forward<Extra>(extra)...));
    return *this;
  }

  // Lets Python iterate over a T. What it goes through is T itself if nothing is given; or what a
  // member function, or a callable that takes a T&, returns: a range, an Iterator, or a generator,
  // which is a callable that gives a std::optional; or what lies between a pair of those, such as
  // &T::begin and &T::end. Of a range Python sees the elements that are there when it begins.
  template <class... Extra>
  TypeBuilder& iterable(Extra&&... extra) {
    iterable_by(std::forward<Extra>(extra)...);
    return *this;
  }

  // A value that is read, and written too if a setter follows the getter. Either may be a member
  // function, a data member, or a callable that takes a T& first.
  template <class Getter, class... Extra>
  TypeBuilder& property(std::string_view name, Getter getter, Extra&&... extra) {
    property_of(name, detail::adapt_method<T>(std::move(getter)), std::forward<Extra>(extra)...);
    return *this;
  }

  // T is a Base, which was registered before, with all its members: a T may be given wherever a
  // Base is wanted, and has the methods and properties of Base unless it has its own. Of several
  // bases the first that has it counts, in the order that Python's classes have.
  template <class Base>
  TypeBuilder& base() {
    static_assert(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>);
    add_base(
        typeid(Base), [](void* self) -> void* { return static_cast<Base*>(static_cast<T*>(self)); },
        downcast<Base>());
    return *this;
  }

  // Lets clients save objects of T, and load them. `save` is a member function of T, or a callable
  // that takes a const T& first, with a SaveWriter&; `load` takes a SaveReader& and returns a T, a
  // std::shared_ptr<T> or a std::unique_ptr<T>. Raise `version`, from 1 on, when what `save` writes
  // changes: `load` gets files of older versions too, and none of newer ones. save.h has the rest.
  template <class Save, class Load>
  TypeBuilder& saveable(std::uint32_t version, Save save, Load load) {
    set_saving({version,
                [save = std::move(save)](const void* self, SaveWriter& out) {
                  std::invoke(save, *static_cast<const T*>(self), out);
                },
                [load = std::move(load)](SaveReader& in, const Registry& registry) {
                  detail::Place place;
                  place.registry = &registry;
                  using Loaded =
                      std::remove_cvref_t<std::invoke_result_t<const Load&, SaveReader&>>;
                  return detail::Converter<Loaded>::store(std::invoke(load, in), place);
                }});
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
  TypeBuilder& once(bool is_per_session, Extra&&... extra) {
    if constexpr (has_factory<Extra...>()) {
      once_by(is_per_session, std::forward<Extra>(extra)...);
    } else {
      add_once(detail::adapt_constructor<T>(), detail::collect(std::forward<Extra>(extra)...),
               is_per_session);
    }
    return *this;
  }

  template <class Factory, class... Extra>
  void once_by(bool is_per_session, Factory&& factory, Extra&&... extra) {
    add_once(detail::adapt_function(std::decay_t<Factory>(std::forward<Factory>(factory))),
             detail::collect(std::forward<Extra>(extra)...), is_per_session);
  }

  template <class... Extra>
  void iterable_by(Extra&&... extra) {
    if constexpr (!has_factory<Extra...>()) {
      method(
          "__iter__",
          [](T& self) {
            return detail::iterator_over(std::ranges::begin(self), std::ranges::end(self));
          },
          std::forward<Extra>(extra)...);
    } else {
      iterable_over(std::forward<Extra>(extra)...);
    }
  }

  template <class First, class... Extra>
  void iterable_over(First first, Extra&&... extra) {
    if constexpr (has_factory<Extra...>()) {
      iterable_between(first, std::forward<Extra>(extra)...);
    } else {
      method(
          "__iter__", [first](T& self) { return detail::as_iterator(std::invoke(first, self)); },
          std::forward<Extra>(extra)...);
    }
  }

  template <class First, class Last, class... Extra>
  void iterable_between(First first, Last last, Extra&&... extra) {
    method(
        "__iter__",
        [first, last](T& self) {
          return detail::iterator_over(std::invoke(first, self), std::invoke(last, self));
        },
        std::forward<Extra>(extra)...);
  }

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

}  // namespace cppipc
