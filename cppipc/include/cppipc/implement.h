// SPDX-License-Identifier: Apache-2.0
#pragma once
// Registers interfaces (interface.h) with what implements them.

#include <cppipc/interface.h>
#include <cppipc/registry.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace cppipc {
namespace detail {

// What stands in a list, as a registration has it.
inline Arg registered(const cppipc::Parameter& parameter) { return Arg(parameter.name); }
template <class T>
Arg registered(const DefaultedParameter<T>& parameter) {
  Arg arg(parameter.name);
  arg = parameter.value;
  return arg;
}
inline std::string_view registered(std::string_view text) { return text; }

template <class I, class Factory, class... A, class Extras>
void add_listed(TypeBuilder<I>& builder, const Factory& factory,
                const ListedConstructor<Types<A...>, Extras>& listed) {
  if constexpr (!std::is_same_v<Factory, std::nullptr_t>) {
    static_assert(std::is_invocable_v<const Factory&, A...>,
                  "the implementation cannot be made of what the list of the interface has for "
                  "its constructor");
    const auto make = [factory](A... values) -> std::shared_ptr<I> {
      return factory(std::forward<A>(values)...);
    };
    std::apply([&](const auto&... extra) { builder.init(make, registered(extra)...); },
               listed.extras);
  }
}

template <class I, class Factory, auto kMember, class Extras>
void add_listed(TypeBuilder<I>& builder, const Factory&,
                const ListedMethod<kMember, Extras>& listed) {
  std::apply(
      [&](const auto&... extra) { builder.method(listed.name, kMember, registered(extra)...); },
      listed.extras);
}

template <class I, class Factory, auto kGetter, auto kSetter, class Extras>
void add_listed(TypeBuilder<I>& builder, const Factory&,
                const ListedProperty<kGetter, kSetter, Extras>& listed) {
  std::apply(
      [&](const auto&... extra) {
        if constexpr (std::is_null_pointer_v<decltype(kSetter)>) {
          builder.property(listed.name, kGetter, registered(extra)...);
        } else {
          builder.property(listed.name, kGetter, kSetter, registered(extra)...);
        }
      },
      listed.extras);
}

template <class I, class Factory, class Base>
void add_listed(TypeBuilder<I>& builder, const Factory&, const ListedBase<Base>&) {
  builder.template base<Base>();
}

// Makes an Implementation, of whatever its constructor takes.
template <class I, class Implementation>
struct MakeImplementation {
  template <class... A>
  requires std::is_constructible_v<Implementation, A...> std::shared_ptr<I>
  operator()(A&&... values) const {
    return std::make_shared<Implementation>(std::forward<A>(values)...);
  }
};

}  // namespace detail

// Registers the interface I as its list says. Clients make objects of it by calling `factory`, with
// the parameters that the list has for the constructor; it returns a std::shared_ptr<I>, or what
// converts to one. Without a factory they get objects from other objects only. The builder that is
// returned takes more: saveable(), thread_safe(), methods that only this server has.
// Errors: std::logic_error as Registry::type() and the TypeBuilder have them.
template <class I, class Factory = std::nullptr_t>
TypeBuilder<I> implement_by(Registry& registry, Factory factory = {}) {
  const auto& list = detail::list_of<I>();
  TypeBuilder<I> builder = registry.type<I>(list.name(), list.doc());
  list.for_each([&](const auto& listed) { detail::add_listed(builder, factory, listed); });
  return builder;
}

// The same with a class that implements I, whose constructor takes what the list says. Objects of
// further classes that derive from I may be returned all the same: they are I's for clients.
template <class I, class Implementation>
TypeBuilder<I> implement(Registry& registry) {
  static_assert(std::is_base_of_v<I, Implementation>,
                "the implementation does not derive from the interface");
  static_assert(!std::is_abstract_v<Implementation>,
                "the implementation leaves a member of the interface without a definition");
  return implement_by<I>(registry, detail::MakeImplementation<I, Implementation>());
}

}  // namespace cppipc
