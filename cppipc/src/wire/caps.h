// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a message carries beside its bytes: references to objects, and blobs.
//
// While a message is built or read, each capability in it is stood for by a placeholder client of
// Cap'n Proto, which is never called; its place in the message's capability table leads to what
// it means. So marshalling knows nothing of connections.

#include <cppipc/callable.h>
#include <cppipc/error.h>
#include <cppipc/variant.h>

#include <capnp/capability.h>
#include <kj/vector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppipc {

// What objects are called that are no objects of a server, but what was raised in a client.
inline constexpr std::string_view kRaisedTypeName = "exception";

// What the receiver of bytes in shared memory may do with them.
enum class Access : std::uint8_t {
  kNone = 0,          // they are not in shared memory, or the receiver's own
  kLent = 1,          // to be read, while the sender goes on using them
  kLentWritable = 2,  // to be read and written, while the sender goes on using them
  kMoved = 3,         // the receiver's from now on
  kKept = 4,          // the sender goes on using them, and the receiver gets a view to write to
};

// Bytes that are offered to the peer, in shared memory or in pieces. Owns: a share of the memory,
// which nobody may shrink.
struct BlobSource {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  bool is_sole = false;      // nobody else has a share: the bytes can be given away
  bool is_readonly = false;  // of bytes that are lent: who has them here may not write them
  // Of a message of Cap'n Proto, which the receiver reads where it lies if nobody can change it.
  bool is_message = false;
};

// Where bytes beside a message lie: what a LargeBytes says.
struct BulkPlace {
  std::uint64_t size_bytes = 0;
  std::uint64_t arena = 0;   // 0: in none
  std::uint64_t offset = 0;  // in the arena
  std::uint64_t begin = 0;   // in the blob
  Access access = Access::kNone;
};

// The stand-in for a blob, and where its bytes lie.
struct PlacedBlob {
  capnp::Capability::Client client;
  BulkPlace place;
};

// Bytes that lie at the peer. read() blocks; never call it on a thread that reads the socket for
// others. Errors: kConnectionLost, kProtocol (fewer bytes than announced).
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // Fills all of `out` with the bytes from `begin`.
  virtual void read(std::span<std::byte> out, std::uint64_t begin) = 0;
};

// Whom the memory is charged to that values take beside their message. Threads: any.
class MemoryAccount {
 public:
  virtual ~MemoryAccount() = default;
  // To be called before the memory is allocated. Errors: kQuotaExceeded; then nothing was charged.
  virtual void charge(std::uint64_t bytes) = 0;
  virtual void discharge(std::uint64_t bytes) noexcept = 0;
};

// Frees memory that was charged. Owns: a share of the account, which may be null.
struct ChargedMemory {
  std::shared_ptr<MemoryAccount> account;
  std::uint64_t size_bytes = 0;
  void operator()(std::byte* memory) const noexcept;
};

// Charges until its end. Owns: a share of the account.
class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge() {
    if (bytes_ != 0) account_->discharge(bytes_);
  }
  // Charges further bytes, all of them to one account; to nobody if it is null.
  // Errors: kQuotaExceeded.
  void add(const std::shared_ptr<MemoryAccount>& account, std::uint64_t bytes) {
    if (account == nullptr || bytes == 0) return;
    account->charge(bytes);
    account_ = account;
    bytes_ += bytes;
  }

 private:
  std::shared_ptr<MemoryAccount> account_;
  std::uint64_t bytes_ = 0;
};

// Bytes of a peer that need not be read. Owns: what keeps them.
struct SharedBytes {
  std::byte* data = nullptr;
  std::shared_ptr<const void> owner;
  bool is_writable = false;
  bool is_lent = false;  // the sender sees what is written to them
  // Nobody else can change them, so that they can be looked at twice without a copy.
  bool is_fixed = false;
  // Of those that are nobody else's any more: to be charged by who keeps them. Else null.
  std::shared_ptr<Charge> charge;
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
  virtual PlacedBlob blob(BlobSource source) = 0;
};

// Resolves the capabilities of a message that is being read.
class IncomingCaps {
 public:
  virtual ~IncomingCaps() = default;
  // Errors: kProtocol if the capability is none or not what it should be; kStaleReference.
  virtual ObjectPtr object(const capnp::Capability::Client& client, std::string_view type,
                           std::span<const std::uint8_t> id) = 0;
  virtual std::unique_ptr<BlobReader> blob(const capnp::Capability::Client& client) = 0;
  // The bytes where they lie; nullopt if they have to be read from the blob, or copied.
  // Errors: kProtocol if they cannot lie there; kOutOfMemory.
  virtual std::optional<SharedBytes> shared(const capnp::Capability::Client&, const BulkPlace&) {
    return std::nullopt;
  }
  // The registered function of that name. Errors: kUnknownName if this side should have it.
  virtual CallablePtr function(std::string_view name) {
    return std::make_shared<NamedFunction>(std::string(name));
  }
  // Who pays for arrays and bytes; null: nobody.
  virtual std::shared_ptr<MemoryAccount> account() { return nullptr; }
  // Charges for a str, which is the call's own. Errors: kQuotaExceeded.
  virtual void charge_for_call(std::uint64_t) {}
};

}  // namespace cppipc
