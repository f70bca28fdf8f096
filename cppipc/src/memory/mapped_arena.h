// SPDX-License-Identifier: Apache-2.0
#pragma once
// An arena that a peer has made, mapped here.

#include <cppipc/error.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "memory/mapping.h"

namespace cppipc {

// Owns: the descriptor and one mapping of all of it. Threads: any. Fork: as Arena; what a child
// writes reaches neither its parent nor the peer.
class MappedArena {
 public:
  // Takes the descriptor, also when it throws, and looks at what it is before it maps it: a memfd
  // of ordinary pages, sealed against shrinking and against other seals, and at least `size_bytes`
  // long. `is_writable` maps it for writing, which the peer must have allowed. Errors: kProtocol
  // for a descriptor that is nothing of the kind; kOutOfMemory, kInputOutput.
  static std::shared_ptr<MappedArena> map(int memfd, std::uint64_t size_bytes, bool is_writable);
  ~MappedArena() = default;
  MappedArena(const MappedArena&) = delete;
  MappedArena& operator=(const MappedArena&) = delete;

  // As declared, which may be less than the peer's file has.
  std::size_t size() const { return mapping_.size(); }
  bool is_writable() const { return mapping_.is_writable(); }
  // Nobody can change what is there any more, by the seals of the file.
  bool is_fixed() const { return mapping_.is_fixed(); }
  // The bytes there; null unless they lie in the arena.
  std::byte* at(std::uint64_t offset, std::uint64_t size_bytes) const;
  // A copy-on-write view of `size_bytes` from `offset`, which is a multiple of the page: what is
  // written to it stays here. A mapping of its own, as long as the result lives; null if the
  // process has too many of those, as the kernel limits them. Errors: kProtocol outside the arena.
  std::shared_ptr<std::byte> private_view(std::uint64_t offset, std::uint64_t size_bytes) const;

 private:
  MappedArena(OwnedFd fd, std::size_t size_bytes, const MappingOptions& options)
      : mapping_(std::move(fd), size_bytes, options) {}

  Mapping mapping_;
};

}  // namespace cppipc
