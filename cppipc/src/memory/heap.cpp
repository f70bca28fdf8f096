// SPDX-License-Identifier: Apache-2.0
// A heap has arenas, which it cuts into spans of pages; a span is one block, or a slab of equal
// blocks of a size class (heap_slabs.cpp), or free (heap_pages.cpp). A block of more than a quarter
// of the next arena gets an arena of its own, so that its memory can go back to the kernel.
//
// A free span is first kept as it is for the next block of the same size ("cached"); only when
// something else is wanted it is joined with its neighbours to a run, and runs are cut again, the
// best fit first. A closed arena (retired, or inherited by a fork) is in none of these lists: what
// is freed there is only counted, and with its last block it goes.
#include "memory/heap.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <mutex>

#include "memory/address_index.h"
#include "memory/free_memory.h"

namespace cppipc {
namespace {

constexpr std::uint64_t kArenaBytesMax = 1ull << 30;

// Arenas whose pool is gone while blocks in them are not freed: their memory has to stay.
void keep_for_ever(std::shared_ptr<Arena> arena) {
  static auto* kept = new std::vector<std::shared_ptr<Arena>>;  // on purpose never freed
  std::lock_guard lock(Mapping::mutex());
  kept->push_back(std::move(arena));
}

}  // namespace

Heap::Heap(const HeapOptions& options, Pool* owner)
    : options_(options),
      owner_(owner),
      align_pages_(
          static_cast<std::uint32_t>(std::max<std::size_t>(1, options.alignment / page_bytes()))),
      page_shift_(page_shift()),
      retained_max_(options.retained_bytes / page_bytes()),
      trim_at_(retained_max_),
      retirements_seen_(Arena::retirements()) {
  make_classes();
}

Heap::~Heap() {
  for (auto& arena : arenas_) {
    if (arena->blocks > 0) keep_for_ever(arena->arena);
  }
  while (!arenas_.empty()) doom(arenas_.back().get());
}

HeapArena* Heap::arena_of(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto holds = [at](const HeapArena& arena) {
    return !std::less<>()(at, arena.begin) && std::less<>()(at, arena.end);
  };
  if (last_found_ && holds(*last_found_)) return last_found_;
  auto next = std::upper_bound(
      arenas_.begin(), arenas_.end(), at,
      [](const std::byte* a, const auto& arena) { return std::less<>()(a, arena->begin); });
  if (next == arenas_.begin() || !holds(**std::prev(next))) return nullptr;
  return last_found_ = std::prev(next)->get();
}

Block Heap::find(const void* address) {
  HeapArena* arena = arena_of(address);
  if (!arena) return {};
  Span* span = arena->span_of_page(arena->page_of(address));
  if (!span) return {};
  std::byte* begin = arena->page(span->first);
  if (span->state == SpanState::kBlock) {
    return {span, 0, begin, std::size_t{span->pages} << arena->shift};
  }
  if (span->state != SpanState::kSlab) return {};
  const auto within = static_cast<std::uint32_t>(static_cast<const std::byte*>(address) - begin);
  const std::uint32_t slot = within / span->slot_bytes;
  if (slot >= span->slot_count || span->slots[slot].requested == 0) return {};
  return {span, slot, begin + std::size_t{slot} * span->slot_bytes, span->slot_bytes};
}

Block Heap::allocate(std::size_t bytes, DirtyRanges* dirty) {
  look_for_retired();
  if (bytes > bytes_max()) return {};
  if (bytes <= small_max_) return take_slot(bytes, dirty);
  const std::uint64_t pages = ((bytes - 1) >> page_shift_) + 1;
  if (pages > UINT32_MAX / 2) return {};
  Span* span = take_pages(static_cast<std::uint32_t>(pages), dirty);
  if (!span) return {};
  span->state = SpanState::kBlock;
  span->requested = bytes;
  span->arena->blocks++;
  return {span, 0, span->arena->page(span->first), std::size_t{span->pages} << page_shift_};
}

void Heap::free(const Block& block) {
  look_for_retired();
  HeapArena* arena = block.span->arena;
  if (block.span->state == SpanState::kSlab) {
    free_slot(block);
  } else {
    give_back(block.span);
  }
  arena->blocks--;
  note_freed(arena);
}

void Heap::note_freed(HeapArena* arena) {
  if (arena->is_closed) {
    if (arena->blocks == 0) doom(arena);
  } else if (retained_ > trim_at_ || (arena->blocks == 0 && retained_ > retained_max_)) {
    trim();
  }
}

// A block keeps its place as long as it fills at least half of it.
bool Heap::resize(const Block& block, std::size_t bytes) {
  look_for_retired();
  if (block.span->arena->is_closed) return false;
  if (bytes > block.capacity || bytes < block.capacity / 2) return false;
  if (block.span->state == SpanState::kSlab) {
    block.span->slots[block.slot].requested = static_cast<std::uint32_t>(bytes);
  } else {
    block.span->requested = bytes;
  }
  return true;
}

std::uint64_t Heap::next_arena_bytes() const {
  return std::clamp(std::bit_ceil(arena_bytes_ + 1), kFirstArenaBytes, kArenaBytesMax);
}

std::uint64_t Heap::bytes_max() {
  if (options_.bytes_max == 0) options_.bytes_max = free_memory_bytes() / 2;
  return options_.bytes_max;
}

// Drops what is free until there is room for another arena within the budget.
bool Heap::make_room(std::uint64_t bytes) {
  if (bytes > bytes_max()) return false;
  const std::uint64_t rest = bytes_max() - bytes;
  while (arena_bytes_ > rest && !idle_.empty()) doom(idle_.front());
  if (arena_bytes_ > rest) drop_empty_arenas(Keep::kNothing);
  return arena_bytes_ <= rest;
}

// Null if there is no room, or the kernel gives none.
HeapArena* Heap::add_arena(std::uint64_t pages, bool is_dedicated) {
  const std::uint64_t bytes = pages * page_bytes();
  if (!make_room(bytes)) return nullptr;
  // Not before there are spans: each session has a heap, and most never use it.
  cache_.resize(kCachedPagesMax + 1);
  std::unique_ptr<HeapArena> added;
  try {
    added = std::make_unique<HeapArena>(Arena::make(bytes, options_.arena), is_dedicated);
  } catch (const Error&) {
    return nullptr;  // what allocate() says with a null
  }
  HeapArena* arena = added.get();
  arenas_.insert(std::upper_bound(arenas_.begin(), arenas_.end(), added,
                                  [](const auto& a, const auto& b) {
                                    return std::less<>()(a->begin, b->begin);
                                  }),
                 std::move(added));
  if (owner_) address_index().add(arena->begin, arena->arena->size(), owner_);
  arena_count_++;
  arena_bytes_ += arena->arena->size();
  return arena;
}

// Gives nothing more out of an arena: takes everything that is free in it out of the lists.
void Heap::withdraw(HeapArena* arena) {
  if (std::exchange(arena->is_closed, true)) return;
  if (arena->only) {
    if (std::erase(idle_, arena) > 0) retained_ -= arena->pages;
    return;
  }
  for (std::uint32_t page = 0; page < arena->pages;) {
    Span* span = arena->table.get()[page];
    page += span->pages;
    if (span->state == SpanState::kFree) {
      runs_.erase({span->pages, arena->page(span->first)});
      retained_ -= arena->touched.count(span->first, span->pages);
    } else if (span->state == SpanState::kCached) {
      unlink(cache_[span->pages], span);
      retained_ -= span->pages;
    } else if (span->state == SpanState::kSlab && span->used < span->slot_count) {
      unlink(partial_[span->size_class], span);
    }
  }
}

void Heap::close(HeapArena* arena) {
  if (arena->is_closed) return;
  withdraw(arena);
  if (arena->blocks == 0) doom(arena);
}

// The end of an arena for the heap; the memory is unmapped with its last share.
void Heap::doom(HeapArena* arena) {
  withdraw(arena);
  if (arena->table) {
    for (std::uint32_t page = 0; page < arena->pages;) {
      std::unique_ptr<Span> span(arena->table.get()[page]);
      page += span->pages;
    }
  }
  if (owner_) address_index().remove(arena->begin);
  if (!arena->arena->is_inherited()) {
    arena_count_--;
    arena_bytes_ -= arena->arena->size();
  }
  if (last_found_ == arena) last_found_ = nullptr;
  const auto found =
      std::find_if(arenas_.begin(), arenas_.end(), [&](const auto& a) { return a.get() == arena; });
  doomed_.push_back(std::move((*found)->arena));
  arenas_.erase(found);
}

void Heap::look_for_retired() {
  const std::uint64_t retirements = Arena::retirements();
  if (retirements == retirements_seen_) return;
  retirements_seen_ = retirements;
  for (std::size_t i = arenas_.size(); i-- > 0;) {
    if (arenas_[i]->arena->is_retired()) close(arenas_[i].get());
  }
}

void Heap::close_all() {
  for (std::size_t i = arenas_.size(); i-- > 0;) close(arenas_[i].get());
  arena_count_ = 0;
  arena_bytes_ = 0;
  retained_ = 0;
  trim_at_ = retained_max_;
}

}  // namespace cppipc
