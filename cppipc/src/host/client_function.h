// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a session's client has and the host refers to: its functions, and what they raised.

#include <cppipc/callable.h>

#include <memory>
#include <string_view>

#include "rpc/cap.h"
#include "wire/caps.h"

namespace cppipc {

class HostSession;

// A hold on something of a client. The client hears of its end at once, whatever the host does.
// Owns: a share of the import, none of the session. Threads: any.
class ClientHold {
 public:
  ClientHold(std::weak_ptr<HostSession> session, std::shared_ptr<Import> import)
      : session_(std::move(session)), import_(std::move(import)) {}
  ~ClientHold();
  ClientHold(const ClientHold&) = delete;
  ClientHold& operator=(const ClientHold&) = delete;

  const std::shared_ptr<Import>& import() const { return import_; }
  std::shared_ptr<HostSession> session() const { return session_.lock(); }

 private:
  const std::weak_ptr<HostSession> session_;
  std::shared_ptr<Import> import_;
};

// A function of a client. What runs it there, and when, is told in docs/architecture.md.
class ClientFunction final : public Callable {
 public:
  ClientFunction(std::weak_ptr<HostSession> session, std::shared_ptr<Import> import)
      : hold_(std::move(session), std::move(import)) {}

  // While it waits, the calling method lends its objects to calls of its chain, and its thread
  // counts for no limit.
  Variant call(Arguments arguments) override;
  const void* identity() const override { return hold_.import().get(); }
  const ClientHold& hold() const { return hold_; }

 private:
  const ClientHold hold_;
};

// What a function of a client raised.
class ClientRaised final : public Object {
 public:
  ClientRaised(std::weak_ptr<HostSession> session, std::shared_ptr<Import> import)
      : hold_(std::move(session), std::move(import)) {}

  std::string_view type_name() const override { return kRaisedTypeName; }
  const ClientHold& hold() const { return hold_; }

 private:
  const ClientHold hold_;
};

// The type under which functions of the host are offered to clients: objects with one method.
const TypeInfo& function_type();

// The same for iterators (cppipc/iterator.h): objects with the method "next", which takes how many
// items are wanted at most, and gives a tuple of them, a list, and whether there are no more.
const TypeInfo& iterator_type();

// A registered function, called on the spot, as a part of the call that runs on this thread.
// `registry` must outlive it.
CallablePtr registered_function(const Registry& registry, const FunctionInfo& function);

}  // namespace cppipc
