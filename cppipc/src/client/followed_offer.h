// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a client knows of what its server offers, and learns when that changes.

#include <cppipc/broker.capnp.h>
#include <cppipc/description.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "rpc/cap.h"

namespace cppipc {

// The follower of Broker.open. A change is taken in by the thread that reads, when it comes, and
// seen by whoever looks next; nothing is called. Threads: any.
class FollowedOffer final : public Exported {
 public:
  // Null until the first take().
  std::shared_ptr<const Offer> now() const;
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Whose offer it is: 16 random bytes of the server. Once, before anything is taken.
  void set_server(std::string_view server_id) { server_id_ = server_id; }
  // Keeps what this process knows already to be that version of what the server offers. False if
  // it does not know that.
  bool take_known(std::string_view hash, std::uint64_t version);
  // Keeps it, unless a later version is known. Errors: kProtocol.
  void take(wire::Description::Reader description, capnp::Data::Reader hash, std::uint64_t version);

  void call(IncomingCall call) override;

 private:
  void keep(std::shared_ptr<const Offer> offer);

  std::string server_id_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Offer> offer_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace cppipc
