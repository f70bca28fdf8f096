// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names a server answers to: exposed types with their methods, functions, toolkits, settings.
//
// A registry is filled once, in main(), and then given to a Host as const. There is no global
// registry: what a server offers can be read off its main().

#include <cppipc/detail/adapt.h>
#include <cppipc/exceptions.h>
#include <cppipc/function.h>
#include <cppipc/setting.h>
#include <cppipc/toolkit.h>
#include <cppipc/type_builder.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

namespace cppipc {

namespace detail {
class ExtensionLoader;
}

// The names of an enumeration's values, in the order of registration.
using EnumInfo = EnumDescription;

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

  // Makes the values of E travel by name: Python has an enum.Enum of that name, and takes and
  // gives its members. The name may have dots.
  template <class E>
  void enumeration(std::string_view name,
                   std::initializer_list<std::pair<std::string_view, E>> members,
                   std::string_view doc = {}) {
    static_assert(std::is_enum_v<E>);
    EnumInfo info{std::string(name), std::string(doc), {}};
    for (const auto& [member, value] : members) {
      info.members.emplace_back(member, static_cast<std::int64_t>(value));
    }
    add_enumeration(std::move(info), typeid(E));
  }

  // Makes exceptions of class E, and of those that derive from it, arrive as a class of their own:
  // session.types.NAME, which derives from that of the closest registered base of E, else from the
  // class of the kind. In any order may follow: an ErrorKind (without one it is that of the
  // standard class that E derives from), documentation, and a callable that makes a text of an E,
  // for classes without what(). Bases come first. The name may have dots.
  template <class E, class... Extra>
  void exception(std::string_view name, Extra&&... extra) {
    detail::ExceptionExtras<E> extras;
    (extras.add(std::forward<Extra>(extra)), ...);
    const bool has_kind = extras.kind.has_value();
    add_exception(detail::make_exception_info<E>(name, std::move(extras)), has_kind);
  }

  // The exception being handled, as cppipc::current_error() has it, but with the name, kind and
  // text of the registered class that it is. Only inside a catch block.
  Error current_error() const;

  // Adds a function. The name may have dots: "stats.mean". A name that is registered again, with
  // other parameter types, stands for all of them: a call runs the first that its arguments fit
  // without a conversion, else the first that they fit.
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

  // Adds toolkits in the form of toolkit.h. With a prefix their names are "PREFIX.NAME".
  void toolkits(std::vector<ToolkitSpecification> list, std::string_view prefix = {});

  // Adds a setting: a callable without parameters that returns its value and, if it can be
  // written, one that takes a new value; either may take a Context& too. Then, in any order, the
  // documentation, and `at_start` for a setting that is not to change while the server runs. The
  // name may have dots. Both callables run as calls do, on any thread, but never two at one time,
  // be they of one setting or of several; so they should be quick, and must not read or write
  // settings through the registry. To refuse a value the setter throws.
  template <class Getter, class... Extra>
  void setting(std::string_view name, Getter getter, Extra&&... extra) {
    setting_of(name, detail::adapt_function(std::move(getter)), std::forward<Extra>(extra)...);
  }

  // The value of a setting. Threads: any. Errors: kUnknownKey; whatever the getter throws.
  Variant read_setting(std::string_view name, Context& context) const;
  // Gives a setting a new value. Threads: any. Errors, all naming the setting: kUnknownKey;
  // kWrongType, kOverflow or kInvalidArgument for a value that does not fit, kWrongType for a
  // setting that is read-only; whatever the setter throws.
  void write_setting(std::string_view name, Variant value, Context& context) const;
  // The same at the start of a server, also for settings that are `at_start`. The text is taken
  // for what the setting's type wants: a str, "true", a number, "none", or a list of these with
  // commas between.
  void start_setting(std::string_view name, std::string_view text);

  // Null when nothing has that name or type: absence is normal here, so it is not an error.
  const TypeInfo* find_type(std::string_view name) const;
  const TypeInfo* find_type(std::type_index type) const;
  const FunctionInfo* find_function(std::string_view name) const;
  const EnumInfo* find_enumeration(std::type_index type) const;
  // By "TYPE::NAME". Null unless it is a static method of that very type.
  const FunctionInfo* find_static_method(std::string_view name) const;

  const Named<TypeInfo>& types() const { return types_; }
  const Named<FunctionInfo>& functions() const { return functions_; }
  const Named<SettingInfo>& settings() const { return settings_; }
  // In the order of registration.
  const std::vector<ExceptionInfo>& exceptions() const { return exceptions_; }

  // All of it as plain data, sorted by name. Errors: std::logic_error naming a function that
  // takes or returns a type that is not registered.
  Description describe(std::string version) const;

 private:
  friend class detail::TypeBuilderBase;
  friend class detail::ExtensionLoader;

  TypeInfo& add_type(std::string_view name, std::string_view doc, std::type_index type);
  FunctionInfo& add_function(std::string_view name, detail::Adapted adapted, detail::Extras extras,
                             bool is_toolkit);
  void add_enumeration(EnumInfo info, std::type_index type);
  void add_exception(ExceptionInfo info, bool has_kind);
  // Errors: std::logic_error if a type, an enumeration or an exception has that name.
  void check_name_is_free(std::string_view name, std::string_view what) const;
  TypeInfo* find_type_to_change(std::type_index type);
  void add_setting(std::string_view name, detail::Adapted getter, detail::Adapted* setter,
                   detail::Extras extras);
  const SettingInfo& known_setting(std::string_view name) const;
  void set(const SettingInfo& setting, Variant value, Context& context) const;

  template <class First, class... Extra>
  void setting_of(std::string_view name, detail::Adapted getter, First&& first, Extra&&... extra) {
    if constexpr (detail::is_callable<First>) {
      detail::Adapted setter = detail::adapt_function(std::decay_t<First>(first));
      add_setting(name, std::move(getter), &setter, detail::collect(std::forward<Extra>(extra)...));
    } else {
      add_setting(name, std::move(getter), nullptr,
                  detail::collect(std::forward<First>(first), std::forward<Extra>(extra)...));
    }
  }
  void setting_of(std::string_view name, detail::Adapted getter) {
    add_setting(name, std::move(getter), nullptr, {});
  }

  Named<TypeInfo> types_;
  Named<FunctionInfo> functions_;
  Named<SettingInfo> settings_;
  std::unique_ptr<std::mutex> settings_turn_ = std::make_unique<std::mutex>();
  std::map<std::type_index, TypeInfo*> types_by_cpp_;
  std::map<std::type_index, EnumInfo> enumerations_;
  std::vector<ExceptionInfo> exceptions_;
};

}  // namespace cppipc
