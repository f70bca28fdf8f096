// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory that other processes can map: one sealed memfd and the one mapping that its maker has.
//
// What is known about an arena (its blocks, who has it mapped) lies in private memory: a peer that
// maps it can spoil the bytes it was lent to write, and nothing else.

#include <cppipc/error.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "memory/mapping.h"

namespace cppipc {

// What those may do who map an arena that was made here. The kernel enforces it by seals.
enum class ArenaAccess : std::uint8_t {
  kUndecided,  // nobody has it yet; see Arena::decide()
  kRead,       // sealed against every further writable mapping
  kFixed,      // sealed against every change: not even its maker can write it
  kWrite,
};

struct ArenaOptions {
  ArenaAccess access = ArenaAccess::kWrite;
  bool has_huge_pages = false;     // asked of the kernel, which may not have them
  bool is_copied_at_fork = false;  // the child gets the bytes of that moment; else see below
};

// Owns: the memfd and its mapping, which begins at a page and is zeroed.
// Threads: any. Fork: in a child the same addresses are the child's own from then on: what it
// writes stays there; what the parent writes later may show until the child touches the page.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  // `size_bytes` is rounded up to whole pages. No page is committed before it is touched.
  // Errors: kOutOfMemory; kInputOutput where there are no memfds or no descriptors left.
  static std::shared_ptr<Arena> make(std::size_t size_bytes, const ArenaOptions& options = {});
  // With those bytes in it for ever, kFixed. Errors: as make().
  static std::shared_ptr<Arena> make_fixed(std::span<const std::byte> bytes);
  // What is attached is dropped on the thread that drops the last share, which may be any.
  ~Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Unique in this process, also after a fork; never used again, never 0.
  std::uint64_t id() const { return id_; }
  int fd() const { return mapping_.fd(); }
  std::byte* data() const { return mapping_.data(); }
  std::size_t size() const { return mapping_.size(); }
  // The file's number, by which a receiver knows the descriptor among others.
  std::uint64_t inode() const { return inode_; }
  bool contains(const void* begin, std::size_t bytes) const {
    return mapping_.contains(begin, bytes);
  }

  // Decides what peers may do, unless that was decided before. Returns what holds now.
  // Errors: kInputOutput.
  ArenaAccess decide(ArenaAccess wanted);
  ArenaAccess access() const { return access_.load(std::memory_order_acquire); }

  // Keeps `what` as long as the arena lives, or until `key` is detached: what a peer has given for
  // mapping it. detach() of an arena that peers may write retires it: the peer may still have it.
  void attach(const void* key, std::shared_ptr<const void> what);
  std::shared_ptr<const void> attached(const void* key) const;
  void detach(const void* key);
  // Nothing new may be put into it.
  bool is_retired() const { return is_retired_.load(std::memory_order_acquire); }
  // How many arenas of this process have been retired: a pool that has seen as many before need not
  // ask each of its own.
  static std::uint64_t retirements();
  // Whether this is the child of the process that made it: peers know nothing of what is here now.
  bool is_inherited() const { return mapping_.is_inherited(); }

 private:
  Arena(OwnedFd fd, std::size_t size_bytes, const ArenaOptions& options);

  std::uint64_t id_;
  std::uint64_t inode_ = 0;
  std::atomic<ArenaAccess> access_{ArenaAccess::kUndecided};
  std::atomic<bool> is_retired_{false};
  // Guarded by Mapping::mutex(). Few: one for each session that knows the arena.
  std::vector<std::pair<const void*, std::shared_ptr<const void>>> attached_;
  Mapping mapping_;  // last: the memory goes before those are told who had it mapped
};

}  // namespace cppipc
