// SPDX-License-Identifier: Apache-2.0
#pragma once
// Capabilities as marshalling sees them: objects and blobs in messages of the RPC protocol.

#include <capnp/capability.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "rpc/cap.h"
#include "rpc/outgoing.h"
#include "rpc/waiter.h"
#include "wire/caps.h"

namespace cppipc {

class MemoryShare;
class Peer;
struct BlockHold;

// What an object of this side, or a reference of this side, is on the wire. Implemented by the
// host's session and by the client. Threads: any.
class ObjectMap {
 public:
  virtual ~ObjectMap() = default;
  // Errors: kInvalidArgument if the object is of another session.
  virtual Cap cap_of(const ObjectPtr& object) = 0;
  virtual std::array<std::uint8_t, 16> id_of(const ObjectPtr& object) = 0;
  // Errors: kProtocol if the capability is no object.
  virtual ObjectPtr object_of(const Cap& cap, std::string_view type,
                              std::span<const std::uint8_t> id) = 0;
  // The registered function of that name. Errors: kUnknownName if this side should have it.
  virtual CallablePtr function_of(std::string_view name) {
    return std::make_shared<NamedFunction>(std::string(name));
  }
  // Waits for a reply on the calling thread, in whatever way keeps the socket being read.
  // Errors: what interrupts the calling thread.
  virtual void wait(Waiter& waiter) = 0;
  // Counts bulk bytes that crossed beside messages.
  virtual void count_bulk(std::uint64_t bytes) = 0;
  // What is known of the peer's memory, and where copies for it are made; null: nothing is shared.
  virtual std::shared_ptr<MemoryShare> memory() { return nullptr; }
  // Whether what is sent is given away: bytes that somebody here goes on using are only shown.
  // Else they are lent.
  virtual bool is_giving() const { return false; }
  // Whom the memory for the peer's values is charged to; null: nobody.
  virtual std::shared_ptr<MemoryAccount> account() { return nullptr; }
};

class OutgoingMessageCaps final : public OutgoingCaps {
 public:
  OutgoingMessageCaps(OutgoingMessage& message, ObjectMap& objects)
      : message_(message), objects_(objects) {}

  capnp::Capability::Client object(const ObjectPtr& object) override;
  std::array<std::uint8_t, 16> object_id(const ObjectPtr& object) override;
  PlacedBlob blob(BlobSource source) override;

 private:
  // The bytes are the peer's, or the peer has them already; nullopt if neither.
  std::optional<PlacedBlob> known(const BlobSource& source,
                                  const std::shared_ptr<MemoryShare>& share);
  // What the peer may do with bytes of a block, which is decided with the first that are sent;
  // nullopt if they have to be copied. `is_given`: the peer has them already.
  std::optional<Access> access_to(const BlobSource& source, const BlockHold& block, bool is_given);
  // Where the peer finds the bytes, which are copied into an arena if they lie in none that it may
  // see. The place of no arena if memory cannot be shared.
  BulkPlace place(BlobSource& source, const std::shared_ptr<MemoryShare>& share);

  OutgoingMessage& message_;
  ObjectMap& objects_;
};

// Threads: one at a time. `caps` and `objects` must outlive it.
class IncomingMessageCaps final : public IncomingCaps {
 public:
  IncomingMessageCaps(std::shared_ptr<Peer> peer, const std::vector<Cap>& caps, ObjectMap& objects);

  // The content of a payload, so that its capabilities can be read.
  capnp::AnyPointer::Reader imbue(capnp::AnyPointer::Reader content) {
    return table_.imbue(content);
  }
  // What was sent as that capability of the content. Errors: kProtocol.
  const Cap& find(const capnp::Capability::Client& client) const;
  ObjectPtr object(const capnp::Capability::Client& client, std::string_view type,
                   std::span<const std::uint8_t> id) override;
  std::unique_ptr<BlobReader> blob(const capnp::Capability::Client& client) override;
  std::optional<SharedBytes> shared(const capnp::Capability::Client& client,
                                    const BulkPlace& place) override;
  CallablePtr function(std::string_view name) override { return objects_.function_of(name); }
  std::shared_ptr<MemoryAccount> account() override { return objects_.account(); }
  void charge_for_call(std::uint64_t bytes) override { charge_.add(objects_.account(), bytes); }
  // What was charged for the call, which ends with the result.
  Charge take_charge() { return std::move(charge_); }

 private:
  static kj::Array<kj::Maybe<kj::Own<capnp::ClientHook>>> placeholders(
      const std::vector<Cap>& caps,
      std::vector<std::pair<const capnp::ClientHook*, std::size_t>>& index);
  std::optional<SharedBytes> come_home(const std::shared_ptr<Exported>& exported,
                                       const BulkPlace& place);

  std::shared_ptr<Peer> peer_;
  const std::vector<Cap>& caps_;
  ObjectMap& objects_;
  std::vector<std::pair<const capnp::ClientHook*, std::size_t>> index_;
  capnp::ReaderCapabilityTable table_;
  Charge charge_;
};

}  // namespace cppipc
