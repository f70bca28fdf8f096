// SPDX-License-Identifier: Apache-2.0
#include "host/tokens.h"

#include <cppipc/error.h>

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "host/instance.h"

namespace cppipc {
namespace {

Tokens::Token random_token() {
  Tokens::Token token;
  if (::getrandom(token.data(), token.size(), 0) != static_cast<ssize_t>(token.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return token;
}

}  // namespace

Tokens::Tokens(std::uint64_t session_max, std::chrono::milliseconds lifetime, LetGo let_go)
    : session_max_(session_max), lifetime_(lifetime), let_go_(std::move(let_go)) {}

Tokens::~Tokens() { stop(); }

void Tokens::let_go_all(Objects objects) const {
  for (auto& object : objects) let_go_(std::move(object));
}

void Tokens::erase_locked(Entries::iterator entry, Objects& let_go) {
  Entries& entries = entry->kept ? kept_ : aged_;
  if (entry->kept) let_go.push_back(std::move(entry->kept));
  by_token_.erase(entry->token);
  if (entry->is_orphan) {
    --orphans_;
  } else {
    by_object_.erase({entry->session, entry->key});
    --counts_[entry->session];
  }
  entries.erase(entry);
}

void Tokens::make_room_locked(std::uint64_t session, Objects& let_go) {
  const auto count = counts_.find(session);
  if (count == counts_.end() || count->second < session_max_) return;
  // Tokens of objects that are gone make room, and nothing else does.
  for (auto entry = aged_.begin(); entry != aged_.end();) {
    const auto next = std::next(entry);
    if (entry->session == session && entry->object.expired()) erase_locked(entry, let_go);
    entry = next;
  }
  if (count->second < session_max_) return;
  throw Error(ErrorKind::kQuotaExceeded,
              "the session has " + std::to_string(count->second) +
                  " tokens of objects, which is its limit (--object-tokens); pickle fewer "
                  "proxies, or wait until some expire");
}

Tokens::Token Tokens::give(std::uint64_t session, std::shared_ptr<Instance> object, bool is_once) {
  Objects let_go;
  std::unique_lock lock(mutex_);
  if (is_stopping_) throw Error(ErrorKind::kConnectionLost, "the server is shutting down");
  const auto expiry = Clock::now() + lifetime_;
  const auto known = is_once ? by_object_.end() : by_object_.find({session, object.get()});
  if (known != by_object_.end()) {
    const auto entry = known->second;
    if (entry->object.lock() == object) {
      kept_.splice(kept_.end(), entry->kept ? kept_ : aged_, entry);
      entry->kept = std::move(object);
      entry->expiry = expiry;
      if (kept_.size() == 1) changed_.notify_one();
      return entry->token;
    }
    erase_locked(entry, let_go);  // of an object that is gone, whose place another has
  }
  make_room_locked(session, let_go);
  if (!thread_.joinable()) thread_ = std::thread([this] { expire(); });
  const auto token = random_token();
  kept_.push_back({token, session, object.get(), object, object, expiry, is_once});
  const auto entry = std::prev(kept_.end());
  if (is_once) entry->key = &*entry;
  by_token_.emplace(token, entry);
  by_object_.emplace(std::pair{session, entry->key}, entry);
  ++counts_[session];
  if (kept_.size() == 1) changed_.notify_one();  // otherwise another one expires before it
  lock.unlock();
  let_go_all(std::move(let_go));
  return token;
}

std::shared_ptr<Instance> Tokens::find(std::span<const std::uint8_t> token) {
  Token key;
  if (token.size() != key.size()) return nullptr;
  std::copy(token.begin(), token.end(), key.begin());
  Objects let_go;
  std::unique_lock lock(mutex_);
  const auto found = by_token_.find(key);
  if (found == by_token_.end()) return nullptr;
  const auto entry = found->second;
  auto object = entry->object.lock();
  if (!object || entry->is_once) erase_locked(entry, let_go);
  return object;  // which `let_go` may have too; the caller's share is the last one
}

std::uint64_t Tokens::revoke(const std::shared_ptr<Instance>& object) {
  Objects let_go;
  std::uint64_t revoked = 0;
  {
    std::lock_guard lock(mutex_);
    for (Entries* const entries : {&kept_, &aged_}) {
      for (auto entry = entries->begin(); entry != entries->end();) {
        const auto next = std::next(entry);
        if (entry->object.lock() == object) {
          erase_locked(entry, let_go);
          ++revoked;
        }
        entry = next;
      }
    }
  }
  let_go_all(std::move(let_go));
  return revoked;
}

void Tokens::session_ended(std::uint64_t session) {
  Objects let_go;
  {
    std::lock_guard lock(mutex_);
    auto owned = by_object_.lower_bound({session, nullptr});
    while (owned != by_object_.end() && owned->first.first == session) {
      const auto entry = owned->second;
      ++owned;
      if (entry->is_once || !entry->kept) {
        erase_locked(entry, let_go);
        continue;
      }
      by_object_.erase({session, entry->key});
      entry->is_orphan = true;
      ++orphans_;
    }
    counts_.erase(session);
    for (auto entry = kept_.begin(); orphans_ > session_max_ && entry != kept_.end();) {
      const auto next = std::next(entry);
      if (entry->is_orphan) erase_locked(entry, let_go);
      entry = next;
    }
  }
  let_go_all(std::move(let_go));
}

void Tokens::age_locked(Clock::time_point now, Objects& let_go) {
  while (!kept_.empty() && kept_.front().expiry <= now) {
    const auto entry = kept_.begin();
    if (entry->is_once || entry->is_orphan) {
      erase_locked(entry, let_go);
    } else {
      let_go.push_back(std::move(entry->kept));
      aged_.splice(aged_.end(), kept_, entry);
    }
  }
}

void Tokens::expire() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (kept_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto next = kept_.front().expiry;
    if (next > Clock::now()) {
      changed_.wait_until(lock, next);
      continue;
    }
    Objects let_go;
    age_locked(Clock::now(), let_go);
    lock.unlock();
    let_go_all(std::move(let_go));
    lock.lock();
  }
}

std::uint64_t Tokens::count() const {
  std::lock_guard lock(mutex_);
  return by_token_.size();
}

void Tokens::stop() {
  Objects let_go;
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    while (!kept_.empty()) erase_locked(kept_.begin(), let_go);
    while (!aged_.empty()) erase_locked(aged_.begin(), let_go);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  let_go_all(std::move(let_go));
}

}  // namespace cppipc
