// SPDX-License-Identifier: Apache-2.0
#include "rpc/message_caps.h"

#include <algorithm>

#include "rpc/blob.h"
#include "rpc/peer.h"

namespace cppipc {

capnp::Capability::Client OutgoingMessageCaps::object(const ObjectPtr& object) {
  return message_.add(objects_.cap_of(object));
}

std::array<std::uint8_t, 16> OutgoingMessageCaps::object_id(const ObjectPtr& object) {
  return objects_.id_of(object);
}

capnp::Capability::Client OutgoingMessageCaps::blob(BlobSource source) {
  // It is held for the peer until that has read it, if it is not held for the peer already.
  Charge charge;
  const auto account = objects_.account();
  const auto* charged = std::get_deleter<ChargedMemory>(source.owner);
  if (charged == nullptr || charged->account != account) charge.add(account, source.bytes.size());
  objects_.count_bulk(source.bytes.size());
  return message_.add(
      std::shared_ptr<Exported>(std::make_shared<Blob>(std::move(source), std::move(charge))));
}

kj::Array<kj::Maybe<kj::Own<capnp::ClientHook>>> IncomingMessageCaps::placeholders(
    const std::vector<Cap>& caps,
    std::vector<std::pair<const capnp::ClientHook*, std::size_t>>& index) {
  auto table = kj::heapArrayBuilder<kj::Maybe<kj::Own<capnp::ClientHook>>>(caps.size());
  index.reserve(caps.size());
  for (std::size_t i = 0; i < caps.size(); ++i) {
    auto hook = capnp::newBrokenCap("a capability in a message");
    index.emplace_back(hook.get(), i);
    table.add(kj::mv(hook));
  }
  std::sort(index.begin(), index.end());
  return table.finish();
}

IncomingMessageCaps::IncomingMessageCaps(std::shared_ptr<Peer> peer, const std::vector<Cap>& caps,
                                         ObjectMap& objects)
    : peer_(std::move(peer)), caps_(caps), objects_(objects), table_(placeholders(caps, index_)) {}

const Cap& IncomingMessageCaps::find(const capnp::Capability::Client& client) const {
  // Cap'n Proto counts a copy through a reference that is not const.
  const auto hook = capnp::ClientHook::from(const_cast<capnp::Capability::Client&>(client));
  const std::pair<const capnp::ClientHook*, std::size_t> wanted(hook.get(), 0);
  const auto found = std::lower_bound(index_.begin(), index_.end(), wanted);
  if (found == index_.end() || found->first != hook.get()) {
    throw Error(ErrorKind::kProtocol, "a value refers to a capability that is not in its message");
  }
  return caps_[found->second];
}

ObjectPtr IncomingMessageCaps::object(const capnp::Capability::Client& client,
                                      std::string_view type, std::span<const std::uint8_t> id) {
  return objects_.object_of(find(client), type, id);
}

std::unique_ptr<BlobReader> IncomingMessageCaps::blob(const capnp::Capability::Client& client) {
  const auto* import = std::get_if<std::shared_ptr<Import>>(&find(client));
  if (import == nullptr) {
    throw Error(ErrorKind::kProtocol, "a large value refers to something that is no blob");
  }
  return std::make_unique<RemoteBlob>(peer_, *import, objects_);
}

}  // namespace cppipc
