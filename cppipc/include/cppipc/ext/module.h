// SPDX-License-Identifier: Apache-2.0
#pragma once
// How an extension says what it offers.

#include <cppipc/ext/call.h>

#include <initializer_list>

namespace cppipc::ext {

// One parameter's name and default. Made by arg().
class Arg {
 public:
  CPPIPC_EXT_COLD explicit Arg(std::string_view name) : name_(name) {}
  CPPIPC_EXT_COLD Arg(const Arg& other)
      : name_(other.name_), held_(other.held_), store_(other.store_) {}
  CPPIPC_EXT_COLD ~Arg() {}

  // Gives the parameter a default, which any value may be that converts to the parameter's type.
  template <class T>
  Arg& operator=(T&& value) {
    using Held = std::conditional_t<std::is_convertible_v<T, std::string_view> &&
                                        !std::is_same_v<std::decay_t<T>, std::nullptr_t>,
                                    std::string, std::decay_t<T>>;
    held_ = &detail::immortal<Held>(std::forward<T>(value));
    store_ = [](void* held, detail::Store& store, const detail::Place& place) {
      return detail::Converter<Held>::store(*static_cast<Held*>(held), store, place);
    };
    return *this;
  }

  const std::string& name() const { return name_; }
  bool has_default() const { return store_ != nullptr; }
  // Its default, which the Arg and the store keep. Not for extensions.
  cppipc_value make_default(detail::Store& store, const detail::Place& place) const {
    return store_(held_, store, place);
  }

 private:
  std::string name_;
  void* held_ = nullptr;  // never destroyed: the value that is made of it points to it
  cppipc_value (*store_)(void*, detail::Store&, const detail::Place&) = nullptr;
};

// Names a parameter; `arg("by") = 1` gives it a default. Without one it is required.
CPPIPC_EXT_COLD inline Arg arg(std::string_view name) { return Arg(name); }

struct Blocking {};
// Among what follows a function: it waits or computes for long, so the host gives it a thread of
// its own at once.
inline constexpr Blocking blocking{};

namespace detail {

// What a parameter type contributes: its spelling, and whether a default converts to it.
struct ParameterType {
  std::string (*spell)();
  void (*check)(const cppipc_value& value, const Place& place);
};

// A callable without its C++ type.
struct Adapted {
  const ParameterType* parameters = nullptr;  // without a function to spell it: a Context
  std::size_t parameter_count = 0;
  std::string (*result)();
  void* data;  // never destroyed, as its function is never gone
  cppipc_invoke invoke;
  bool is_static;
};

// One of what follows the function in a registration: args, a doc, tags; in any order. Not more
// than a reference, so that it costs no time to compile.
struct Extra {
  Extra() = default;
  explicit Extra(const Arg& given) : arg(&given) {}
  explicit Extra(std::string_view text) : doc(text) {}
  explicit Extra(Blocking) : is_blocking(true) {}

  const Arg* arg = nullptr;
  std::string_view doc;
  bool is_blocking = false;
};
struct Extras {
  const Extra* data;
  std::size_t size;
};

template <class Value>
void check_default(const cppipc_value& value, const Place& place) {
  (void)Converter<Value>::load(value, place);
}

template <class P>
constexpr ParameterType parameter_type() {
  using Value = Plain<P>;
  if constexpr (is_context<P>) {
    static_assert(std::is_lvalue_reference_v<P>, "take Context by reference");
    return {nullptr, nullptr};
  } else {
    static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>> ||
                      IsExposed<Value>::value,
                  "what a function writes to a non-const reference would be lost; return it");
    return {&Converter<Value>::spell, &check_default<Value>};
  }
}

inline std::string spell_none() { return "None"; }

template <class R, class... P>
Adapted adapt(TypeList<P...>, void* data, cppipc_invoke invoke, bool is_static) {
  static constexpr ParameterType kParameters[] = {parameter_type<P>()..., {nullptr, nullptr}};
  Adapted adapted{kParameters, sizeof...(P), &spell_none, data, invoke, is_static};
  if constexpr (std::is_pointer_v<R> && !std::is_same_v<R, const char*>) {
    adapted.result = &Converter<std::shared_ptr<std::remove_pointer_t<R>>>::spell;
  } else if constexpr (!std::is_void_v<R>) {
    adapted.result = &Converter<Plain<R>>::spell;
  }
  return adapted;
}

template <class F>
Adapted adapt_function(F function) {
  static_assert(IsCallable<F>::value, "neither a function nor an object with one operator()");
  using Traits = CallableOf<F>;
  using Parameters = typename Traits::Parameters;
  using R = typename Traits::Result;
  return adapt<R>(Parameters(), &immortal<F>(std::move(function)),
                  &FunctionInvoke<F, R, Parameters>::invoke, true);
}

// Whether a callable takes a T& first; and the parameters after that.
template <class T, class Parameters>
struct SelfOf {
  static constexpr bool kTakesSelf = false;
  using Rest = Parameters;
};
template <class T, class First, class... P>
struct SelfOf<T, TypeList<First, P...>> {
  static constexpr bool kTakesSelf =
      std::is_lvalue_reference_v<First> && std::is_base_of_v<Plain<First>, T>;
  using Rest = TypeList<P...>;
};

// A member of T, or a callable that takes a T& first, or a function that needs no T.
template <class T, class F>
Adapted adapt_method(F method) {
  static_assert(IsCallable<F>::value, "neither a method nor an object with one operator()");
  using Traits = CallableOf<F>;
  using Parameters = typename Traits::Parameters;
  using R = typename Traits::Result;
  if constexpr (!std::is_void_v<typename Traits::Object>) {
    static_assert(std::is_base_of_v<typename Traits::Object, T>, "a method of another class");
    return adapt<R>(Parameters(), &immortal<F>(method), &MethodInvoke<T, F, R, Parameters>::invoke,
                    false);
  } else if constexpr (SelfOf<T, Parameters>::kTakesSelf) {
    using Rest = typename SelfOf<T, Parameters>::Rest;
    return adapt<R>(Rest(), &immortal<F>(std::move(method)), &MethodInvoke<T, F, R, Rest>::invoke,
                    false);
  } else {
    return adapt_function(std::move(method));
  }
}

// A setter. Data members are assigned to.
template <class T, class F>
Adapted adapt_setter(F setter) {
  if constexpr (std::is_member_object_pointer_v<F>) {
    using Value = Plain<typename CallableOf<F>::Result>;
    return adapt_method<T>([setter](T& self, Value value) { self.*setter = std::move(value); });
  } else {
    return adapt_method<T>(std::move(setter));
  }
}

// A function of the boundary with all that its table points to.
struct FunctionEntry {
  std::string name, qualified, doc, result;
  Adapted adapted;
  std::vector<Arg> args;
  Pointers<const ParameterType> expected;  // without Contexts
  std::vector<std::string> types;
  std::vector<cppipc_value> defaults;
  std::vector<cppipc_parameter> parameters;
  Pointers<const cppipc_parameter> list;
  cppipc_function table = {};

  void finish(Store& store);
};

// What a TypeBuilder fills.
struct TypeParts {
  TypeEntry entry;
  std::string name, doc;
  FunctionEntry* constructor = nullptr;
  Pointers<const cppipc_function> method_list;
  Pointers<const cppipc_property> property_list;
};

}  // namespace detail

template <class T>
class TypeBuilder;

// What an extension offers, while CPPIPC_EXTENSION describes it.
// Errors of all that adds: kToolkit naming the mistake; the extension is not loaded then.
class Module {
 public:
  explicit Module(std::string_view name) : name_(name) {}  // not for extensions
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  Module& doc(std::string_view text) {
    doc_ = text;
    return *this;
  }

  // Adds a function. Callers know it as "NAME.name".
  template <class F, class... Extra>
  Module& function(std::string_view name, F f, Extra&&... extra) {
    const detail::Extra extras[] = {detail::Extra(extra)..., detail::Extra()};
    add_function(name, detail::adapt_function(std::move(f)), {extras, sizeof...(extra)});
    return *this;
  }

  // Starts the description of T.
  template <class T>
  TypeBuilder<T> type(std::string_view name, std::string_view doc = {});

  // Makes the values of E travel by name: Python has an enum.Enum of that name.
  template <class E>
  Module& enumeration(std::string_view name,
                      std::initializer_list<std::pair<const char*, E>> members,
                      std::string_view doc = {}) {
    detail::EnumEntry entry;
    for (const auto& [member, value] : members) {
      entry.members.emplace_back(member, static_cast<std::int64_t>(value));
    }
    detail::enum_slot<E>() = &add_enumeration(name, std::move(entry), doc);
    return *this;
  }

  // Not for extensions: the table of all this.
  const cppipc_extension& finish();

 private:
  template <class T>
  friend class TypeBuilder;
  struct EnumParts {
    std::string name, doc;
    detail::EnumEntry entry;
    std::vector<cppipc_text> names;
    std::vector<std::int64_t> values;
    cppipc_enumeration table = {};
  };

  detail::FunctionEntry& add(std::string_view name, const std::string& owner,
                             detail::Adapted adapted, detail::Extras extras);
  void add_function(std::string_view name, detail::Adapted adapted, detail::Extras extras);
  static void add_property(detail::TypeParts& type, detail::FunctionEntry& get,
                           detail::FunctionEntry* set);
  detail::TypeParts& add_type(std::string_view name, std::string_view doc, bool is_known,
                              const std::type_info& type);
  detail::EnumEntry& add_enumeration(std::string_view name, detail::EnumEntry entry,
                                     std::string_view doc);

  std::string name_, doc_;
  detail::Store store_;
  // What these point to stays until the process ends, as the module does.
  detail::Pointers<detail::FunctionEntry> entries_;
  detail::Pointers<detail::TypeParts> types_;
  detail::Pointers<const cppipc_function> function_list_;
  detail::Pointers<const cppipc_type> type_list_;
  detail::Pointers<const cppipc_enumeration> enumeration_list_;
  cppipc_extension table_ = {};
};

// Describes one exposed type.
template <class T>
class TypeBuilder {
 public:
  TypeBuilder(Module& module, detail::TypeParts& type) : module_(&module), type_(&type) {}

  // How clients make a T: init<int, std::string>(arg…) calls that constructor of T, and
  // init(factory, arg…) a callable that returns T, std::shared_ptr<T> or std::unique_ptr<T>.
  template <class... A, class... Extra>
  TypeBuilder& init(Extra&&... extra) {
    if constexpr (sizeof...(A) == 0 && has_factory<Extra...>()) {
      init_by(std::forward<Extra>(extra)...);
    } else {
      init_by([](A... values) { return std::make_shared<T>(std::forward<A>(values)...); },
              std::forward<Extra>(extra)...);
    }
    return *this;
  }

  // A member function, a callable that takes a T& first, or one that needs no T (a static method).
  template <class F, class... Extra>
  TypeBuilder& method(std::string_view name, F f, Extra&&... extra) {
    type_->method_list.push_back(
        &add(name, detail::adapt_method<T>(std::move(f)), std::forward<Extra>(extra)...).table);
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
  // its methods and properties.
  template <class Base>
  TypeBuilder& base() {
    static_assert(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>);
    if (detail::type_slot<Base>() == nullptr || type_->entry.table.base != nullptr) {
      throw Error(ErrorKind::kToolkit,
                  type_->entry.qualified + ": its base " + detail::exposed_name<Base>() +
                      (type_->entry.table.base != nullptr ? " is its second; it may have one"
                                                          : " is not registered before it"));
    }
    type_->entry.table.base = &detail::type_slot<Base>()->table;
    type_->entry.table.up = [](void* self) -> void* {
      return static_cast<Base*>(static_cast<T*>(self));
    };
    return *this;
  }

  // Lets calls on one object run at the same time.
  TypeBuilder& thread_safe() {
    type_->entry.table.flags |= CPPIPC_THREAD_SAFE;
    return *this;
  }

 private:
  template <class First = void, class... Extra>
  static constexpr bool has_factory() {
    return detail::IsCallable<std::decay_t<First>>::value;
  }

  template <class Factory, class... Extra>
  void init_by(Factory&& factory, Extra&&... extra) {
    if (type_->constructor != nullptr) {
      throw Error(ErrorKind::kToolkit, type_->entry.qualified + " has a constructor already");
    }
    const detail::Extra extras[] = {detail::Extra(extra)..., detail::Extra()};
    type_->constructor =
        &module_->add(type_->name, {},
                      detail::adapt_function(std::decay_t<Factory>(std::forward<Factory>(factory))),
                      {extras, sizeof...(extra)});
  }

  template <class... Extra>
  detail::FunctionEntry& add(std::string_view name, detail::Adapted adapted,
                             const Extra&... extra) {
    const detail::Extra extras[] = {detail::Extra(extra)..., detail::Extra()};
    return module_->add(name, type_->name, std::move(adapted), {extras, sizeof...(extra)});
  }

  template <class First, class... Extra>
  void property_of(std::string_view name, detail::Adapted getter, First&& first, Extra&&... extra) {
    if constexpr (detail::IsCallable<std::decay_t<First>>::value) {
      add_property(add(name, std::move(getter), std::forward<Extra>(extra)...),
                   &add(name, detail::adapt_setter<T>(std::decay_t<First>(first)), arg("value")));
    } else {
      add_property(
          add(name, std::move(getter), std::forward<First>(first), std::forward<Extra>(extra)...),
          nullptr);
    }
  }
  void property_of(std::string_view name, detail::Adapted getter) {
    add_property(add(name, std::move(getter)), nullptr);
  }
  void add_property(detail::FunctionEntry& get, detail::FunctionEntry* set) {
    module_->add_property(*type_, get, set);
  }

  Module* module_;
  detail::TypeParts* type_;
};

template <class T>
TypeBuilder<T> Module::type(std::string_view name, std::string_view doc) {
  static_assert(detail::IsExposed<T>::value, "values of this type travel as values");
  detail::TypeParts& parts = add_type(name, doc, detail::type_slot<T>() != nullptr, typeid(T));
  detail::type_slot<T>() = &parts.entry;
  return TypeBuilder<T>(*this, parts);
}

}  // namespace cppipc::ext

#include <cppipc/ext/module_impl.h>
