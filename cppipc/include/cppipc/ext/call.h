// SPDX-License-Identifier: Apache-2.0
#pragma once
// From C++ callables to functions of the boundary, and the other way: functions as values.

#include <cppipc/ext/array.h>
#include <cppipc/ext/objects.h>

#include <functional>
#include <tuple>

namespace cppipc::ext {

// What a running function may know of its call. A `Context&` parameter is filled in, and invisible
// to callers. Good until the function returns; any thread may use it.
class Context {
 public:
  explicit Context(cppipc_call* call) : call_(call) {}  // not for extensions
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // True once the caller has cancelled, its deadline has passed, or its session has ended.
  bool cancelled() const { return detail::host().cancelled(call_) != 0; }
  // Errors: kCancelled or a timeout, which are best left to pass.
  void throw_if_cancelled() const { detail::check(detail::host().check_cancelled(call_)); }
  // Reports how far the call is: a fraction in 0..1, and a short text. Cheap; may be dropped.
  void progress(double fraction, std::string_view text = {}) const {
    detail::host().progress(call_, fraction, detail::text_of(text));
  }
  // A line for the server's log. `level` as Python's: 10 debug, 20 info, 30 warning, 40 error.
  void log(std::string_view text, int level = 20) const {
    detail::host().log(call_, level, detail::text_of(text));
  }

 private:
  cppipc_call* call_;
};

namespace detail {

template <class... T>
struct TypeList {};

template <class P>
using Plain = std::remove_cv_t<std::remove_reference_t<P>>;
template <class P>
inline constexpr bool is_context = std::is_same_v<Plain<P>, Context>;

// Takes the type of a callable apart: object (void for functions), parameters, result.
template <class F, class = void>
struct CallableOf;
template <class T, class R, class... P>
struct Taken {
  using Object = T;
  using Result = R;
  using Parameters = TypeList<P...>;
};
template <class R, class... P>
struct CallableOf<R (*)(P...)> : Taken<void, R, P...> {};
template <class R, class... P>
struct CallableOf<R (*)(P...) noexcept> : Taken<void, R, P...> {};
template <class T, class R, class... P>
struct CallableOf<R (T::*)(P...)> : Taken<T, R, P...> {};
template <class T, class R, class... P>
struct CallableOf<R (T::*)(P...) const> : Taken<T, R, P...> {};
template <class T, class R, class... P>
struct CallableOf<R (T::*)(P...) noexcept> : Taken<T, R, P...> {};
template <class T, class R, class... P>
struct CallableOf<R (T::*)(P...) const noexcept> : Taken<T, R, P...> {};
template <class T, class R>
struct CallableOf<R T::*, std::enable_if_t<std::is_object_v<R>>> : Taken<T, R&> {};

template <class Operator>
struct OperatorOf;
template <class T, class R, class... P>
struct OperatorOf<R (T::*)(P...)> : Taken<void, R, P...> {};
template <class T, class R, class... P>
struct OperatorOf<R (T::*)(P...) const> : Taken<void, R, P...> {};
template <class T, class R, class... P>
struct OperatorOf<R (T::*)(P...) noexcept> : Taken<void, R, P...> {};
template <class T, class R, class... P>
struct OperatorOf<R (T::*)(P...) const noexcept> : Taken<void, R, P...> {};
template <class F>
struct CallableOf<F, std::void_t<decltype(&F::operator())>> : OperatorOf<decltype(&F::operator())> {
};

template <class F, class = void>
struct IsCallable : std::false_type {};
template <class F>
struct IsCallable<F, std::void_t<typename CallableOf<F>::Result>> : std::true_type {};

// How many of the first `end` parameters are filled from arguments.
template <class... P>
constexpr std::size_t slot_of(std::size_t end) {
  constexpr bool kFills[] = {!is_context<P>..., false};
  std::size_t slot = 0;
  for (std::size_t i = 0; i < end; ++i) slot += kFills[i] ? 1 : 0;
  return slot;
}

// The value for one parameter; a reference for exposed types and contexts.
template <class P>
decltype(auto) load_parameter(const cppipc_frame& frame, Context& context,
                              [[maybe_unused]] std::size_t slot) {
  if constexpr (is_context<P>) {
    return (context);
  } else {
    return Converter<Plain<P>>::load(
        frame.values[slot], Place(CPPIPC_PARAMETER, frame.call, static_cast<std::int64_t>(slot)));
  }
}

inline bool is_at(const cppipc_value& value, const void* address) {
  return value.kind == CPPIPC_OBJECT && is_own(value.as.object->type) &&
         value.as.object->address == address;
}

// Who keeps a T alive that a function does not own: the argument or self that it is, else self,
// whose part it may be. Errors: kRemote if nobody does.
inline Share owner_of(const void* address, const cppipc_frame& frame) {
  for (std::size_t i = 0; i < frame.count; ++i) {
    if (is_at(frame.values[i], address)) {
      return *static_cast<Share*>(frame.values[i].as.object->share);
    }
  }
  if (frame.self != nullptr) return *static_cast<Share*>(frame.self->as.object->share);
  fail_at(Place(CPPIPC_RESULT, frame.call), ErrorKind::kRemote,
          "a reference or pointer to an object that nobody owns; return a std::shared_ptr");
}

template <class T>
cppipc_value store_borrowed(T& object, const cppipc_frame& frame, Store& store,
                            const Place& place) {
  static_assert(!std::is_const_v<T>, "exposed objects are not const; return a copy");
  const void* address = &object;
  if constexpr (std::is_polymorphic_v<T>) address = dynamic_cast<const void*>(&object);
  return store_shared(std::shared_ptr<T>(owner_of(address, frame), &object), store, place);
}

template <class R>
void give_result(R&& result, const cppipc_frame& frame) {
  using Given = Plain<R>;
  const Place place(CPPIPC_RESULT, frame.call);
  Store store;
  cppipc_value value = {};
  if constexpr (std::is_lvalue_reference_v<R> && !std::is_const_v<std::remove_reference_t<R>> &&
                IsExposed<Given>::value) {
    value = store_borrowed(result, frame, store, place);
  } else if constexpr (std::is_pointer_v<Given> && !std::is_same_v<Given, const char*>) {
    if (result != nullptr) value = store_borrowed(*result, frame, store, place);
  } else if constexpr (std::is_lvalue_reference_v<R>) {
    Given copied(result);
    value = Converter<Given>::store(copied, store, place);
    check(host().give_result(frame.call, &value));
    return;
  } else {
    value = Converter<Given>::store(result, store, place);
  }
  check(host().give_result(frame.call, &value));
}

// Calls `call(parameters...)` and gives its result. A constructor, because its arguments in braces
// are loaded in order, so that the first wrong one is refused; a tuple would take longer to
// compile.
template <class R, class... P>
struct Run {
  template <class Call, class... Loaded>
  Run(const cppipc_frame& frame, const Call& call, Loaded&&... loaded) {
    if constexpr (std::is_void_v<R>) {
      call(static_cast<P>(static_cast<Loaded&&>(loaded))...);
    } else {
      give_result<R>(call(static_cast<P>(static_cast<Loaded&&>(loaded))...), frame);
    }
  }
};
template <class R, class... P, std::size_t... I, class Call>
void run(const cppipc_frame& frame, TypeList<P...>, std::index_sequence<I...>, const Call& call) {
  [[maybe_unused]] Context context(frame.call);
  Run<R, P...>{frame, call, load_parameter<P>(frame, context, slot_of<P...>(I))...};
}

// A function without an object; `data` is an F.
template <class F, class R, class Parameters>
struct FunctionInvoke;
template <class F, class R, class... P>
struct FunctionInvoke<F, R, TypeList<P...>> {
  static cppipc_failure invoke(void* data, const cppipc_frame* frame) {
    try {
      F& function = *static_cast<F*>(data);
      run<R>(*frame, TypeList<P...>(), std::index_sequence_for<P...>(), [&](auto&&... values) -> R {
        return function(static_cast<decltype(values)>(values)...);
      });
      return nullptr;
    } catch (...) {
      return current_failure();
    }
  }
};

// A method of T; `data` is an F, which takes a T& first.
template <class T, class F, class R, class Parameters>
struct MethodInvoke;
template <class T, class F, class R, class... P>
struct MethodInvoke<T, F, R, TypeList<P...>> {
  static cppipc_failure invoke(void* data, const cppipc_frame* frame) {
    try {
      F& method = *static_cast<F*>(data);
      T& self = *static_cast<T*>(frame->self->as.object->address);
      run<R>(*frame, TypeList<P...>(), std::index_sequence_for<P...>(), [&](auto&&... values) -> R {
        if constexpr (std::is_member_function_pointer_v<F>) {
          return (self.*method)(static_cast<decltype(values)>(values)...);
        } else if constexpr (std::is_member_object_pointer_v<F>) {
          return self.*method;
        } else {
          return method(self, static_cast<decltype(values)>(values)...);
        }
      });
      return nullptr;
    } catch (...) {
      return current_failure();
    }
  }
};

// What a std::function holds that was made of a value: it calls the function that the value is.
template <class R, class... A>
struct CalledFunction {
  Handle function;
  std::string what;  // the parameter it was given for

  R operator()(A... given) const {
    Store store;
    [[maybe_unused]] const Place place("argument");
    const std::vector<cppipc_value> values = {
        Converter<std::decay_t<A>>::store(given, store, place)...};
    cppipc_handle* result = nullptr;
    check(host().call(&function.value(), values.data(), values.size(), &result));
    [[maybe_unused]] const Handle held(result);
    if constexpr (!std::is_void_v<R>) {
      return Converter<R>::load(held.value(), Place(what + " result"));
    }
  }
};

template <class R, class... A>
struct Converter<std::function<R(A...)>> {
  using Function = std::function<R(A...)>;
  static constexpr std::uint32_t kKinds = kinds(CPPIPC_FUNCTION);
  static_assert(!std::is_reference_v<R> && !std::is_same_v<R, std::string_view> &&
                    !std::is_pointer_v<R>,
                "the result would point into a value that is gone");

  static Function load(const cppipc_value& value, const Place& place) {
    if (value.kind != CPPIPC_FUNCTION) refuse(place, "function", value);
    return CalledFunction<R, A...>{keep(value), place.text()};
  }
  // One that came as a value goes back as what it was. An empty one is None.
  static cppipc_value store(const Function& function, Store& store, const Place&) {
    if (!function) return make_value(CPPIPC_NONE);
    if (const auto* called = function.template target<CalledFunction<R, A...>>()) {
      return store.keep(called->function).value();
    }
    cppipc_closure closure = {};
    closure.size = sizeof closure;
    closure.parameter_count = sizeof...(A);
    closure.data = &store.keep(function);
    closure.invoke = &FunctionInvoke<Function, R, TypeList<A...>>::invoke;
    closure.copy = [](void* data) -> void* {
      try {
        return new Function(*static_cast<Function*>(data));
      } catch (...) {  // whatever a copy throws: there is none
        return nullptr;
      }
    };
    closure.drop = [](void* data) { delete static_cast<Function*>(data); };
    cppipc_value value = make_value(CPPIPC_FUNCTION);
    value.as.function = &store.keep(closure);
    return value;
  }
  CPPIPC_EXT_COLD static std::string spell() {
    std::string parameters;
    ((parameters += (parameters.empty() ? "" : ", ") + Converter<std::decay_t<A>>::spell()), ...);
    return joined({"Callable[[", parameters, "], ", spell_result(), "]"});
  }

 private:
  static std::string spell_result() {
    if constexpr (std::is_void_v<R>) {
      return "None";
    } else {
      return Converter<R>::spell();
    }
  }
};

}  // namespace detail
}  // namespace cppipc::ext
