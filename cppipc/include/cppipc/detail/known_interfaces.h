// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a client program knows of the interfaces that it has proxies for: how their objects become
// proxies and back, and whether a server's description agrees with their lists.

#include <cppipc/client.h>
#include <cppipc/registry.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>

namespace cppipc::detail {

// What every proxy is besides its interface. Threads: any.
class ProxyBase {
 public:
  ProxyBase(const ProxyBase&) = delete;
  ProxyBase& operator=(const ProxyBase&) = delete;
  virtual ~ProxyBase() = default;

  const std::shared_ptr<RemoteObject>& remote() const { return remote_; }
  const CallOptions& options() const { return options_; }

 protected:
  ProxyBase(std::shared_ptr<RemoteObject> remote, CallOptions options)
      : remote_(std::move(remote)), options_(options) {}

 private:
  const std::shared_ptr<RemoteObject> remote_;
  const CallOptions options_;
};

// One interface, for which `make` gives an address of, and `find` takes one as.
struct KnownInterface {
  std::string_view name;
  // A proxy, as the interface.
  std::shared_ptr<void> (*make)(std::shared_ptr<RemoteObject>, const CallOptions&) = nullptr;
  // The proxy that an object of the interface is; null if it is none.
  const ProxyBase* (*find)(const void* object) = nullptr;
};

// An interface with all those that its members mention, registered as on a server.
// Owns: their registry. Threads: any, once it is filled.
class KnownInterfaces {
 public:
  const Registry& registry() const { return registry_; }
  // For filling it.
  Registry& registry() { return registry_; }
  bool has(std::type_index type) const { return registry_.find_type(type) != nullptr; }
  void add(std::type_index type, const KnownInterface& known);
  // Once all are there. Errors: std::logic_error naming a member that has a type which is not.
  void finish() { description_ = registry_.describe({}); }

  // Turns the objects in an argument into what they stand for on the server.
  // Errors: kInvalidArgument for objects of this process.
  void to_remote(Variant& value, const Place& place) const;
  // Turns the objects in a result into proxies, of the interface that their type is or derives
  // from; others stay as they are. Errors: as check().
  void to_proxies(Variant& value, const CallOptions& options) const;

  // Whether what the client's server offers agrees with the list of an interface; looks at each
  // description once. Errors: kUnknownName for a type, member or constructor that is not there;
  // kWrongType naming both signatures if they differ.
  void check(const Client& client, std::string_view name) const;
  // The interface that objects of a type are of, by its own name or that of a base; null if none.
  const KnownInterface* find(const Offer& offer, std::string_view type) const;

 private:
  Registry registry_;
  Description description_;
  std::map<const TypeInfo*, KnownInterface> by_type_;
  std::map<std::string, const TypeInfo*, std::less<>> by_name_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> agreed_;  // hash of a description, and the name of an interface
};

// The client of an object. Errors: kConnectionLost if it was destroyed.
std::shared_ptr<Client> client_of(const RemoteObject& object);
// The place of an argument in messages; `parameters` are the names, as far as there are some.
Place argument_place(std::string_view function, std::span<const std::string_view> parameters,
                     std::size_t i, const Registry& registry);
Place result_place(std::string_view function, const Registry& registry);

}  // namespace cppipc::detail
