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
void check_value(Variant& value, const Place& place) {
  (void)Converter<Value>::load(value, place);
}

template <class P>
void add_parameter(TypedParameters& parameters) {
  check_parameter_type<P>();
  using Value = std::remove_cvref_t<P>;
  if constexpr (is_args<P>) {
    parameters.rest = Signature::Rest::kArgs;
  } else if constexpr (!is_context<P>) {
    parameters.types.push_back(
        {&spell<Value>, &check_value<Value>, Converter<Value>::kKinds, &typeid(Value)});
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

}  // namespace detail
}  // namespace cppipc
