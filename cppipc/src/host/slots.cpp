// SPDX-License-Identifier: Apache-2.0
#include "host/slots.h"

namespace cppipc {

void Slots::take_first() {
  std::lock_guard lock(mutex_);
  ++taken_;
}

bool Slots::take() {
  std::lock_guard lock(mutex_);
  if (taken_ >= max_) return false;
  ++taken_;
  return true;
}

void Slots::give_back() {
  std::lock_guard lock(mutex_);
  --taken_;
}

void Slots::wait(const std::shared_ptr<HostSession>& session) {
  std::lock_guard lock(mutex_);
  waiting_.push_back(session);
}

std::shared_ptr<HostSession> Slots::next() {
  std::lock_guard lock(mutex_);
  while (taken_ < max_ && !waiting_.empty()) {
    auto session = waiting_.front().lock();
    waiting_.pop_front();
    if (session) return session;
  }
  return nullptr;
}

}  // namespace cppipc
