// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tells a client what its server offers, whenever that changes.

#include <cstdint>
#include <memory>
#include <mutex>

#include "host/client_function.h"

namespace cppipc {

class HostSession;

// Owns: the hold on what the client follows with. Threads: any.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(std::weak_ptr<HostSession> session, std::shared_ptr<Import> follower)
      : follower_(std::move(session), std::move(follower)) {}

  // Sends what the host offers now. If the client has still to answer what it was sent before, that
  // follows its answer, so a client that reads nothing does not pile up descriptions; but
  // `at_once` it is sent in any case, ahead of what is sent to the client after this returns.
  void tell(bool at_once);

 private:
  friend struct FollowerReply;
  void answered();

  const ClientHold follower_;
  std::mutex mutex_;
  unsigned in_flight_ = 0;
  std::uint64_t told_ = 0;  // the version that was sent last
};

}  // namespace cppipc
