// SPDX-License-Identifier: Apache-2.0
#pragma once
// Converters of functions: std::function<R(A...)> and CallablePtr.

#include <cppipc/callable.h>
#include <cppipc/detail/convert_plain.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cppipc::detail {

CallablePtr load_callable(const Variant& value, const Place& place);
// Errors: kWrongType unless there are `count` arguments and none has a name.
void check_argument_count(const Arguments& arguments, std::size_t count);

// What a std::function holds that was made of a value: it calls the function that the value is.
// `what` names the parameter it was given for.
template <class R, class... A>
struct CalledFunction {
  CallablePtr function;
  const Registry* registry = nullptr;
  std::string what;

  R operator()(A... given) const {
    Place place;
    place.registry = registry;
    place.name = what;
    Arguments arguments;
    arguments.values.reserve(sizeof...(A));
    (arguments.values.push_back(Converter<std::decay_t<A>>::store(std::forward<A>(given), place)),
     ...);
    [[maybe_unused]] Variant result = function->call(std::move(arguments));
    if constexpr (!std::is_void_v<R>) {
      const std::string result_text = what + " result";
      place.name = result_text;
      place.may_move = true;
      return Converter<R>::load(result, place);
    }
  }
};

// A std::function that travels.
template <class R, class... A>
class LocalFunction final : public Callable {
 public:
  LocalFunction(std::function<R(A...)> function, const Registry* registry)
      : function_(std::move(function)), registry_(registry) {}

  Variant call(Arguments arguments) override {
    check_argument_count(arguments, sizeof...(A));
    return call(arguments, std::index_sequence_for<A...>());
  }

 private:
  template <std::size_t... I>
  Variant call([[maybe_unused]] Arguments& arguments, std::index_sequence<I...>) {
    Place place;
    place.registry = registry_;
    place.name = "argument";
    place.may_move = true;
    // In braces, so that the first wrong argument is the one refused.
    std::tuple<decltype(Converter<std::decay_t<A>>::load(arguments.values[I], place))...> loaded{
        Converter<std::decay_t<A>>::load(arguments.values[I], place.item(I))...};
    if constexpr (std::is_void_v<R>) {
      function_(std::get<I>(std::move(loaded))...);
      return {};
    } else {
      place.name = "result";
      return Converter<std::decay_t<R>>::store(function_(std::get<I>(std::move(loaded))...), place);
    }
  }

  const std::function<R(A...)> function_;
  const Registry* const registry_;
};

template <class R, class... A>
struct Converter<std::function<R(A...)>> {
  static_assert(!std::is_reference_v<R> && !std::is_same_v<R, std::string_view> &&
                    !std::is_same_v<R, const char*>,
                "the result would point into a value that is gone");
  static constexpr KindSet kKinds = kinds(Kind::kCallable);

  static std::function<R(A...)> load(Variant& value, const Place& place) {
    return CalledFunction<R, A...>{load_callable(value, place), place.registry, place.text()};
  }
  // One that came as a value goes back as what it was. An empty one is None.
  static Variant store(std::function<R(A...)> value, const Place& place) {
    if (!value) return {};
    if (auto* called = value.template target<CalledFunction<R, A...>>()) return called->function;
    return CallablePtr(std::make_shared<LocalFunction<R, A...>>(std::move(value), place.registry));
  }
  static std::string spell(const Speller& speller) {
    std::string parameters;
    ((parameters += (parameters.empty() ? "" : ", ") + spell_one<std::decay_t<A>>(speller)), ...);
    return "Callable[[" + parameters + "], " + spell_one<R>(speller) + "]";
  }

 private:
  template <class T>
  static std::string spell_one(const Speller& speller) {
    if constexpr (std::is_void_v<T>) {
      return "None";
    } else {
      return Converter<T>::spell(speller);
    }
  }
};

// Any function, whatever it takes.
template <>
struct Converter<CallablePtr> {
  static constexpr KindSet kKinds = kinds(Kind::kCallable);

  static CallablePtr load(Variant& value, const Place& place) {
    return load_callable(value, place);
  }
  static Variant store(CallablePtr value, const Place&) { return Variant(std::move(value)); }
  static std::string spell(const Speller&) { return "Callable"; }
};

}  // namespace cppipc::detail
