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
  all_->remove_expired({object_.get(), type_});
}

std::shared_ptr<Instance> Instances::find_or_add(const LocalObject& object) {
  std::shared_ptr<Instance> instance;
  std::lock_guard lock(mutex_);
  auto& entry = by_address_[{object.instance().get(), &object.type()}];
  instance = entry.lock();
  if (!instance) {
    instance = std::make_shared<Instance>(object.instance(), object.type(), shared_from_this());
    entry = instance;
  }
  return instance;
}

void Instances::remove_expired(const Key& key) {
  std::lock_guard lock(mutex_);
  const auto found = by_address_.find(key);
  // Not expired: the object was exposed anew while this instance was on its way out.
  if (found != by_address_.end() && found->second.expired()) by_address_.erase(found);
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
  std::erase_if(objects, [&](const auto& object) {
    if (chain == 0 || object->queue_.empty()) return false;
    const Ticket& holder = *object->queue_.front();
    return holder.is_lending_ && holder.session_ == session && holder.chain_ == chain;
  });
  for (const auto& object : objects) {
    if (!object->queue_.empty()) ++ticket->blocked_by_;
    object->queue_.push_back(ticket.get());
  }
  ticket->holds_ = std::move(objects);
  if (ticket->blocked_by_ == 0) return ticket;
  auto* key = ticket.get();
  waiting_.emplace(key, std::move(ticket));
  return nullptr;
}

void Order::leave_locked(Ticket& ticket, std::vector<std::unique_ptr<Ticket>>& freed) {
  for (const auto& object : ticket.holds_) {
    auto& queue = object->queue_;
    const bool was_first = queue.front() == &ticket;
    if (was_first) {
      queue.pop_front();
    } else {
      std::erase(queue, &ticket);
    }
    if (!was_first || queue.empty() || --queue.front()->blocked_by_ != 0) continue;
    const auto next = waiting_.find(queue.front());
    if (next == waiting_.end()) continue;  // it is being dropped as well
    freed.push_back(std::move(next->second));
    waiting_.erase(next);
  }
}

void Order::lend(Ticket& ticket, bool is_lending) {
  std::lock_guard lock(mutex_);
  ticket.is_lending_ = is_lending;
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
