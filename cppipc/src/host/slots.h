// SPDX-License-Identifier: Apache-2.0
#pragma once
// The threads for methods, shared out among the sessions of a host.
//
// A session always has one, whatever others have taken; further ones while all together have
// taken fewer than a maximum. Who waits for one gets it in turn. So sessions whose methods never
// end, however many, cost another session the speed of its second call at most.

#include <deque>
#include <memory>
#include <mutex>

namespace cppipc {

class HostSession;

// Threads: any. Takes no other lock, so it may be called with a session's.
class Slots {
 public:
  explicit Slots(unsigned max) : max_(max) {}

  // The first of a session, beyond the maximum if need be.
  void take_first();
  // A further one, if there is one.
  bool take();
  void give_back();
  // The session waits for its turn, behind others.
  void wait(const std::shared_ptr<HostSession>& session);
  // While there are slots: the session that has waited longest, which waits no more. Else null.
  // To be called until it returns null, after every give_back() and wait().
  std::shared_ptr<HostSession> next();

 private:
  const unsigned max_;
  std::mutex mutex_;
  unsigned taken_ = 0;
  std::deque<std::weak_ptr<HostSession>> waiting_;
};

}  // namespace cppipc
