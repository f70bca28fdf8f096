// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bulk bytes beside a message: the owner offers them, the receiver reads them in pieces.
//
// The receiver asks, so it sets the pace: a few pieces are on the way at a time, and neither
// side ever holds more than those beyond the bytes themselves.

#include <memory>
#include <mutex>

#include "rpc/cap.h"
#include "rpc/message_caps.h"

namespace cppipc {

inline constexpr std::uint32_t kBlobPieceBytes = 1 << 20;
inline constexpr std::uint32_t kBlobPieceMax = 4 << 20;

// Ours, read by the peer, or used by it where the bytes lie. Owns: a share of the bytes and what is
// charged for them, until the peer lets go.
class Blob final : public Exported {
 public:
  explicit Blob(BlobSource source, Charge charge = {}, BulkPlace place = {})
      : place_(place), source_(std::move(source)), charge_(std::move(charge)) {}
  void call(IncomingCall call) override;
  // Gives back what was charged, and bytes that had to be read, at once: a thread that has just
  // sent the reply may still have a share of this for a moment. Bytes in shared memory stay as long
  // as this does: a message that brings them back may have arrived before.
  void released() override;
  bool is_transfer() const override { return place_.arena == 0; }

  // Where the first byte lies, and what the peer may do with them.
  const BulkPlace& place() const { return place_; }
  // The bytes; none once it was released, if they had to be read.
  BlobSource source() const;

 private:
  const BulkPlace place_;
  mutable std::mutex mutex_;
  BlobSource source_;
  Charge charge_;
};

// The peer's, read by us.
class RemoteBlob final : public BlobReader {
 public:
  RemoteBlob(std::shared_ptr<Peer> peer, std::shared_ptr<Import> import, ObjectMap& objects)
      : peer_(std::move(peer)), import_(std::move(import)), objects_(objects) {}
  // Blocks in ObjectMap::wait(). Errors: kConnectionLost and what else ended the
  // connection; kProtocol if the bytes are fewer than `out`.
  void read(std::span<std::byte> out, std::uint64_t begin) override;

 private:
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Import> import_;
  ObjectMap& objects_;
};

}  // namespace cppipc
