// SPDX-License-Identifier: Apache-2.0
#include "client/followed_offer.h"

#include <kj/exception.h>

#include <deque>
#include <string>
#include <utility>

#include "rpc/incoming.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

// What servers have offered to clients of this process, the latest last. Nobody waits for it: who
// finds it in use, as a forked child may for good, goes without it.
class KnownOffers {
 public:
  std::shared_ptr<const Offer> find(std::string_view server_id, std::string_view hash,
                                    std::uint64_t version) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return nullptr;
    for (const auto& [server, offer] : offers_) {
      if (server == server_id && offer->hash == hash && offer->version == version) return offer;
    }
    return nullptr;
  }

  void add(const std::string& server_id, std::shared_ptr<const Offer> offer) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    std::erase_if(offers_, [&](const auto& known) { return known.first == server_id; });
    if (offers_.size() == kMax) offers_.pop_front();
    offers_.emplace_back(server_id, std::move(offer));
  }

 private:
  static constexpr std::size_t kMax = 8;
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<const Offer>>> offers_;
};

// Never destroyed: clients may live longer than what is.
KnownOffers& known_offers() {
  static auto* const known = new KnownOffers;
  return *known;
}

}  // namespace

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
  known_offers().add(server_id_, offer);
  keep(std::move(offer));
}

bool FollowedOffer::take_known(std::string_view hash, std::uint64_t version) {
  auto offer = known_offers().find(server_id_, hash, version);
  if (offer == nullptr) return false;
  keep(std::move(offer));
  return true;
}

void FollowedOffer::keep(std::shared_ptr<const Offer> offer) {
  const std::lock_guard lock(mutex_);
  // What was described before a change may arrive after it.
  if (offer_ != nullptr && offer_->version > offer->version) return;
  offer_ = std::move(offer);
  version_.store(offer_->version, std::memory_order_release);
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
