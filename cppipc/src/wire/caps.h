// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a message carries beside its bytes: references to objects, and blobs.
//
// While a message is built or read, each capability in it is stood for by a placeholder client of
// Cap'n Proto, which is never called; its place in the message's capability table leads to what
// it means. So marshalling knows nothing of connections.

#include <cppipc/error.h>
#include <cppipc/variant.h>

#include <capnp/capability.h>
#include <kj/vector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace cppipc {

// Bytes that are offered to the peer in pieces. Owns: a share of the memory, which nobody may
// shrink. For arrays that are not contiguous, marshalling makes a contiguous copy first.
struct BlobSource {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// Bytes that lie at the peer. read() blocks; never call it on a thread that reads the socket for
// others. Errors: kConnectionLost, kProtocol (fewer bytes than announced).
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // Fills all of `out`, which is as long as the announced size.
  virtual void read(std::span<std::byte> out) = 0;
};

// Collects the capabilities of a message that is being built, in the order of their index.
// Implemented by the RPC layer. Each call must be followed at once by storing the returned
// client in the message, once.
class OutgoingCaps {
 public:
  virtual ~OutgoingCaps() = default;
  // Errors: kInvalidArgument if the object belongs to another session.
  virtual capnp::Capability::Client object(const ObjectPtr& object) = 0;
  // The 16-byte id that goes beside an object.
  virtual std::array<std::uint8_t, 16> object_id(const ObjectPtr& object) = 0;
  virtual capnp::Capability::Client blob(BlobSource source) = 0;
};

// Resolves the capabilities of a message that is being read.
class IncomingCaps {
 public:
  virtual ~IncomingCaps() = default;
  // Errors: kProtocol if the capability is none or not what it should be; kStaleReference.
  virtual ObjectPtr object(const capnp::Capability::Client& client, std::string_view type,
                           std::span<const std::uint8_t> id) = 0;
  virtual std::unique_ptr<BlobReader> blob(const capnp::Capability::Client& client) = 0;
};

}  // namespace cppipc
