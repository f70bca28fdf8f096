// SPDX-License-Identifier: Apache-2.0
#include "host/tokens.h"

#include <cppipc/error.h>

#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "host/instance.h"

namespace cppipc {
namespace {

// Errors: std::runtime_error if the system has no random bytes.
std::array<std::uint8_t, 32> random_key() {
  if (::sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  std::array<std::uint8_t, 32> key;
  ::randombytes_buf(key.data(), key.size());
  return key;
}

}  // namespace

Tokens::Tokens(std::uint64_t session_max, std::chrono::milliseconds lifetime, LetGo let_go)
    : key_(random_key()),
      session_max_(session_max),
      lifetime_(lifetime),
      let_go_(std::move(let_go)) {}

Tokens::~Tokens() { stop(); }

Tokens::Digest Tokens::digest_of(std::span<const std::uint8_t> token) const {
  Digest digest;
  ::crypto_generichash(digest.data(), digest.size(), token.data(), token.size(), key_.data(),
                       key_.size());
  return digest;
}

void Tokens::let_go_all(Objects objects) const {
  for (auto& object : objects) let_go_(std::move(object));
}

void Tokens::erase_locked(Entries::iterator entry, Objects& let_go) {
  Entries& entries = entry->kept ? kept_ : aged_;
  if (entry->kept) let_go.push_back(std::move(entry->kept));
  by_digest_.erase(entry->digest);
  if (entry->is_orphan) {
    --orphans_;
  } else {
    owned_[entry->session].erase(&*entry);
  }
  entries.erase(entry);
}

void Tokens::make_room_locked(std::uint64_t session, Objects& let_go) {
  const auto& owned = owned_[session];
  if (owned.size() < session_max_) return;
  // Tokens of objects that are gone make room, and nothing else does.
  for (auto entry = aged_.begin(); entry != aged_.end();) {
    const auto next = std::next(entry);
    if (entry->session == session && entry->object.expired()) erase_locked(entry, let_go);
    entry = next;
  }
  if (owned.size() < session_max_) return;
  throw Error(ErrorKind::kQuotaExceeded,
              "the session has " + std::to_string(owned.size()) +
                  " tokens of objects, which is its limit (--object-tokens); pickle fewer "
                  "proxies, or wait until some expire");
}

bool Tokens::renew_locked(std::uint64_t session, const std::shared_ptr<Instance>& object,
                          std::span<const std::uint8_t> token) {
  if (token.size() != Token().size()) return false;
  const auto found = by_digest_.find(digest_of(token));
  if (found == by_digest_.end()) return false;
  const auto entry = found->second;
  if (entry->session != session || entry->is_orphan || entry->is_once()) return false;
  if (entry->object.lock() != object) return false;
  kept_.splice(kept_.end(), entry->kept ? kept_ : aged_, entry);
  entry->kept = object;
  entry->expiry = Clock::now() + lifetime_;
  if (kept_.size() == 1) changed_.notify_one();
  return true;
}

Tokens::Token Tokens::give(std::uint64_t session, const std::string& peer,
                           std::shared_ptr<Instance> object,
                           std::span<const std::uint8_t> earlier) {
  {
    std::lock_guard lock(mutex_);
    if (renew_locked(session, object, earlier)) {
      Token token;
      std::copy(earlier.begin(), earlier.end(), token.begin());
      return token;
    }
  }
  return add(session, peer, std::move(object));
}

Tokens::Token Tokens::give_once(std::uint64_t session, std::shared_ptr<Instance> object) {
  return add(session, {}, std::move(object));
}

Tokens::Token Tokens::add(std::uint64_t session, std::string peer,
                          std::shared_ptr<Instance> object) {
  Token token;
  ::randombytes_buf(token.data(), token.size());
  Objects let_go;
  std::unique_lock lock(mutex_);
  if (is_stopping_) throw Error(ErrorKind::kConnectionLost, "the server is shutting down");
  make_room_locked(session, let_go);
  if (!thread_.joinable()) thread_ = std::thread([this] { expire(); });
  kept_.push_back(
      {digest_of(token), session, std::move(peer), object, object, Clock::now() + lifetime_});
  const auto entry = std::prev(kept_.end());
  by_digest_.emplace(entry->digest, entry);
  owned_[session].emplace(&*entry, entry);
  if (kept_.size() == 1) changed_.notify_one();  // otherwise another one expires before it
  lock.unlock();
  let_go_all(std::move(let_go));
  return token;
}

std::shared_ptr<Instance> Tokens::find(std::span<const std::uint8_t> token, std::string_view peer) {
  if (token.size() != Token().size()) return nullptr;
  Objects let_go;
  std::unique_lock lock(mutex_);
  const auto found = by_digest_.find(digest_of(token));
  if (found == by_digest_.end()) return nullptr;
  const auto entry = found->second;
  if (!entry->is_once() && entry->peer != peer) {
    throw Error(ErrorKind::kNotPermitted, "the reference was made by " + entry->peer +
                                              ", and is good for nobody else; this "
                                              "session is one of " +
                                              std::string(peer));
  }
  auto object = entry->object.lock();
  if (!object || entry->is_once()) erase_locked(entry, let_go);
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
    const auto owned = owned_.extract(session);
    if (!owned) return;
    for (const auto& [name, entry] : owned.mapped()) {
      entry->is_orphan = true;
      ++orphans_;
      if (entry->is_once() || !entry->kept) erase_locked(entry, let_go);
    }
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
    if (entry->is_once() || entry->is_orphan) {
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
  return by_digest_.size();
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
