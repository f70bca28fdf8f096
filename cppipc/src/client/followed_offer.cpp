// SPDX-License-Identifier: Apache-2.0
#include "client/followed_offer.h"

#include <kj/exception.h>

#include <string>
#include <utility>

#include "rpc/incoming.h"
#include "wire/marshal.h"

namespace cppipc {

std::shared_ptr<const Offer> FollowedOffer::now() const {
  const std::lock_guard lock(mutex_);
  return offer_;
}

void FollowedOffer::take(wire::Description::Reader description, capnp::Data::Reader hash,
                         std::uint64_t version) {
  auto offer = std::make_shared<Offer>();
  offer->description = unmarshal(description);
  offer->hash.assign(reinterpret_cast<const char*>(hash.begin()), hash.size());
  offer->version = version;
  const std::lock_guard lock(mutex_);
  // What was described before a change may arrive after it.
  if (offer_ != nullptr && offer_->version > version) return;
  offer_ = std::move(offer);
  version_.store(version, std::memory_order_release);
}

void FollowedOffer::call(IncomingCall call) {
  if (call.interface_id() != capnp::typeId<wire::Follower>() || call.method_id() != 0) {
    return call.fail("a follower has the method changed() only", true);
  }
  try {
    const auto params = call.params().getAs<wire::Follower::ChangedParams>();
    take(params.getDescription(), params.getHash(), params.getVersion());
  } catch (const Error& malformed) {  // the server hears of it, and goes on as it was
    return call.fail(malformed.what());
  } catch (const kj::Exception& malformed) {
    return call.fail(malformed.getDescription().cStr());
  }
  auto reply = call.begin_reply(8);
  reply.results<wire::Follower::ChangedResults>();
  call.reply(std::move(reply));
}

}  // namespace cppipc
