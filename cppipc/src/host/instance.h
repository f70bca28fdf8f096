// SPDX-License-Identifier: Apache-2.0
#pragma once
// Exposed objects as the host knows them, and the order of calls on them.

#include <cppipc/function.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cppipc {

class Instance;

// What holds objects while it runs. Base of the tasks that run calls.
class Ticket {
 public:
  virtual ~Ticket() = default;

 private:
  friend class Order;
  std::vector<std::shared_ptr<Instance>> holds_;
  std::size_t blocked_by_ = 0;  // objects of holds_ that another ticket has
  std::uint64_t session_ = 0;
  std::uint64_t chain_ = 0;
  bool is_admitted_ = false;  // it runs, or is about to
  bool is_lending_ = false;
};

// Tickets in the order they came. An object rarely has more than one, so there is memory for more
// only while there are more.
class TicketQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  Ticket* front() const { return first_; }  // null if it is empty
  void push_back(Ticket* ticket);
  // As the first, or behind the first, if there is one.
  void push_front(Ticket* ticket);
  void push_second(Ticket* ticket);
  // Takes out a ticket, which is in it.
  void remove(const Ticket* ticket);

 private:
  Ticket* first_ = nullptr;
  std::unique_ptr<std::deque<Ticket*>> rest_;  // never empty
};

// One exposed object, as long as a session refers to it or a call holds it. There may be millions,
// so every byte of it counts.
// Owns: a share of the object.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  Instance(std::shared_ptr<void> object, const TypeInfo& type,
           std::shared_ptr<class Instances> all);
  ~Instance();

  const std::shared_ptr<void>& object() const { return object_; }
  const TypeInfo& type() const { return *type_; }
  const std::array<std::uint8_t, 16>& id() const { return id_; }

 private:
  friend class Order;
  std::shared_ptr<class Instances> all_;
  std::shared_ptr<void> object_;
  const TypeInfo* type_;
  std::array<std::uint8_t, 16> id_;
  TicketQueue queue_;  // guarded by Order; the first has the object
};

// Object -> instance, so that an object has one identity in all sessions. Threads: any.
class Instances : public std::enable_shared_from_this<Instances> {
 public:
  std::shared_ptr<Instance> find_or_add(const LocalObject& object);

 private:
  friend class Instance;
  using Table = std::unordered_multimap<const void*, Instance*>;
  Table::iterator find_locked(const void* object, const TypeInfo& type);
  // Called by the destructor of an instance, which is whole until this returns.
  void remove(const Instance* instance);

  std::mutex mutex_;
  // Those that live, and those whose destructor is about to remove them: one for an object and a
  // type, for an object and its first member share an address.
  Table by_address_;
};

// Lets calls on one object run one at a time, in the order they came. A call takes all its
// objects in one step, in that order, so calls cannot wait for each other in a circle.
//
// A call that waits for its caller lends its objects to calls that come from there, of its chain
// (nested ones): they take the object over, and it waits to have it back before it goes on. Nested
// calls wait only for calls that run, never for those that wait, of which one may wait for the
// very lender. If even so chains would wait for each other in a circle, because each lender of it
// waits for what another one has lent, the last one may enter too: nobody in the circle runs.
// Threads: any.
class Order {
 public:
  // Queues a ticket for its objects (thread-safe types are left out, doubles count once).
  // Returns it if it may run at once; keeps it otherwise.
  std::unique_ptr<Ticket> enter(std::unique_ptr<Ticket> ticket,
                                std::vector<std::shared_ptr<Instance>> objects,
                                std::uint64_t session, std::uint64_t chain);
  // A running call waits for an answer from its own caller. Only then does it lend: what a client
  // says of its calls must not let two of them run at once.
  void lend(Ticket& ticket);
  // It goes on; waits until those that have its objects have left.
  void take_back(Ticket& ticket);
  // The ticket has run. Returns those that may run now.
  std::vector<std::unique_ptr<Ticket>> leave(Ticket& ticket);
  // Takes out the waiting tickets of a session; `freed` gets those that may run now.
  std::vector<std::unique_ptr<Ticket>> drop(std::uint64_t session,
                                            std::vector<std::unique_ptr<Ticket>>& freed);
  // Takes out every waiting ticket. Only when nothing runs or can enter any more.
  std::vector<std::unique_ptr<Ticket>> drop_all();
  std::size_t waiting() const;

 private:
  using Chain = std::pair<std::uint64_t, std::uint64_t>;  // of a session
  static Chain chain_of(const Ticket& ticket) { return {ticket.session_, ticket.chain_}; }
  bool is_nested_locked(const Ticket& ticket) const;
  // Whether calls of chain `from` wait for objects that chain `to` has lent, or for others that
  // wait for it.
  bool waits_for_locked(Chain from, Chain to) const;
  void enqueue_locked(Instance& object, Ticket& ticket, bool is_nested);
  void leave_locked(Ticket& ticket, std::vector<std::unique_ptr<Ticket>>& freed);

  mutable std::mutex mutex_;
  std::unordered_map<Ticket*, std::unique_ptr<Ticket>> waiting_;
  std::vector<const Ticket*> lenders_;
  std::condition_variable given_back_;
};

}  // namespace cppipc
