// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>

#include "memory/heap.h"

namespace cppipc {
namespace {

// The touched pages of a span, as ranges of bytes.
void append_touched(const Span& span, DirtyRanges& dirty) {
  const HeapArena& arena = *span.arena;
  const std::uint32_t end = span.first + span.pages;
  for (std::uint32_t page = span.first; page < end; page++) {
    if (!arena.touched[page]) continue;
    const std::uint32_t from = page;
    while (page < end && arena.touched[page]) page++;
    dirty.emplace_back(arena.page(from), (page - from) * page_bytes());
  }
}

bool punch(const HeapArena& arena, std::uint32_t first, std::uint32_t pages) {
  return ::fallocate(arena.arena->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                     static_cast<off_t>(first * page_bytes()),
                     static_cast<off_t>(pages * page_bytes())) == 0;
}

}  // namespace

Span* Heap::take_pages(std::uint32_t pages, DirtyRanges* dirty) {
  const std::uint64_t bytes = std::uint64_t{pages} << page_shift_;
  if (bytes > kFirstArenaBytes / 4 && bytes > next_arena_bytes() / 4) {
    if (Span* span = take_dedicated(pages, dirty)) return span;
  }
  if (Span* span = take_cached(pages)) {
    if (dirty) dirty->emplace_back(span->arena->page(span->first), pages * page_bytes());
    return span;
  }
  if (Span* span = take_run(pages, dirty)) return span;
  flush_cache();
  if (Span* span = take_run(pages, dirty)) return span;
  return add_run_arena(pages) ? take_run(pages, dirty) : nullptr;
}

// An arena of its own: an idle one that is not much too large, or a new one.
Span* Heap::take_dedicated(std::uint32_t pages, DirtyRanges* dirty) {
  HeapArena* best = nullptr;
  for (HeapArena* idle : idle_) {
    if (idle->pages < pages || idle->pages - pages > pages / 4) continue;
    if (!best || idle->pages <= best->pages) best = idle;
  }
  if (best) {
    std::erase(idle_, best);
    retained_ -= best->pages;
  } else {
    best = add_arena(pages, true);
    if (!best) return nullptr;
  }
  Span* span = best->only.get();
  if (dirty && !span->was_clean) dirty->emplace_back(best->begin, pages * page_bytes());
  return span;
}

Span* Heap::take_cached(std::uint32_t pages) {
  if (pages >= cache_.size() || !cache_[pages]) return nullptr;
  Span* span = cache_[pages];
  unlink(cache_[pages], span);
  retained_ -= pages;
  span->was_clean = false;
  return span;
}

Span* Heap::take_run(std::uint32_t pages, DirtyRanges* dirty) {
  for (auto at = runs_.lower_bound({pages, nullptr}); at != runs_.end(); ++at) {
    Span* run = at->second;
    const std::uint32_t lead = (align_pages_ - run->first % align_pages_) % align_pages_;
    if (run->pages < lead || run->pages - lead < pages) continue;
    runs_.erase(at);
    cut(run, lead, pages);
    PageBits& touched = run->arena->touched;
    const std::uint32_t touched_pages = touched.count(run->first, pages);
    run->was_clean = touched_pages == 0;
    if (dirty && !run->was_clean) append_touched(*run, *dirty);
    retained_ -= touched_pages;
    touched.set(run->first, pages);
    return run;
  }
  return nullptr;
}

// Another arena to cut blocks from: as large as the budget allows, and at least for these pages.
bool Heap::add_run_arena(std::uint32_t pages) {
  const std::uint64_t needed = std::uint64_t{pages} * page_bytes();
  const std::uint64_t budget = bytes_max() / page_bytes() * page_bytes();
  if (needed > budget) return false;
  std::uint64_t bytes = std::min(std::max(next_arena_bytes(), needed), budget);
  if (!make_room(bytes)) {
    const std::uint64_t left = budget > arena_bytes_ ? budget - arena_bytes_ : 0;
    bytes = std::min(bytes, left);
    if (bytes < needed) return false;
  }
  HeapArena* arena = add_arena(bytes / page_bytes(), false);
  if (!arena) return false;
  insert_run(arena->table.get()[0]);
  return true;
}

// Makes of a run that is in no list the span of `pages` after `lead` pages, and free runs of what
// is before and behind it.
void Heap::cut(Span* run, std::uint32_t lead, std::uint32_t pages) {
  HeapArena* arena = run->arena;
  const auto make_run = [&](std::uint32_t first, std::uint32_t count) {
    if (count == 0) return;
    auto rest = std::make_unique<Span>();
    rest->arena = arena;
    rest->first = first;
    rest->pages = count;
    insert_run(rest.release());
  };
  const std::uint32_t tail = run->pages - lead - pages;
  make_run(run->first, lead);
  run->first += lead;
  run->pages = pages;
  make_run(run->first + pages, tail);
  std::fill_n(arena->table.get() + run->first, pages, run);
}

void Heap::insert_run(Span* run) {
  run->state = SpanState::kFree;
  Span** table = run->arena->table.get();
  table[run->first] = table[run->first + run->pages - 1] = run;
  runs_.emplace(RunKey{run->pages, run->arena->page(run->first)}, run);
}

// Takes back a span that was a block or a slab.
void Heap::give_back(Span* span) {
  HeapArena* arena = span->arena;
  span->state = SpanState::kFree;
  span->was_clean = false;
  span->slots.reset();
  if (arena->is_closed) {
    // Nobody uses it again, so there is no reason to keep the memory until the arena goes.
    const bool can_punch = arena->arena->access() == ArenaAccess::kWrite;
    if (can_punch && !arena->arena->is_inherited()) punch(*arena, span->first, span->pages);
    return;
  }
  if (arena->only) {
    idle_.push_back(arena);
    retained_ += arena->pages;
    return;
  }
  retained_ += span->pages;
  if (span->pages > kCachedPagesMax) return join_runs(span);
  span->state = SpanState::kCached;
  link(cache_[span->pages], span);
}

// Makes a run of a span that is in no list and of the free runs around it.
void Heap::join_runs(Span* span) {
  Span** table = span->arena->table.get();
  std::fill_n(table + span->first, span->pages, nullptr);
  const auto absorb = [&](Span* run) {
    runs_.erase({run->pages, run->arena->page(run->first)});
    table[run->first] = table[run->first + run->pages - 1] = nullptr;
    span->first = std::min(span->first, run->first);
    span->pages += run->pages;
    delete run;
  };
  const auto is_run = [](Span* other) { return other && other->state == SpanState::kFree; };
  if (span->first > 0 && is_run(table[span->first - 1])) absorb(table[span->first - 1]);
  const std::uint32_t end = span->first + span->pages;
  if (end < span->arena->pages && is_run(table[end])) absorb(table[end]);
  insert_run(span);
}

void Heap::flush_cache() {
  for (Span*& head : cache_) {
    while (Span* span = head) {
      unlink(head, span);
      join_runs(span);
    }
  }
}

void Heap::retain_nothing() {
  retained_max_ = 0;
  trim();
}

// Gives memory back to the kernel until no more is free than may be kept: arenas of one block, the
// longest unused first, then empty arenas, then the pages of free runs, where that is possible.
void Heap::trim() {
  while (retained_ > retained_max_ && !idle_.empty()) doom(idle_.front());
  if (retained_ > retained_max_) drop_empty_arenas(Keep::kRetained);
  if (retained_ > retained_max_) punch_runs();
  // What cannot be given back is looked at again when there is notably more of it.
  const bool is_enough = retained_ <= retained_max_;
  trim_at_ = is_enough ? retained_max_ : retained_ + retained_max_ / 8 + 256;
}

void Heap::drop_empty_arenas(Keep keep) {
  release_empty_slabs();
  flush_cache();
  for (std::size_t i = arenas_.size(); i-- > 0;) {
    if (keep == Keep::kRetained && retained_ <= retained_max_) return;
    HeapArena* arena = arenas_[i].get();
    if (arena->blocks == 0 && !arena->only) doom(arena);
  }
}

// Seals against further writing forbid it to the maker, too: then the pages stay.
void Heap::punch_runs() {
  if (options_.arena.access != ArenaAccess::kWrite) return;
  const std::uint64_t enough = retained_max_ - retained_max_ / 4;
  for (auto at = runs_.rbegin(); at != runs_.rend() && retained_ > enough; ++at) {
    Span* run = at->second;
    PageBits& touched = run->arena->touched;
    const std::uint32_t touched_pages = touched.count(run->first, run->pages);
    if (touched_pages == 0) continue;
    if (!punch(*run->arena, run->first, run->pages)) return;
    touched.clear(run->first, run->pages);
    retained_ -= touched_pages;
  }
}

}  // namespace cppipc
