// SPDX-License-Identifier: Apache-2.0
#include "rpc/message_caps.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "memory/block.h"
#include "memory/lease.h"
#include "rpc/blob.h"
#include "rpc/memory_share.h"
#include "rpc/peer.h"
#include "wire/bulk.h"

namespace cppipc {
namespace {

// Of messages: for fewer bytes, to copy them once more costs less than an arena of their own.
constexpr std::size_t kFixedBytes = 1 << 20;

// A copy that nobody can change, in an arena of its own; null if there cannot be one.
std::shared_ptr<std::byte> fixed_copy(std::span<const std::byte> bytes) {
  try {
    auto arena = Arena::make_fixed(bytes);
    auto* const begin = arena->data();
    return {begin, BlockHold{.arena = std::move(arena),
                             .begin = begin,
                             .size_bytes = bytes.size(),
                             .use = BlockUse::kLent,
                             .pool = nullptr}};
  } catch (const Error&) {  // no memory or descriptors: the bytes cross in pieces
    return nullptr;
  }
}

}  // namespace

capnp::Capability::Client OutgoingMessageCaps::object(const ObjectPtr& object) {
  return message_.add(objects_.cap_of(object));
}

std::array<std::uint8_t, 16> OutgoingMessageCaps::object_id(const ObjectPtr& object) {
  return objects_.id_of(object);
}

std::optional<PlacedBlob> OutgoingMessageCaps::known(const BlobSource& source,
                                                     const std::shared_ptr<MemoryShare>& share) {
  const Lease* lease = lease_of(source.owner);
  if (lease == nullptr || lease->blob == nullptr || !lease->is_of(share)) {
    return std::nullopt;
  }
  BulkPlace place;
  place.begin = static_cast<std::uint64_t>(source.bytes.data() - lease->begin);
  if (objects_.is_giving() && !source.is_sole) place.access = Access::kKept;
  return PlacedBlob{message_.add(std::static_pointer_cast<Import>(lease->blob)), place};
}

std::optional<Access> OutgoingMessageCaps::access_to(const BlobSource& source,
                                                     const BlockHold& block, bool is_given) {
  if (block.use == BlockUse::kLent) {
    const bool is_writable = block.arena->access() == ArenaAccess::kWrite && !source.is_readonly;
    return is_writable ? Access::kLentWritable : Access::kLent;
  }
  if (is_given) return Access::kMoved;
  // Made to be given away, unless somebody here has come to use it.
  const bool is_kept = objects_.is_giving() && !source.is_sole;
  const auto access = block.arena->decide(is_kept ? ArenaAccess::kRead : ArenaAccess::kWrite);
  if (access == ArenaAccess::kRead) return Access::kKept;
  return is_kept ? std::nullopt : std::optional(Access::kMoved);
}

BulkPlace OutgoingMessageCaps::place(BlobSource& source,
                                     const std::shared_ptr<MemoryShare>& share) {
  const auto placed = [&](const BlockHold& block, Access access) -> BulkPlace {
    if (!share->offer(block.arena)) return {};
    return {0, block.arena->id(),
            static_cast<std::uint64_t>(source.bytes.data() - block.arena->data()), 0, access};
  };
  const Lease* home = lease_of(source.owner);
  const bool is_home = home != nullptr && home->is_of(share);
  if (const BlockHold* block = block_hold(is_home ? home->keeper : source.owner)) {
    if (const auto access = access_to(source, *block, is_home && home->is_given)) {
      return placed(*block, *access);
    }
  }
  if (source.is_message && source.bytes.size() >= kFixedBytes) {
    auto memory = fixed_copy(source.bytes);
    if (!memory) return {};
    objects_.count_bulk(source.bytes.size());
    source.bytes = {memory.get(), source.bytes.size()};
    source.owner = std::move(memory);
    return placed(*block_hold(source.owner), Access::kLent);
  }
  const auto pool = share->pool();
  if (pool == nullptr) return {};
  std::shared_ptr<std::byte> memory;
  try {
    memory = pool->share(source.bytes.size());
  } catch (const std::bad_alloc&) {  // the pool is full: the bytes cross in pieces
    return {};
  }
  std::memcpy(memory.get(), source.bytes.data(), source.bytes.size());
  objects_.count_bulk(source.bytes.size());
  source.bytes = {memory.get(), source.bytes.size()};
  source.owner = std::move(memory);
  return placed(*block_hold(source.owner), Access::kMoved);
}

PlacedBlob OutgoingMessageCaps::blob(BlobSource source) {
  const auto share = objects_.memory();
  if (auto found = known(source, share)) return std::move(*found);
  const Lease* home = lease_of(source.owner);
  const bool is_used_here = home != nullptr && !objects_.is_giving();
  BulkPlace place;
  if (share != nullptr && share->is_open()) place = this->place(source, share);
  // It is held for the peer until that has read it, if it is not held for the peer already.
  Charge charge;
  const auto account = objects_.account();
  const auto* charged = std::get_deleter<ChargedMemory>(source.owner);
  if (charged == nullptr || charged->account != account) charge.add(account, source.bytes.size());
  if (place.arena == 0) objects_.count_bulk(source.bytes.size());
  const bool is_same = home != nullptr && lease_of(source.owner) == home;
  auto blob = std::make_shared<Blob>(std::move(source), std::move(charge), place);
  // What was given away and has come home is only lent when it is sent again by one who uses it.
  if (is_used_here && is_same && place.access == Access::kMoved) {
    place.access = Access::kLentWritable;
  }
  return {message_.add(std::shared_ptr<Exported>(std::move(blob))), place};
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

std::optional<SharedBytes> IncomingMessageCaps::come_home(const std::shared_ptr<Exported>& exported,
                                                          const BulkPlace& place) {
  const auto blob = std::dynamic_pointer_cast<Blob>(exported);
  if (!blob) throw Error(ErrorKind::kProtocol, "a large value refers to something that is no blob");
  const BlobSource source = blob->source();
  if (place.begin > source.bytes.size() || place.size_bytes > source.bytes.size() - place.begin) {
    throw Error(ErrorKind::kProtocol, "a large value is longer than its blob");
  }
  auto* first = const_cast<std::byte*>(source.bytes.data());
  auto* data = first + place.begin;
  const Access given = blob->place().access;
  SharedBytes bytes;
  if (given == Access::kMoved && place.access == Access::kKept) {
    // What was given away is the peer's, which goes on using it.
    auto memory = charged_memory(place.size_bytes, objects_.account());
    std::memcpy(memory.get(), data, place.size_bytes);
    bytes.data = memory.get();
    bytes.owner = std::move(memory);
    bytes.is_writable = true;
    return bytes;
  }
  bytes.data = data;
  const BlockHold* block = block_hold(source.owner);
  bytes.is_fixed = block != nullptr && block->arena->access() == ArenaAccess::kFixed;
  const bool is_readonly = source.is_readonly && given != Access::kMoved;
  bytes.is_writable =
      given != Access::kNone && given != Access::kKept && !is_readonly && !bytes.is_fixed;
  bytes.is_lent = true;
  const Lease* again = lease_of(source.owner);  // not for the first time
  Lease lease{objects_.memory(),
              nullptr,
              again != nullptr ? again->keeper : source.owner,
              blob->place().arena,
              blob->place().offset,
              first,
              given == Access::kMoved,
              nullptr};
  bytes.owner = std::shared_ptr<const void>(data, std::move(lease));
  return bytes;
}

std::optional<SharedBytes> IncomingMessageCaps::shared(const capnp::Capability::Client& client,
                                                       const BulkPlace& place) {
  const Cap& cap = find(client);
  if (const auto* exported = std::get_if<std::shared_ptr<Exported>>(&cap)) {
    return come_home(*exported, place);
  }
  const auto* import = std::get_if<std::shared_ptr<Import>>(&cap);
  const auto share = objects_.memory();
  if (import == nullptr || share == nullptr || place.arena == 0) return std::nullopt;
  const auto arena = share->find(place.arena);
  if (arena == nullptr) return std::nullopt;
  auto* data = arena->at(place.offset, place.size_bytes);
  if (data == nullptr || place.begin > place.offset) {
    throw Error(ErrorKind::kProtocol, "a large value lies outside of its arena");
  }
  // Only who gives keeps something; another's word for it would cost a mapping for each value.
  if (place.access == Access::kKept && objects_.is_giving()) return std::nullopt;
  SharedBytes bytes;
  std::shared_ptr<const void> keeper = arena;
  bytes.is_writable = arena->is_writable() && place.access != Access::kLent;
  bytes.is_fixed = arena->is_fixed();
  bytes.is_lent = place.access == Access::kLent || place.access == Access::kLentWritable;
  if (place.access == Access::kKept) {
    const std::uint64_t page = place.offset % static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    auto view = arena->private_view(place.offset - page, place.size_bytes + page);
    if (view == nullptr) return std::nullopt;
    // From now on this is memory as any other: the peer's has not what will be written to it.
    bytes.data = view.get() + page;
    bytes.owner = std::shared_ptr<const void>(
        bytes.data, Lease{{}, *import, std::move(view), 0, 0, nullptr, false, nullptr});
    bytes.is_writable = true;
    return bytes;
  }
  std::shared_ptr<Charge> charge;
  if (place.access == Access::kMoved) {  // copied to be moved
    objects_.count_bulk(place.size_bytes);
    charge = std::make_shared<Charge>();
    bytes.charge = charge;
  }
  bytes.data = data;
  bytes.owner = std::shared_ptr<const void>(
      data, Lease{share, *import, std::move(keeper), place.arena, place.offset - place.begin,
                  data - place.begin, false, std::move(charge)});
  return bytes;
}

std::unique_ptr<BlobReader> IncomingMessageCaps::blob(const capnp::Capability::Client& client) {
  const auto* import = std::get_if<std::shared_ptr<Import>>(&find(client));
  if (import == nullptr) {
    throw Error(ErrorKind::kProtocol, "a large value refers to something that is no blob");
  }
  return std::make_unique<RemoteBlob>(peer_, *import, objects_);
}

}  // namespace cppipc
