// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parameter and result types of anything that can be called.

#include <tuple>
#include <type_traits>

namespace cppipc::detail {

template <class... T>
struct TypeList {
  static constexpr std::size_t kCount = sizeof...(T);
};

// `Object` is the class of a member function, else void.
template <class Returned, class Class, class... P>
struct Callable {
  using Result = Returned;
  using Object = Class;
  using Parameters = TypeList<P...>;
};

// Of functions, pointers to members, and objects with one operator().
template <class F, class = void>
struct CallableOf {
  static constexpr bool kIsCallable = false;
};

template <class R, class... P>
struct CallableOf<R (*)(P...)> : Callable<R, void, P...> {
  static constexpr bool kIsCallable = true;
};
template <class R, class... P>
struct CallableOf<R (*)(P...) noexcept> : CallableOf<R (*)(P...)> {};

template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...)> : Callable<R, C, P...> {
  static constexpr bool kIsCallable = true;
};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...) const> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...)&> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...) const&> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...) noexcept> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...) const noexcept> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...)& noexcept> : CallableOf<R (C::*)(P...)> {};
template <class R, class C, class... P>
struct CallableOf<R (C::*)(P...) const& noexcept> : CallableOf<R (C::*)(P...)> {};

// A data member is read by reference.
template <class R, class C>
requires(!std::is_function_v<R>) struct CallableOf<R C::*> : Callable<const R&, C> {
  static constexpr bool kIsCallable = true;
};

template <class F>
struct CallableOf<F, std::void_t<decltype(&F::operator())>> {
  using Operator = CallableOf<decltype(&F::operator())>;
  using Result = typename Operator::Result;
  using Object = void;
  using Parameters = typename Operator::Parameters;
  static constexpr bool kIsCallable = true;
};

template <class F>
inline constexpr bool is_callable = CallableOf<std::decay_t<F>>::kIsCallable;

// The first parameter, and the rest of them.
template <class List>
struct Split {
  using First = void;
  using Rest = TypeList<>;
};
template <class F, class... R>
struct Split<TypeList<F, R...>> {
  using First = F;
  using Rest = TypeList<R...>;
};

// Whether a parameter of type P can be the object T that a method is called on.
template <class P, class T>
constexpr bool takes_self() {
  if constexpr (!std::is_reference_v<P>) return false;
  using Plain = std::remove_cvref_t<P>;
  if constexpr (std::is_class_v<Plain> && std::is_class_v<T>) {
    return std::is_same_v<Plain, T> || std::is_base_of_v<Plain, T>;
  }
  return false;
}

}  // namespace cppipc::detail
