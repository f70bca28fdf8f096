// SPDX-License-Identifier: Apache-2.0
#pragma once
// SharedPool: a heap in memory that a peer on the same machine can map.
//
// What is allocated here crosses to a server, or a client, without a copy. A block that a peer
// still uses is not handed out again before the peer has let go of it, whoever frees it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>

namespace cppipc {

struct SharedPoolOptions {
  // Whether peers may write what lies here.
  bool is_writable = false;
  // Whether blocks are made to be given away, and not to be used on here after they were sent.
  bool is_given = false;
  std::size_t alignment = 64;  // of each block; a power of two, up to 4 MiB
  // Of all arenas of the pool; 0: half of the memory that is free when the pool is made.
  std::uint64_t bytes_max = 0;
  // Free memory that is kept for the next block rather than given back to the kernel.
  std::uint64_t retained_bytes = 256ull << 20;
  bool has_huge_pages = false;
  bool is_copied_at_fork = false;
};

struct SharedPoolStats {
  std::uint64_t allocations = 0;  // since the pool was made, reallocations not counted
  std::uint64_t frees = 0;
  std::uint64_t reallocations = 0;
  std::uint64_t failures = 0;       // requests for which there was no room
  std::uint64_t live_blocks = 0;    // allocated and not freed
  std::uint64_t live_bytes = 0;     // as requested
  std::uint64_t peak_bytes = 0;     // the most that live_bytes has been
  std::uint64_t leased_blocks = 0;  // freed, but still used by a peer
  std::uint64_t arenas = 0;
  std::uint64_t arena_bytes = 0;
};

// Owns: its arenas, which live on while anything in them is used. Threads: any; no function waits
// for a peer, takes a lock of Python's, or throws unless it says so.
class SharedPool : public std::enable_shared_from_this<SharedPool> {
 public:
  // Errors: kInvalidArgument for an alignment that is none.
  static std::shared_ptr<SharedPool> make(const SharedPoolOptions& options = {});
  virtual ~SharedPool() = default;

  // At least one byte; null if there is no room. `is_zeroed`: all bytes are 0.
  virtual void* allocate(std::size_t bytes, bool is_zeroed = false) noexcept = 0;
  // Null if there is no room; then the old block is as it was. A block that a peer uses stays as it
  // is until the peer lets go, and the bytes move to another.
  virtual void* reallocate(void* block, std::size_t bytes) noexcept = 0;
  virtual void deallocate(void* block) noexcept = 0;
  // Whether a pointer is the begin of a block of this pool that was not freed.
  virtual bool owns(const void* block) const noexcept = 0;
  // As requested.
  virtual std::size_t size_of(const void* block) const noexcept = 0;
  // A new block that is freed with the last share. Errors: std::bad_alloc.
  virtual std::shared_ptr<std::byte> share(std::size_t bytes) = 0;
  // Gives free memory back, and from now on all that becomes free: nobody will need it here.
  virtual void retain_nothing() noexcept = 0;
  virtual SharedPoolStats stats() const noexcept = 0;
  virtual const SharedPoolOptions& options() const noexcept = 0;
};

// Whether those bytes lie in a block of a pool of this process (`is_writable`: one that peers may
// write), so that they cross without a copy.
bool is_shared(const void* begin, std::size_t bytes, bool* is_writable = nullptr) noexcept;

// Allocates from `pool`, for std::pmr containers. Owns: a share of the pool. Throws std::bad_alloc.
class SharedMemoryResource final : public std::pmr::memory_resource {
 public:
  explicit SharedMemoryResource(std::shared_ptr<SharedPool> pool) : pool_(std::move(pool)) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

  std::shared_ptr<SharedPool> pool_;
};

}  // namespace cppipc
