// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a heap knows about its arenas: private memory, of which nothing lies in the arenas.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "memory/arena.h"

namespace cppipc {

struct HeapArena;

// One place of a slab.
struct Slot {
  std::uint32_t requested = 0;  // bytes; 0: free
  std::uint32_t next = 0;       // the next free slot
};
inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

enum class SpanState : std::uint8_t {
  kFree,    // in the heap's runs
  kCached,  // as kFree, but not joined with its neighbours, for the next block of that size
  kBlock,   // one block
  kSlab,    // blocks of one size class
};

// Some pages of an arena that are used as one. Every page belongs to one span.
struct Span {
  HeapArena* arena = nullptr;
  std::uint32_t first = 0;  // page
  std::uint32_t pages = 0;
  SpanState state = SpanState::kFree;
  bool was_clean = false;     // kSlab: no page was touched before; kBlock of its own arena as well
  std::size_t requested = 0;  // kBlock, bytes
  // kSlab:
  std::uint32_t size_class = 0;
  std::uint32_t slot_bytes = 0;
  std::uint32_t slot_count = 0;
  std::uint32_t used = 0;
  std::uint32_t fresh = 0;  // slots from here on were never used
  std::uint32_t free_head = kNoSlot;
  std::unique_ptr<Slot[]> slots;
  // kCached and kSlab with a free slot: the list of the same size.
  Span* next = nullptr;
  Span* previous = nullptr;
};

// One bit for each page: whether it may have been written since the kernel gave it.
class PageBits {
 public:
  explicit PageBits(std::uint32_t pages) : words_((pages + 63) / 64) {}
  void set(std::uint32_t first, std::uint32_t count) { change(first, count, true); }
  void clear(std::uint32_t first, std::uint32_t count) { change(first, count, false); }
  std::uint32_t count(std::uint32_t first, std::uint32_t count) const;
  bool operator[](std::uint32_t page) const { return words_[page / 64] >> (page % 64) & 1; }

 private:
  void change(std::uint32_t first, std::uint32_t count, bool value);
  // The bits of [at, end) that are in the word of `at`.
  static std::uint64_t mask(std::uint32_t at, std::uint32_t end) {
    const std::uint64_t from = ~std::uint64_t{0} << (at % 64);
    return end / 64 > at / 64 ? from : from & ((std::uint64_t{1} << (end % 64)) - 1);
  }

  std::vector<std::uint64_t> words_;
};

struct HeapArena {
  HeapArena(std::shared_ptr<Arena> made, bool is_dedicated);

  std::byte* page(std::uint32_t number) const { return begin + (std::size_t{number} << shift); }
  // Of an address in the arena.
  std::uint32_t page_of(const void* address) const {
    const auto offset = static_cast<const std::byte*>(address) - begin;
    return static_cast<std::uint32_t>(static_cast<std::size_t>(offset) >> shift);
  }
  Span* span_of_page(std::uint32_t number) const { return only ? only.get() : table.get()[number]; }

  std::shared_ptr<Arena> arena;
  std::byte* begin;
  std::byte* end;
  unsigned shift;  // a page is two to the power of this
  std::uint32_t pages;
  std::size_t blocks = 0;  // live or quarantined
  bool is_closed = false;  // nothing is given out of it any more
  // An arena of one block has only that span, and no table, which would be large.
  std::unique_ptr<Span> only;
  PageBits touched;
  // The span of each page; of a free run, only of its first and its last. Zeroed memory that is not
  // committed before it is used.
  struct Free {
    void operator()(Span** memory) const { std::free(memory); }
  };
  std::unique_ptr<Span*, Free> table;
};

}  // namespace cppipc
