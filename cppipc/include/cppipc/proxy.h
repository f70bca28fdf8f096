// SPDX-License-Identifier: Apache-2.0
#pragma once
// Proxies: C++ objects that stand for objects of a server and have their interface (interface.h).
//
// A proxy class derives from Proxy<I> and defines each member of I by one call, whose name, wire
// name and types come from the interface and its list. Beside it stands which class it is:
//
//   class CounterProxy final : public cppipc::Proxy<Counter> {
//    public:
//     using Proxy::Proxy;
//     std::int64_t increment(std::int64_t by) override { return call<&Counter::increment>(by); }
//     std::int64_t value() const override { return call<&Counter::value>(); }
//   };
//   CounterProxy* proxy_of(const Counter*);  // for its type; never defined
//
//   const std::shared_ptr<Counter> counter = cppipc::create<Counter>(client, 5);
//
// Code that is written for the interface runs with both. What cannot work does not compile: members
// that are misspelt, missing, or not in the list, and types that cannot cross.
//
// A member of a proxy sends a call and waits for its result. Objects go and come as
// std::shared_ptr of an interface, also inside containers: a proxy arrives on the server as its
// very object, and an object of the server comes as a proxy. A proxy does not keep its client: who
// connects keeps that. Threads: all of this from any thread, also one proxy from several.
//
// Errors of all calls: whatever the server's code throws, as an Error of that kind;
// kInvalidArgument for an object of this process or of another client; kConnectionLost if the
// session is over or its client gone, kServerCrashed; kTimeout; kWrongType for a result that is not
// what the interface says. A mistake in a list (a parameter without its name) is a std::logic_error
// at the first use here, and when a server that implements it starts.

#include <cppipc/client.h>
#include <cppipc/detail/proxied.h>
#include <cppipc/interface.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cppipc {

// One call whose result is an R. Shares of it are shares of the call. Threads: any.
template <class R>
class TypedCall {
 public:
  // `known` and `name` last for ever. Made by submit().
  TypedCall(CallPtr call, const detail::KnownInterfaces& known, std::string_view name)
      : call_(std::move(call)), known_(&known), name_(name) {}

  // As Call::wait(); each time it is called it gives the result, or throws the error.
  R wait(std::optional<double> timeout_s = {}) const {
    return detail::load_result<R>(call_->wait(timeout_s), *known_, name_);
  }
  bool is_done() const { return call_->is_done(); }
  bool cancel() const { return call_->cancel(); }
  void on_done(std::function<void()> callback) const { call_->on_done(std::move(callback)); }

 private:
  CallPtr call_;
  const detail::KnownInterfaces* known_;
  std::string_view name_;
};

namespace detail {

// A member function and what it takes and gives.
template <auto kMember, class I>
struct RemoteMember {
  using Member = CallableOf<decltype(kMember)>;
  using Result = typename Member::Result;
  static_assert(is_listed<kMember, I>,
                "this member is not in the list of the interface, interface_of(const I*)");

  template <class... Given>
  static TypedCall<Result> send(const ProxyBase& proxy, bool is_awaited, Given&&... given) {
    static const ListedName listed = listed_name<kMember, I>();
    const KnownInterfaces& interfaces = known<I>();
    Arguments arguments =
        write(typename Member::Parameters(), interfaces, listed, std::forward<Given>(given)...);
    CallOptions options = proxy.options();
    options.is_awaited = is_awaited;
    return TypedCall<Result>(client_of(*proxy.remote())
                                 ->call(proxy.remote(), listed.name, std::move(arguments), options),
                             interfaces, listed.name);
  }

 private:
  template <class... P, class... Given>
  static Arguments write(TypeList<P...>, const KnownInterfaces& interfaces,
                         const ListedName& listed, Given&&... given) {
    static_assert(sizeof...(P) == sizeof...(Given),
                  "the interface's member has another count of parameters");
    Arguments arguments;
    if constexpr (sizeof...(P) == sizeof...(Given)) {
      static_assert((std::is_convertible_v<Given, P> && ...),
                    "an argument does not convert to the parameter of the interface's member");
      arguments.values.reserve(sizeof...(P));
      std::size_t i = 0;
      (arguments.values.push_back(store_argument<std::remove_cvref_t<P>>(
           std::forward<Given>(given), interfaces,
           argument_place(listed.name, listed.parameters, i++, interfaces.registry()))),
       ...);
    }
    return arguments;
  }
};

}  // namespace detail

// The base of a proxy class. I has to have a constructor without parameters.
template <class I>
class Proxy : public I, public detail::ProxyBase {
 public:
  Proxy(std::shared_ptr<RemoteObject> remote, CallOptions options)
      : ProxyBase(std::move(remote), options) {}

 protected:
  // Calls the member on the server; a property's getter reads it, its setter writes it.
  template <auto kMember, class... Given>
  typename detail::CallableOf<decltype(kMember)>::Result call(Given&&... given) const {
    return detail::RemoteMember<kMember, I>::send(*this, true, std::forward<Given>(given)...)
        .wait();
  }
};

// What `object` stands for on a server; null if it is no proxy, or null.
template <class I>
std::shared_ptr<RemoteObject> remote_of(const std::shared_ptr<I>& object) {
  const auto* proxy = dynamic_cast<const detail::ProxyBase*>(object.get());
  return proxy == nullptr ? nullptr : proxy->remote();
}

// Whether both are one object: one of this process, or proxies of one object, also by different
// clients.
template <class A, class B>
bool same_object(const std::shared_ptr<A>& a, const std::shared_ptr<B>& b) {
  const auto remote_a = remote_of(a), remote_b = remote_of(b);
  if (remote_a && remote_b) return remote_a->object_id() == remote_b->object_id();
  return dynamic_cast<const void*>(a.get()) == dynamic_cast<const void*>(b.get());
}

// A proxy of an object of a server, whose type is that of I or derives from it.
// Errors: kInvalidArgument for null; kWrongType for an object of another type, and if what the
// server says of the type differs from the list of I; kUnknownName if it lacks something that is in
// the list; kConnectionLost.
template <class I>
std::shared_ptr<I> proxy_for(std::shared_ptr<RemoteObject> remote, CallOptions options = {}) {
  if (!remote) throw Error(ErrorKind::kInvalidArgument, "a proxy stands for an object, got null");
  return detail::load_result<std::shared_ptr<I>>(ObjectPtr(std::move(remote)), detail::known<I>(),
                                                 "proxy_for", options);
}

// Creates an object of the server's type that I names, by the constructor in its list; those of
// its parameters that have a default may be left out at the end. Waits for it.
// Errors: those of a call, and of proxy_for(); nothing is sent after one of the latter.
// kInvalidArgument for a client that is null.
template <class I, class... Given>
std::shared_ptr<I> create(const std::shared_ptr<Client>& client, Given&&... given) {
  if (!client) throw Error(ErrorKind::kInvalidArgument, "create() takes a client, got null");
  const auto& list = detail::list_of<I>();
  const detail::KnownInterfaces& known = detail::known<I>();
  Arguments arguments = detail::write_constructor(list, known, std::forward<Given>(given)...);
  known.check(*client, list.name());
  CallOptions options;
  options.is_awaited = true;
  const CallPtr call = client->create(std::string(list.name()), std::move(arguments), options);
  return detail::load_result<std::shared_ptr<I>>(call->wait(), known, list.name());
}

// The same object, but its calls are made with these options: `with_options(counter,
// {.timeout_s = 2.0})->increment(1)` takes at most two seconds, or throws kTimeout.
// Errors: kInvalidArgument if it is no proxy.
template <class I>
std::shared_ptr<I> with_options(const std::shared_ptr<I>& object, CallOptions options) {
  const auto remote = remote_of(object);
  if (!remote) {
    throw Error(ErrorKind::kInvalidArgument,
                "with_options() takes a proxy, got an object of this process or null");
  }
  return proxy_for<I>(remote, options);
}

// Sends a call of a member of a proxy and does not wait:
//   cppipc::submit<&Counter::increment>(counter, 3).wait()
// Errors: kInvalidArgument if it is no proxy; else as Client::call().
template <auto kMember, class I, class... Given>
auto submit(const std::shared_ptr<I>& object, Given&&... given) {
  const auto* proxy = dynamic_cast<const detail::ProxyBase*>(object.get());
  if (proxy == nullptr) {
    throw Error(ErrorKind::kInvalidArgument,
                "submit() takes a proxy, got an object of this process or null");
  }
  return detail::RemoteMember<kMember, I>::send(*proxy, false, std::forward<Given>(given)...);
}

}  // namespace cppipc
