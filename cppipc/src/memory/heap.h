// SPDX-License-Identifier: Apache-2.0
#pragma once
// The memory of one pool: which bytes of its arenas are used for what. No locks, no counters.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "memory/span.h"

namespace cppipc {

class Pool;

struct HeapOptions {
  ArenaOptions arena;
  std::size_t alignment = 64;   // a power of two, 64 or more
  std::uint64_t bytes_max = 0;  // 0: half of the memory that is free when it is first asked for
  std::uint64_t retained_bytes = 0;
};

// A block in use.
struct Block {
  Span* span = nullptr;
  std::uint32_t slot = 0;  // of a slab
  std::byte* begin = nullptr;
  std::size_t capacity = 0;
  std::size_t requested() const {
    return span->state == SpanState::kSlab ? span->slots[slot].requested : span->requested;
  }
  explicit operator bool() const { return span != nullptr; }
};

// What has to be cleared of a new block that shall be zero.
using DirtyRanges = std::vector<std::pair<std::byte*, std::size_t>>;

class Heap {
 public:
  // `owner` is what the index of addresses gets to know; it may be null.
  Heap(const HeapOptions& options, Pool* owner);
  // Arenas with blocks in use are left mapped for ever.
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Null if there is no room. `dirty`, unless null, gets what is not known to be zero.
  // Errors: std::bad_alloc for want of ordinary memory.
  Block allocate(std::size_t bytes, DirtyRanges* dirty);
  void free(const Block& block);
  // The block that the address lies in.
  Block find(const void* address);
  // Whether the block may stay where it is with another size, which is then noted.
  bool resize(const Block& block, std::size_t bytes);

  // Takes from use what has been retired since the last time.
  void look_for_retired();
  // Keeps no free memory from now on.
  void retain_nothing();
  // After a fork, in the child: gives out nothing more of what is there.
  void close_all();

  std::size_t arena_count() const { return arena_count_; }
  std::uint64_t arena_bytes() const { return arena_bytes_; }
  // Arenas that are not needed any more, to be dropped where no lock is held.
  std::vector<std::shared_ptr<Arena>> take_doomed() { return std::exchange(doomed_, {}); }
  bool has_doomed() const { return !doomed_.empty(); }

 private:
  using RunKey = std::pair<std::uint32_t, std::byte*>;  // pages, address: the best fit comes first

  // heap.cpp: arenas and finding.
  HeapArena* arena_of(const void* address);
  HeapArena* add_arena(std::uint64_t pages, bool is_dedicated);
  bool make_room(std::uint64_t bytes);
  // The budget; found out at its first use, as that takes a look at the machine's memory.
  std::uint64_t bytes_max();
  std::uint64_t next_arena_bytes() const;
  void withdraw(HeapArena* arena);
  void close(HeapArena* arena);
  void doom(HeapArena* arena);
  void note_freed(HeapArena* arena);

  // heap_pages.cpp: spans of whole pages.
  Span* take_pages(std::uint32_t pages, DirtyRanges* dirty);
  Span* take_dedicated(std::uint32_t pages, DirtyRanges* dirty);
  Span* take_cached(std::uint32_t pages);
  Span* take_run(std::uint32_t pages, DirtyRanges* dirty);
  bool add_run_arena(std::uint32_t pages);
  void cut(Span* run, std::uint32_t lead, std::uint32_t pages);
  void give_back(Span* span);
  void join_runs(Span* span);
  void insert_run(Span* run);
  void flush_cache();
  void trim();
  enum class Keep { kNothing, kRetained };
  void drop_empty_arenas(Keep keep);
  void punch_runs();

  // heap_slabs.cpp: blocks of size classes.
  void make_classes();
  Block take_slot(std::size_t bytes, DirtyRanges* dirty);
  Span* make_slab(std::uint32_t size_class);
  void free_slot(const Block& block);
  void release_empty_slabs();
  static void link(Span*& head, Span* span);
  static void unlink(Span*& head, Span* span);

  static constexpr std::uint64_t kFirstArenaBytes = 64ull << 20;
  // Larger spans than this are joined with their neighbours as soon as they are free.
  static constexpr std::uint32_t kCachedPagesMax = 4096;

  HeapOptions options_;
  Pool* owner_;
  std::uint32_t align_pages_;
  unsigned page_shift_;
  std::vector<std::unique_ptr<HeapArena>> arenas_;  // by address
  HeapArena* last_found_ = nullptr;
  std::vector<HeapArena*> idle_;  // arenas of one block, without it; the longest unused first
  std::map<RunKey, Span*> runs_;
  std::vector<Span*> cache_;            // by pages
  std::size_t small_max_ = 0;           // bytes of the largest size class
  std::vector<std::uint32_t> classes_;  // their sizes
  std::vector<std::uint8_t> class_of_;  // by bytes in units of 64
  std::vector<Span*> partial_;          // by class: slabs with a free slot
  std::vector<std::shared_ptr<Arena>> doomed_;
  std::size_t arena_count_ = 0;    // those that are not inherited
  std::uint64_t arena_bytes_ = 0;  // of these
  // Pages that are free, but maybe committed; and how many there are when they are next looked at.
  std::uint64_t retained_ = 0;
  std::uint64_t retained_max_;
  std::uint64_t trim_at_;
  std::uint64_t retirements_seen_;
};

}  // namespace cppipc
