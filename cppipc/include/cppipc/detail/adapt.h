// SPDX-License-Identifier: Apache-2.0
#pragma once
// Takes functions, methods, setters, constructors and toolkits apart into what their C++ types
// tell and what runs them.

#include <cppipc/detail/invoke.h>

#include <memory>
#include <type_traits>
#include <utility>

namespace cppipc::detail {

template <class P>
inline constexpr bool is_map =
    std::is_same_v<P, const VariantMap&> || std::is_same_v<P, VariantMap>;

// Whether a toolkit has the form VariantMap f(const VariantMap&).
template <class... P>
constexpr bool is_map_function(TypeList<P...>) {
  constexpr int maps = (static_cast<int>(is_map<P>) + ... + 0);
  constexpr int others = (static_cast<int>(!is_map<P> && !is_context<P>) + ... + 0);
  return maps == 1 && others == 0;
}

// A callable and what its C++ type tells of it.
struct Adapted {
  TypedParameters parameters;
  MakeInvoke make;
  bool is_static = false;  // of a method: it takes no object
};

template <class F>
Adapted adapt_function(F f) {
  using Traits = CallableOf<F>;
  static_assert(Traits::kIsCallable, "neither a function nor an object with one operator()");
  using Parameters = typename Traits::Parameters;
  using R = typename Traits::Result;
  return {typed_parameters<R>(Parameters()), make_function<R>(Parameters(), std::move(f))};
}

template <class F>
Adapted adapt_toolkit(F f) {
  using Traits = CallableOf<F>;
  static_assert(Traits::kIsCallable, "neither a function nor an object with one operator()");
  static_assert(std::is_same_v<typename Traits::Result, VariantMap>,
                "a toolkit returns a VariantMap");
  using Parameters = typename Traits::Parameters;
  if constexpr (is_map_function(Parameters())) {
    Adapted adapted;
    adapted.parameters.is_map = true;
    adapted.parameters.result = &spell<VariantMap>;
    adapted.make = make_map_function(Parameters(), std::move(f));
    return adapted;
  } else {
    return adapt_function(std::move(f));
  }
}

// A method that needs no object.
template <class F>
Adapted adapt_static(F f) {
  Adapted adapted = adapt_function(std::move(f));
  adapted.is_static = true;
  return adapted;
}

// A member of T, or a callable that takes a T& first, or a function that needs no T.
template <class T, class F>
Adapted adapt_method(F f) {
  using Traits = CallableOf<F>;
  static_assert(Traits::kIsCallable, "neither a method nor an object with one operator()");
  using Parameters = typename Traits::Parameters;
  using First = typename Split<Parameters>::First;
  using R = typename Traits::Result;
  if constexpr (!std::is_void_v<typename Traits::Object>) {
    static_assert(std::is_base_of_v<typename Traits::Object, T>, "a method of another class");
    return {typed_parameters<R>(Parameters()), make_method<T, R>(Parameters(), std::move(f))};
  } else if constexpr (takes_self<First, T>()) {
    using Rest = typename Split<Parameters>::Rest;
    return {typed_parameters<R>(Rest()), make_method<T, R>(Rest(), std::move(f))};
  } else {
    return adapt_static(std::move(f));
  }
}

// A setter. Data members are assigned to.
template <class T, class F>
Adapted adapt_setter(F f) {
  if constexpr (std::is_member_object_pointer_v<F>) {
    using Value = std::remove_cvref_t<typename CallableOf<F>::Result>;
    return adapt_method<T>([f](T& self, Value value) { self.*f = std::move(value); });
  } else {
    return adapt_method<T>(std::move(f));
  }
}

// A constructor of T from `A...`.
template <class T, class... A>
Adapted adapt_constructor() {
  // The parameters as a call gives them to T's constructor.
  return adapt_function(
      [](A... values) { return std::make_shared<T>(std::forward<A>(values)...); });
}

}  // namespace cppipc::detail
