// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a C++ callable to a function of Variants: the only templates that are made once for every
// registered function, so they do as little as they can.

#include <cppipc/convert.h>
#include <cppipc/detail/callable.h>
#include <cppipc/detail/signature.h>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cppipc {

template <class T>
Arg& Arg::operator=(T&& value) {
  using Value = std::decay_t<T>;
  if constexpr (std::is_constructible_v<Variant, T> && !std::is_enum_v<Value>) {
    make_default_ = [held = Variant(std::forward<T>(value))](const detail::Place&) { return held; };
  } else {
    // An enumeration's name is known to the registry only.
    make_default_ = [held = Value(std::forward<T>(value))](const detail::Place& place) {
      return detail::Converter<Value>::store(held, place);
    };
  }
  return *this;
}

namespace detail {

template <class P>
inline constexpr bool is_context = std::is_same_v<std::remove_cvref_t<P>, Context>;
template <class P>
inline constexpr bool is_args = std::is_same_v<std::remove_cvref_t<P>, Args>;

template <class P>
constexpr void check_parameter_type() {
  using Value = std::remove_cvref_t<P>;
  if constexpr (!is_context<P> && !is_args<P>) {
    static_assert(
        requires { Converter<Value>::kKinds; }, "no parameter can have this type");
    static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>> ||
                      is_exposed<Value>,
                  "what a function writes to a non-const reference would be lost; return it");
  } else {
    static_assert(!is_context<P> || std::is_lvalue_reference_v<P>, "take Context by reference");
  }
}

template <class Value>
void check_default(Variant value, const Place& place) {
  (void)Converter<Value>::load(value, place);
}

template <class P>
void add_parameter(TypedParameters& parameters) {
  check_parameter_type<P>();
  using Value = std::remove_cvref_t<P>;
  if constexpr (is_args<P>) {
    parameters.rest = Signature::Rest::kArgs;
  } else if constexpr (!is_context<P>) {
    parameters.types.push_back({&spell<Value>, &check_default<Value>});
  }
}

inline std::string spell_none(const Speller&) { return "None"; }

template <class R>
constexpr Spell result_spell() {
  if constexpr (std::is_void_v<R>) {
    return &spell_none;
  } else {
    return &spell<std::remove_cvref_t<R>>;
  }
}

template <class R, class... P>
TypedParameters typed_parameters(TypeList<P...>) {
  TypedParameters parameters;
  (add_parameter<P>(parameters), ...);
  parameters.result = result_spell<R>();
  return parameters;
}

// How many of the first `end` parameters are filled from arguments.
template <class... P>
constexpr std::size_t slot_of(std::size_t end) {
  constexpr bool kFills[] = {(!is_context<P> && !is_args<P>)..., false};
  std::size_t slot = 0;
  for (std::size_t i = 0; i < end; ++i) slot += kFills[i] ? 1 : 0;
  return slot;
}

// The value for one parameter; a reference for exposed types and contexts.
template <class P>
decltype(auto) load_parameter(Binding& binding, [[maybe_unused]] std::size_t slot) {
  if constexpr (is_context<P>) {
    return (binding.context());
  } else if constexpr (is_args<P>) {
    return binding.take_rest();
  } else {
    return Converter<std::remove_cvref_t<P>>::load(binding.value(slot), binding.place(slot));
  }
}

// A T that the function does not own. Identity is kept: if somebody shares the object already,
// the result shares it too.
template <class T>
Variant store_borrowed(T& object, const Binding& binding) {
  if constexpr (requires { object.weak_from_this(); }) {
    if (const auto owner = object.weak_from_this().lock()) {
      return store_shared(std::shared_ptr<T>(owner, &object), binding.result_place());
    }
  }
  const void* address = &object;
  if constexpr (std::is_polymorphic_v<T>) address = dynamic_cast<const void*>(&object);
  return store_shared(std::shared_ptr<T>(binding.owner_of(address), &object),
                      binding.result_place());
}

template <class R>
Variant store_result(R&& result, const Binding& binding) {
  using Value = std::remove_cvref_t<R>;
  if constexpr (std::is_lvalue_reference_v<R> && !std::is_const_v<std::remove_reference_t<R>> &&
                is_exposed<Value>) {
    return store_borrowed(result, binding);
  } else if constexpr (std::is_pointer_v<Value> && !std::is_same_v<Value, const char*>) {
    return result == nullptr ? Variant() : store_borrowed(*result, binding);
  } else {
    return Converter<Value>::store(std::forward<R>(result), binding.result_place());
  }
}

// Runs `call(parameters...)` and stores its result.
template <class R, class... P, std::size_t... I, class Call>
Variant run(Binding& binding, TypeList<P...>, std::index_sequence<I...>, const Call& call) {
  // In braces, so that the first wrong argument is the one refused.
  std::tuple<decltype(load_parameter<P>(binding, 0))...> loaded{
      load_parameter<P>(binding, slot_of<P...>(I))...};
  if constexpr (std::is_void_v<R>) {
    call(std::get<I>(std::move(loaded))...);
    return {};
  } else {
    return store_result<R>(call(std::get<I>(std::move(loaded))...), binding);
  }
}

// A function without an object. `Result` and `P` are those of `call`.
template <class R, class... P, class Call>
MakeInvoke make_function(TypeList<P...> parameters, Call call) {
  return [parameters, call = std::move(call)](std::shared_ptr<const Signature> signature) {
    return [parameters, call, signature](Invocation& invocation) {
      Binding binding(*signature, invocation);
      return run<R>(binding, parameters, std::index_sequence_for<P...>(), call);
    };
  };
}

// A method: `call` takes the object T first.
template <class T, class R, class... P, class Call>
MakeInvoke make_method(TypeList<P...> parameters, Call call) {
  return [parameters, call = std::move(call)](std::shared_ptr<const Signature> signature) {
    return [parameters, call, signature](Invocation& invocation) {
      Binding binding(*signature, invocation);
      T& self = *static_cast<T*>(invocation.self.get());
      const auto bound = [&](auto&&... values) -> R {
        return std::invoke(call, self, std::forward<decltype(values)>(values)...);
      };
      return run<R>(binding, parameters, std::index_sequence_for<P...>(), bound);
    };
  };
}

// VariantMap f(const VariantMap&), with or without a Context&.
template <class... P, class Call>
MakeInvoke make_map_function(TypeList<P...>, Call call) {
  return [call = std::move(call)](std::shared_ptr<const Signature> signature) {
    return [call, signature](Invocation& invocation) {
      Binding binding(*signature, invocation);
      const VariantMap map = binding.take_map();
      const auto value_of = [&]<class Q>(std::type_identity<Q>) -> decltype(auto) {
        if constexpr (is_context<Q>) {
          return (binding.context());
        } else {
          return (map);
        }
      };
      return Converter<VariantMap>::store(call(value_of(std::type_identity<P>())...),
                                          binding.result_place());
    };
  };
}

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
    return adapt_function(std::move(f));
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

}  // namespace detail
}  // namespace cppipc
