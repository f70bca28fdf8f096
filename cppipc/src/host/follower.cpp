// SPDX-License-Identifier: Apache-2.0
#include "host/follower.h"

#include <cppipc/broker.capnp.h>

#include <algorithm>
#include <string>
#include <utility>

#include "host/host_session.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

constexpr std::uint64_t kUpdateWords = 4096;  // a guess

}  // namespace

struct FollowerReply final : PendingReply {
  explicit FollowerReply(std::shared_ptr<Follower> follower) : follower(std::move(follower)) {}
  void on_return(Returned returned) override {
    const auto session = follower->follower_.session();
    if (!session || session->is_ended()) return;
    if (returned.error && returned.error->kind() != ErrorKind::kConnectionLost) {
      session->core().log(HostOptions::LogLevel::kWarning,
                          "session " + std::to_string(session->id()) +
                              " does not take what is offered: " + returned.error->what());
    }
    follower->answered();
  }
  const std::shared_ptr<Follower> follower;
};

void Follower::tell(bool at_once) {
  const auto session = follower_.session();
  if (!session || session->is_ended()) return;
  const auto offer = session->core().offers().now();
  {
    const std::lock_guard lock(mutex_);
    // Another thread that has begun to send this version may not have sent it yet.
    if (!at_once && (in_flight_ > 0 || told_ >= offer->version)) return;
    ++in_flight_;
    told_ = std::max(told_, offer->version);
  }
  auto& peer = session->peer();
  auto builder =
      peer.begin_call(follower_.import(), capnp::typeId<wire::Follower>(), 0, kUpdateWords);
  auto params = builder.params<wire::Follower::ChangedParams>();
  marshal(offer->description, params.initDescription());
  params.setHash({reinterpret_cast<const kj::byte*>(offer->hash.data()), offer->hash.size()});
  params.setVersion(offer->version);
  peer.send(std::move(builder), std::make_shared<FollowerReply>(shared_from_this()),
            Connection::Flush::kNow);
  session->want_write();
}

void Follower::answered() {
  {
    const std::lock_guard lock(mutex_);
    --in_flight_;
  }
  tell(false);
}

}  // namespace cppipc
