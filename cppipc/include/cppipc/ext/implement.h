// SPDX-License-Identifier: Apache-2.0
#pragma once
// Registers interfaces (interface.h) in an extension, with what implements them.

#include <cppipc/ext/module.h>
#include <cppipc/interface.h>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cppipc::ext {
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

template <class I, class Implementation, class... A, class Extras>
void add_listed(TypeBuilder<I>& builder,
                const cppipc::detail::ListedConstructor<cppipc::detail::Types<A...>, Extras>& x) {
  static_assert(std::is_constructible_v<Implementation, A...>,
                "the implementation cannot be made of what the list of the interface has for its "
                "constructor");
  const auto make = [](A... values) -> std::shared_ptr<I> {
    return std::make_shared<Implementation>(std::forward<A>(values)...);
  };
  std::apply([&](const auto&... extra) { builder.init(make, registered(extra)...); }, x.extras);
}

template <class I, class Implementation, auto kMember, class Extras>
void add_listed(TypeBuilder<I>& builder, const cppipc::detail::ListedMethod<kMember, Extras>& x) {
  std::apply([&](const auto&... extra) { builder.method(x.name, kMember, registered(extra)...); },
             x.extras);
}

template <class I, class Implementation, auto kGetter, auto kSetter, class Extras>
void add_listed(TypeBuilder<I>& builder,
                const cppipc::detail::ListedProperty<kGetter, kSetter, Extras>& x) {
  std::apply(
      [&](const auto&... extra) {
        if constexpr (std::is_null_pointer_v<decltype(kSetter)>) {
          builder.property(x.name, kGetter, registered(extra)...);
        } else {
          builder.property(x.name, kGetter, kSetter, registered(extra)...);
        }
      },
      x.extras);
}

template <class I, class Implementation, class Base>
void add_listed(TypeBuilder<I>& builder, const cppipc::detail::ListedBase<Base>&) {
  builder.template base<Base>();
}

}  // namespace detail

// Registers the interface I as its list says; clients make objects of class Implementation. The
// list names the type as clients know it, so for an extension "shop" and a type "Cart" that is
// "shop.Cart". Errors: kToolkit as Module::type() and the TypeBuilder have them.
template <class I, class Implementation>
TypeBuilder<I> implement(Module& module) {
  static_assert(std::is_base_of_v<I, Implementation>,
                "the implementation does not derive from the interface");
  static_assert(!std::is_abstract_v<Implementation>,
                "the implementation leaves a member of the interface without a definition");
  const auto& list = cppipc::detail::list_of<I>();
  const std::string_view name = list.name();
  // The module puts its own name before it; npos + 1 is 0.
  TypeBuilder<I> builder = module.type<I>(name.substr(name.rfind('.') + 1), list.doc());
  list.for_each(
      [&](const auto& listed) { detail::add_listed<I, Implementation>(builder, listed); });
  return builder;
}

}  // namespace cppipc::ext
