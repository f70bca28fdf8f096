// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the templates of proxies are made of: finding members in lists, and what their types need.

#include <cppipc/detail/known_interfaces.h>
#include <cppipc/implement.h>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cppipc::detail {

// Whether an entry of a list is about a member function.
template <auto kMember, class Entry>
inline constexpr bool is_about = false;
template <auto kMember, class Extras>
inline constexpr bool is_about<kMember, ListedMethod<kMember, Extras>> = true;
template <auto kGetter, auto kSetter, class Extras>
inline constexpr bool is_about<kGetter, ListedProperty<kGetter, kSetter, Extras>> = true;
template <auto kMember, class Entry>
inline constexpr bool is_setter_of = false;
template <auto kGetter, auto kSetter, class Extras>
inline constexpr bool is_setter_of<kSetter, ListedProperty<kGetter, kSetter, Extras>> = true;

// A member as it is listed.
struct ListedName {
  std::string name;  // for Client::call(); empty if it is in no list
  std::vector<std::string_view> parameters;

  template <class Extra>
  void add(const Extra& extra) {
    if constexpr (!std::is_same_v<Extra, std::string_view>) parameters.push_back(extra.name);
  }
};

// Looks for a member in the list of I, and in those of its bases.
template <auto kMember, class I>
ListedName listed_name();
template <auto kMember, class Entry>
ListedName name_in(const Entry& entry) {
  ListedName found;
  if constexpr (is_about<kMember, Entry>) {
    found.name = entry.name;
    std::apply([&](const auto&... extra) { (found.add(extra), ...); }, entry.extras);
  } else if constexpr (is_setter_of<kMember, Entry>) {
    found = {std::string(entry.name) + "=", {"value"}};
  }
  return found;
}
template <auto kMember, class Base>
ListedName name_in(const ListedBase<Base>&) {
  return listed_name<kMember, Base>();
}
template <auto kMember, class I>
ListedName listed_name() {
  ListedName found;
  list_of<I>().for_each([&](const auto& entry) {
    if (found.name.empty()) found = name_in<kMember>(entry);
  });
  return found;
}

template <auto kMember, class List>
struct IsListed;
template <auto kMember, class Entry>
struct IsListedIn : std::bool_constant<is_about<kMember, Entry> || is_setter_of<kMember, Entry>> {};
template <auto kMember, class Base>
struct IsListedIn<kMember, ListedBase<Base>>
    : IsListed<kMember, std::decay_t<decltype(list_of<Base>())>> {};
template <auto kMember, class I, class... Entries>
struct IsListed<kMember, Interface<I, Entries...>>
    : std::bool_constant<(IsListedIn<kMember, Entries>::value || ...)> {};
template <auto kMember, class I>
inline constexpr bool is_listed = IsListed<kMember, std::decay_t<decltype(list_of<I>())>>::value;

// The class that stands for an I, as `XProxy* proxy_of(const X*);` beside it says.
template <class I>
inline constexpr bool has_proxy = requires(const I* object) {
  proxy_of(object);
};
template <class I>
using ProxyOf = std::remove_pointer_t<decltype(proxy_of(std::declval<const I*>()))>;

// The interfaces in a type: `f` is called with a std::type_identity of each.
template <class T>
struct Mentioned {
  static constexpr bool kAny = HasList<T>::value;
  template <class F>
  static void each(const F& f) {
    if constexpr (kAny) f(std::type_identity<T>());
  }
};
template <template <class...> class C, class... A>
struct Mentioned<C<A...>> {
  static constexpr bool kIsOne = HasList<C<A...>>::value;
  static constexpr bool kAny = kIsOne || (Mentioned<A>::kAny || ...);
  template <class F>
  static void each(const F& f) {
    if constexpr (kIsOne) f(std::type_identity<C<A...>>());
    (Mentioned<A>::each(f), ...);
  }
};
template <class T>
struct Mentioned<std::shared_ptr<T>> : Mentioned<T> {
  static_assert(HasList<T>::value || std::is_same_v<T, Object> ||
                    std::is_same_v<T, cppipc::Callable>,
                "objects that cross by a proxy are of an interface: this type has no list, "
                "interface_of(const T*)");
};
template <class T, std::size_t kSize>
struct Mentioned<std::array<T, kSize>> : Mentioned<T> {};
template <>
struct Mentioned<void> {
  static constexpr bool kAny = false;
  template <class F>
  static void each(const F&) {}
};
// What a function takes and gives is seen when it is called, without its proxy.
template <class R, class... A>
struct Mentioned<R(A...)> {
  static constexpr bool kAny = false;
  static_assert(!Mentioned<std::remove_cvref_t<R>>::kAny &&
                    !(Mentioned<std::remove_cvref_t<A>>::kAny || ...),
                "functions that cross by a proxy take and give values, not objects");
  template <class F>
  static void each(const F&) {}
};

template <class R, class... P, class F>
void each_mentioned(TypeList<P...>, const F& f) {
  Mentioned<std::remove_cvref_t<R>>::each(f);
  (Mentioned<std::remove_cvref_t<P>>::each(f), ...);
}
template <class Parameters, class Extras, class F>
void each_mentioned(const ListedConstructor<Parameters, Extras>&, const F& f) {
  [&]<class... A>(Types<A...>) { each_mentioned<void>(TypeList<A...>(), f); }(Parameters());
}
template <auto kMember, class Extras, class F>
void each_mentioned(const ListedMethod<kMember, Extras>&, const F& f) {
  using Member = CallableOf<decltype(kMember)>;
  each_mentioned<typename Member::Result>(typename Member::Parameters(), f);
}
template <auto kGetter, auto kSetter, class Extras, class F>
void each_mentioned(const ListedProperty<kGetter, kSetter, Extras>&, const F& f) {
  Mentioned<std::remove_cvref_t<typename CallableOf<decltype(kGetter)>::Result>>::each(f);
}
template <class Base, class F>
void each_mentioned(const ListedBase<Base>&, const F& f) {
  f(std::type_identity<Base>());
}

// Objects are made by the server only.
template <class I>
struct MakeNothing {
  template <class... A>
  std::shared_ptr<I> operator()(A&&...) const {
    throw std::logic_error("a client has no implementation of its interfaces");
  }
};

template <class I>
std::shared_ptr<void> make_proxy(std::shared_ptr<RemoteObject> remote, const CallOptions& options) {
  static_assert(has_proxy<I>,
                "there is no proxy of this interface: declare, beside the proxy class, "
                "XProxy* proxy_of(const X*);");
  static_assert(!std::is_abstract_v<ProxyOf<I>>,
                "the proxy leaves a member of its interface without a definition");
  static_assert(std::is_base_of_v<I, ProxyOf<I>> && std::is_base_of_v<ProxyBase, ProxyOf<I>>,
                "a proxy of X derives from cppipc::Proxy<X>");
  if constexpr (!std::is_abstract_v<ProxyOf<I>>) {
    return std::shared_ptr<I>(std::make_shared<ProxyOf<I>>(std::move(remote), options));
  }
}

template <class I>
const ProxyBase* find_proxy(const void* object) {
  return dynamic_cast<const ProxyBase*>(static_cast<const I*>(object));
}

template <class Entry>
inline constexpr bool is_base_entry = false;
template <class Base>
inline constexpr bool is_base_entry<ListedBase<Base>> = true;

// Adds I, after its bases, and all that its members mention.
template <class I>
void add_known(KnownInterfaces& known) {
  if (known.has(typeid(I))) return;
  const auto& list = list_of<I>();
  list.for_each([&]<class Entry>(const Entry& entry) {
    if constexpr (is_base_entry<Entry>) {
      each_mentioned(entry, [&]<class J>(std::type_identity<J>) { add_known<J>(known); });
    }
  });
  implement_by<I>(known.registry(), MakeNothing<I>());
  known.add(typeid(I), {list.name(), &make_proxy<I>, &find_proxy<I>});
  list.for_each([&](const auto& entry) {
    each_mentioned(entry, [&]<class J>(std::type_identity<J>) { add_known<J>(known); });
  });
}

// I and what it mentions.
template <class I>
const KnownInterfaces& known() {
  struct Filled : KnownInterfaces {
    Filled() {
      add_known<I>(*this);
      finish();
    }
  };
  static const Filled filled;
  return filled;
}

// An argument as it is sent. `V` is the parameter's type without const and reference.
template <class V, class Given>
Variant store_argument(Given&& given, const KnownInterfaces& known, const Place& place) {
  if constexpr (HasList<V>::value) {
    const auto* proxy = dynamic_cast<const ProxyBase*>(&given);
    if (proxy != nullptr) return ObjectPtr(proxy->remote());
    fail(ErrorKind::kInvalidArgument, place,
         "expected an object of the server, got one of this process; cppipc::create() makes one "
         "there");
  } else {
    static_assert(
        requires { Converter<V>::store(std::declval<V>(), place); },
        "a parameter of this type cannot cross to a server");
    Variant value = Converter<V>::store(V(std::forward<Given>(given)), place);
    if constexpr (Mentioned<V>::kAny) known.to_remote(value, place);
    return value;
  }
}

// A result as it has come.
template <class R>
R load_result(Variant value, const KnownInterfaces& known, std::string_view function,
              const CallOptions& options = {}) {
  static_assert(!std::is_reference_v<R>, "a proxy cannot return a reference: return a value");
  if constexpr (!std::is_void_v<R>) {
    using V = std::remove_cv_t<R>;
    static_assert(!std::is_same_v<V, std::string_view> && !std::is_pointer_v<V>,
                  "a proxy has nothing that the result could point to: return a value");
    static_assert(!HasList<V>::value, "a proxy returns objects as std::shared_ptr");
    static_assert(
        requires(Variant & v, const Place& place) { V(Converter<V>::load(v, place)); },
        "a result of this type cannot come from a server");
    if constexpr (Mentioned<V>::kAny) known.to_proxies(value, options);
    Place place = result_place(function, known.registry());
    place.may_move = true;
    return Converter<V>::load(value, place);
  }
}

// How many of a constructor's parameters have no default.
template <class... Extra>
constexpr std::size_t count_required(const std::tuple<Extra...>*) {
  return (static_cast<std::size_t>(std::is_same_v<Extra, cppipc::Parameter>) + ... + 0);
}

// Whether an entry of a list is a constructor that takes arguments of these types.
template <class Entry, class... Given>
inline constexpr bool is_made_of = false;
template <class... A, class Extras, class... Given>
inline constexpr bool is_made_of<ListedConstructor<Types<A...>, Extras>, Given...> = [
]<std::size_t... I>(std::index_sequence<I...>) {
  if constexpr (sizeof...(Given) > sizeof...(A)) {
    return false;
  } else {
    using Taken = std::tuple<A...>;
    using All = std::tuple<Given...>;
    return sizeof...(Given) >= count_required(static_cast<Extras*>(nullptr)) &&
           (std::is_convertible_v<std::tuple_element_t<I, All>, std::tuple_element_t<I, Taken>> &&
            ...);
  }
}
(std::index_sequence_for<Given...>());

// The arguments of a new object, by the first constructor that takes them.
template <class... A, class Extras, class... Given, std::size_t... I>
Arguments constructor_arguments(const ListedConstructor<Types<A...>, Extras>& listed,
                                [[maybe_unused]] std::string_view name,
                                [[maybe_unused]] const KnownInterfaces& known,
                                std::index_sequence<I...>, Given&&... given) {
  ListedName parameters;
  std::apply([&](const auto&... extra) { (parameters.add(extra), ...); }, listed.extras);
  Arguments arguments;
  (arguments.values.push_back(
       store_argument<std::remove_cvref_t<std::tuple_element_t<I, std::tuple<A...>>>>(
           std::forward<Given>(given), known,
           argument_place(name, parameters.parameters, I, known.registry()))),
   ...);
  return arguments;
}

template <class I, class... Entries, class... Given>
Arguments write_constructor(const Interface<I, Entries...>& list, const KnownInterfaces& known,
                            Given&&... given) {
  static_assert((is_made_of<Entries, Given...> || ...),
                "the list of the interface has no constructor that takes these arguments");
  Arguments arguments;
  bool is_found = false;
  list.for_each([&]<class Entry>(const Entry& entry) {
    if constexpr (is_made_of<Entry, Given...>) {
      if (is_found) return;
      is_found = true;
      arguments =
          constructor_arguments(entry, list.name(), known, std::index_sequence_for<Given...>(),
                                std::forward<Given>(given)...);
    }
  });
  return arguments;
}

}  // namespace cppipc::detail
