// SPDX-License-Identifier: Apache-2.0
#pragma once
// A share in bytes that came from a peer and lie in shared memory.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cppipc {

// The deleter of every shared_ptr that keeps such bytes: by it they are known when they are sent
// back, or when somebody asks where they lie.
struct Lease {
  // By which they came; it may be gone. Compared with a living one by is_of().
  std::weak_ptr<const void> connection;
  // The peer's bytes: our hold on its blob, and the mapping that they lie in. If they are our own
  // and came home: null, and what keeps them here.
  std::shared_ptr<void> blob;
  std::shared_ptr<const void> keeper;
  std::uint64_t arena_id = 0;
  std::uint64_t arena_offset = 0;      // of `begin`
  std::byte* begin = nullptr;          // where the blob's first byte lies, or would
  bool is_given = false;               // at home: they were given away before
  std::shared_ptr<const void> charge;  // what was charged for them, if anything was
  void operator()(const void*) const noexcept {}
  // By what they share and not by address, which another connection may have after this one.
  bool is_of(const std::shared_ptr<const void>& other) const {
    return other && !connection.owner_before(other) && !other.owner_before(connection);
  }
};

// What `owner` keeps, if that is such bytes; else null.
inline const Lease* lease_of(const std::shared_ptr<const void>& owner) {
  return std::get_deleter<Lease>(owner);
}

}  // namespace cppipc
