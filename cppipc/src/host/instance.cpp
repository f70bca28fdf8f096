// SPDX-License-Identifier: Apache-2.0
#include "host/instance.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cppipc {
namespace {

std::array<std::uint8_t, 16> random_id() {
  std::array<std::uint8_t, 16> id;
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return id;
}

}  // namespace

Instance::Instance(std::shared_ptr<void> object, const TypeInfo& type,
                   std::shared_ptr<Instances> all)
    : all_(std::move(all)), object_(std::move(object)), type_(&type), id_(random_id()) {}

Instance::~Instance() {
  // Before the object itself goes: its address may be used again at once.
  all_->remove(this);
}

Instances::Table::iterator Instances::find_locked(const void* object, const TypeInfo& type) {
  auto [entry, end] = by_address_.equal_range(object);
  while (entry != end && &entry->second->type() != &type) ++entry;
  return entry == end ? by_address_.end() : entry;
}

std::shared_ptr<Instance> Instances::find_or_add(const LocalObject& object) {
  std::shared_ptr<Instance> instance;  // outlives the lock, which its end would take
  std::lock_guard lock(mutex_);
  const auto found = find_locked(object.instance().get(), object.type());
  if (found != by_address_.end()) {
    // Null if it is on its way out: then the object is exposed anew.
    instance = found->second->weak_from_this().lock();
    if (instance) return instance;
  }
  instance = std::make_shared<Instance>(object.instance(), object.type(), shared_from_this());
  if (found != by_address_.end()) {
    found->second = instance.get();
  } else {
    by_address_.emplace(object.instance().get(), instance.get());
  }
  return instance;
}

void Instances::remove(const Instance* instance) {
  std::lock_guard lock(mutex_);
  const auto found = find_locked(instance->object().get(), instance->type());
  // Its place may be taken: the object was exposed anew while this instance was on its way out.
  if (found != by_address_.end() && found->second == instance) by_address_.erase(found);
}

void TicketQueue::push_back(Ticket* ticket) {
  if (first_ == nullptr) {
    first_ = ticket;
    return;
  }
  if (!rest_) rest_ = std::make_unique<std::deque<Ticket*>>();
  rest_->push_back(ticket);
}

void TicketQueue::push_second(Ticket* ticket) {
  if (first_ == nullptr) return push_back(ticket);
  if (!rest_) rest_ = std::make_unique<std::deque<Ticket*>>();
  rest_->push_front(ticket);
}

void TicketQueue::push_front(Ticket* ticket) {
  Ticket* second = std::exchange(first_, ticket);
  if (second != nullptr) push_second(second);
}

void TicketQueue::remove(const Ticket* ticket) {
  if (ticket != first_) {
    std::erase(*rest_, ticket);
  } else if (rest_) {
    first_ = rest_->front();
    rest_->pop_front();
  } else {
    first_ = nullptr;
  }
  if (rest_ && rest_->empty()) rest_.reset();
}

bool Order::is_nested_locked(const Ticket& ticket) const {
  return std::ranges::any_of(
      lenders_, [&](const Ticket* lender) { return chain_of(*lender) == chain_of(ticket); });
}

bool Order::waits_for_locked(Chain from, Chain to) const {
  std::vector<Chain> seen{from};
  for (std::size_t i = 0; i < seen.size(); ++i) {
    for (const auto& [ticket, owner] : waiting_) {
      if (chain_of(*ticket) != seen[i]) continue;
      for (const auto& object : ticket->holds_) {
        const Ticket& first = *object->queue_.front();
        if (!first.is_lending_) continue;
        const Chain next = chain_of(first);
        if (next == to) return true;
        if (std::ranges::find(seen, next) == seen.end()) seen.push_back(next);
      }
    }
  }
  return false;
}

void Order::enqueue_locked(Instance& object, Ticket& ticket, bool is_nested) {
  auto& queue = object.queue_;
  if (queue.empty()) return queue.push_back(&ticket);
  Ticket& first = *queue.front();
  if (!is_nested) {
    ++ticket.blocked_by_;
    return queue.push_back(&ticket);
  }
  const bool is_lent = first.is_lending_ && (chain_of(first) == chain_of(ticket) ||
                                             waits_for_locked(chain_of(first), chain_of(ticket)));
  if (is_lent || !first.is_admitted_) {
    ++first.blocked_by_;
    return queue.push_front(&ticket);
  }
  ++ticket.blocked_by_;
  queue.push_second(&ticket);
}

std::unique_ptr<Ticket> Order::enter(std::unique_ptr<Ticket> ticket,
                                     std::vector<std::shared_ptr<Instance>> objects,
                                     std::uint64_t session, std::uint64_t chain) {
  std::erase_if(objects, [](const auto& object) { return object->type().is_thread_safe; });
  if (objects.size() > 1) {
    std::sort(objects.begin(), objects.end());
    objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  }
  ticket->session_ = session;
  ticket->chain_ = chain;
  std::lock_guard lock(mutex_);
  const bool is_nested = is_nested_locked(*ticket);
  for (const auto& object : objects) enqueue_locked(*object, *ticket, is_nested);
  ticket->holds_ = std::move(objects);
  ticket->is_admitted_ = ticket->blocked_by_ == 0;
  if (ticket->is_admitted_) return ticket;
  auto* key = ticket.get();
  waiting_.emplace(key, std::move(ticket));
  return nullptr;
}

void Order::leave_locked(Ticket& ticket, std::vector<std::unique_ptr<Ticket>>& freed) {
  for (const auto& object : ticket.holds_) {
    auto& queue = object->queue_;
    const bool was_first = queue.front() == &ticket;
    queue.remove(&ticket);
    if (!was_first || queue.empty() || --queue.front()->blocked_by_ != 0) continue;
    if (queue.front()->is_admitted_) {  // it had lent the object
      given_back_.notify_all();
      continue;
    }
    const auto next = waiting_.find(queue.front());
    if (next == waiting_.end()) continue;  // it is being dropped as well
    next->second->is_admitted_ = true;
    freed.push_back(std::move(next->second));
    waiting_.erase(next);
  }
}

void Order::lend(Ticket& ticket) {
  std::lock_guard lock(mutex_);
  ticket.is_lending_ = true;
  lenders_.push_back(&ticket);
}

void Order::take_back(Ticket& ticket) {
  std::unique_lock lock(mutex_);
  ticket.is_lending_ = false;
  std::erase(lenders_, &ticket);
  given_back_.wait(lock, [&] { return ticket.blocked_by_ == 0; });
}

std::vector<std::unique_ptr<Ticket>> Order::leave(Ticket& ticket) {
  std::vector<std::unique_ptr<Ticket>> freed;
  {
    std::lock_guard lock(mutex_);
    leave_locked(ticket, freed);
  }
  // The objects may end here, outside the lock.
  ticket.holds_.clear();
  return freed;
}

std::vector<std::unique_ptr<Ticket>> Order::drop(std::uint64_t session,
                                                 std::vector<std::unique_ptr<Ticket>>& freed) {
  std::vector<std::unique_ptr<Ticket>> dropped;
  std::lock_guard lock(mutex_);
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    if (entry->first->session_ == session) {
      dropped.push_back(std::move(entry->second));
      entry = waiting_.erase(entry);
    } else {
      ++entry;
    }
  }
  for (const auto& ticket : dropped) leave_locked(*ticket, freed);
  return dropped;
}

std::vector<std::unique_ptr<Ticket>> Order::drop_all() {
  std::vector<std::unique_ptr<Ticket>> dropped;
  std::lock_guard lock(mutex_);
  for (auto& [key, ticket] : waiting_) dropped.push_back(std::move(ticket));
  waiting_.clear();
  return dropped;
}

std::size_t Order::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace cppipc
