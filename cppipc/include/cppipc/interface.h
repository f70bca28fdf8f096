// SPDX-License-Identifier: Apache-2.0
#pragma once
// Interfaces: abstract classes that a server implements and that C++ clients call.
//
// An interface is a plain abstract class, and beside it, in its namespace, stands one list of what
// it is called and what it has. Servers register it from that list (implement.h, ext/implement.h),
// and proxies call by it (proxy.h), so the two sides cannot disagree:
//
//   inline auto interface_of(const Counter*) {
//     return cppipc::interface<Counter>("Counter", "An integer counter.")
//         .constructor<std::int64_t>(cppipc::parameter("start") = 0)
//         .method<&Counter::increment>("increment", cppipc::parameter("by") = 1)
//         .property<&Counter::value>("value", "The current value.");
//   }
//
// This header needs nothing but C++17 and its library. All text in a list must live for ever, as
// literals do.

#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cppipc {

// A parameter that has a default.
template <class T>
struct DefaultedParameter {
  std::string_view name;
  T value;
};

// A parameter without one; `parameter("by") = 1` gives it one.
struct Parameter {
  std::string_view name;

  template <class T>
  constexpr DefaultedParameter<std::decay_t<T>> operator=(T&& value) const {
    return {name, std::forward<T>(value)};
  }
};

// Names a parameter in the list of an interface.
constexpr Parameter parameter(std::string_view name) { return {name}; }

namespace detail {

template <class... T>
struct Types {};

// What can stand in a list. `Extras` is a tuple of Parameters, and of a text at most.
template <class Parameters, class Extras>
struct ListedConstructor {
  Extras extras;
};
template <auto kMember, class Extras>
struct ListedMethod {
  std::string_view name;
  Extras extras;
};
// kSetter is nullptr if there is none.
template <auto kGetter, auto kSetter, class Extras>
struct ListedProperty {
  std::string_view name;
  Extras extras;
};
template <class Base>
struct ListedBase {};

template <class I, class Pointer>
struct IsMemberOf : std::false_type {};
template <class I, class F, class C>
struct IsMemberOf<I, F C::*> : std::bool_constant<std::is_base_of_v<C, I>> {};

// Extras are names, defaults and texts; of text only what it refers to is kept.
template <class Extra>
auto kept(Extra extra) {
  if constexpr (std::is_convertible_v<Extra, std::string_view>) {
    return std::string_view(extra);
  } else {
    return extra;
  }
}
template <class... Extra>
auto keep(Extra... extra) {
  return std::make_tuple(kept(std::move(extra))...);
}

}  // namespace detail

// The list of the interface I. A value; `Members` are its entries in order.
template <class I, class... Members>
class Interface {
 public:
  using Class = I;

  Interface(std::string_view name, std::string_view doc, std::tuple<Members...> members)
      : name_(name), doc_(doc), members_(std::move(members)) {}

  // How clients make one: `A` are the parameters of a function of the server that does.
  template <class... A, class... Extra>
  auto constructor(Extra... extra) const {
    auto extras = detail::keep(std::move(extra)...);
    return with(
        detail::ListedConstructor<detail::Types<A...>, decltype(extras)>{std::move(extras)});
  }

  // A method. One parameter() for each parameter, in order, and perhaps a text on what it does. A
  // name that comes again, with another member function, is an overload.
  template <auto kMember, class... Extra>
  auto method(std::string_view name, Extra... extra) const {
    static_assert(detail::IsMemberOf<I, decltype(kMember)>::value,
                  "this is no member function of the interface");
    auto extras = detail::keep(std::move(extra)...);
    return with(detail::ListedMethod<kMember, decltype(extras)>{name, std::move(extras)});
  }

  // A value that is read by a member function, and written too if a setter follows.
  template <auto kGetter, auto kSetter = nullptr, class... Extra>
  auto property(std::string_view name, Extra... extra) const {
    static_assert(detail::IsMemberOf<I, decltype(kGetter)>::value,
                  "this is no member function of the interface");
    auto extras = detail::keep(std::move(extra)...);
    return with(
        detail::ListedProperty<kGetter, kSetter, decltype(extras)>{name, std::move(extras)});
  }

  // I derives from Base, which is an interface with a list of its own and is registered before.
  template <class Base>
  auto base() const {
    static_assert(std::is_base_of_v<Base, I> && !std::is_same_v<Base, I>,
                  "the interface does not derive from this one");
    return with(detail::ListedBase<Base>{});
  }

  std::string_view name() const { return name_; }
  std::string_view doc() const { return doc_; }
  const std::tuple<Members...>& members() const { return members_; }

  // Calls `f` with each entry.
  template <class F>
  void for_each(F f) const {
    std::apply([&](const auto&... member) { (f(member), ...); }, members_);
  }

 private:
  template <class Member>
  Interface<I, Members..., Member> with(Member member) const {
    return {name_, doc_, std::tuple_cat(members_, std::make_tuple(std::move(member)))};
  }

  std::string_view name_;
  std::string_view doc_;
  std::tuple<Members...> members_;
};

// Begins the list of I, which the server knows by `name`; dots nest.
template <class I>
Interface<I> interface(std::string_view name, std::string_view doc = {}) {
  static_assert(std::is_abstract_v<I>, "an interface is an abstract class");
  static_assert(std::has_virtual_destructor_v<I>, "an interface has a virtual destructor");
  return {name, doc, {}};
}

namespace detail {

template <class I, class = void>
struct HasList : std::false_type {};
// Not that of a base, which a pointer to I would do for as well.
template <class I>
struct HasList<I, std::void_t<decltype(interface_of(std::declval<const I*>()))>>
    : std::is_same<typename decltype(interface_of(std::declval<const I*>()))::Class, I> {};

// The list of I, made at the first use.
template <class I>
const auto& list_of() {
  static_assert(HasList<I>::value,
                "there is no list of this interface: write, in its namespace and its header, "
                "inline auto interface_of(const I*) { return cppipc::interface<I>(...)...; }");
  static const auto list = interface_of(static_cast<const I*>(nullptr));
  return list;
}

}  // namespace detail
}  // namespace cppipc
