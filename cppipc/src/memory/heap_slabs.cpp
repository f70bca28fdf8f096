// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "memory/heap.h"

namespace cppipc {
namespace {

constexpr std::size_t kUnit = 64;             // of the table of classes
constexpr std::size_t kSmallMax = 32 << 10;   // of a block of a class
constexpr std::size_t kSlabBytes = 64 << 10;  // of most slabs
constexpr std::size_t kSlabSlots = 8;         // at least

}  // namespace

// Multiples of 64 up to 512, then four sizes to each power of two; all multiples of the alignment.
void Heap::make_classes() {
  if (options_.alignment > page_bytes()) return;
  std::size_t step = kUnit;
  for (std::size_t size = kUnit; size <= kSmallMax; size += step) {
    if (size > 512 && (size & (size - 1)) == 0) step = size / 4;
    if (size == 512) step = 128;
    const auto rounded = static_cast<std::uint32_t>(round_up(size, options_.alignment));
    if (classes_.empty() || classes_.back() < rounded) classes_.push_back(rounded);
  }
  small_max_ = kSmallMax;
  partial_.resize(classes_.size());
  class_of_.resize(kSmallMax / kUnit + 1);
  std::size_t at = 0;
  for (std::size_t units = 0; units < class_of_.size(); units++) {
    if (classes_[at] < units * kUnit) at++;
    class_of_[units] = static_cast<std::uint8_t>(at);
  }
}

Block Heap::take_slot(std::size_t bytes, DirtyRanges* dirty) {
  const std::uint32_t size_class = class_of_[(bytes + kUnit - 1) / kUnit];
  Span*& head = partial_[size_class];
  Span* slab = head ? head : make_slab(size_class);
  if (!slab) return {};
  const bool is_fresh = slab->free_head == kNoSlot;
  const std::uint32_t slot = is_fresh ? slab->fresh++ : slab->free_head;
  if (!is_fresh) slab->free_head = slab->slots[slot].next;
  slab->slots[slot].requested = static_cast<std::uint32_t>(bytes);
  if (++slab->used == slab->slot_count) unlink(head, slab);
  slab->arena->blocks++;
  std::byte* begin = slab->arena->page(slab->first) + std::size_t{slot} * slab->slot_bytes;
  if (dirty && !(is_fresh && slab->was_clean)) dirty->emplace_back(begin, bytes);
  return {slab, slot, begin, slab->slot_bytes};
}

Span* Heap::make_slab(std::uint32_t size_class) {
  const std::uint32_t slot_bytes = classes_[size_class];
  const std::size_t bytes = round_up(std::max(kSlabBytes, slot_bytes * kSlabSlots), page_bytes());
  const auto slot_count = static_cast<std::uint32_t>(bytes / slot_bytes);
  auto slots = std::make_unique<Slot[]>(slot_count);
  Span* slab = take_pages(static_cast<std::uint32_t>(bytes / page_bytes()), nullptr);
  if (!slab) return nullptr;
  slab->state = SpanState::kSlab;
  slab->size_class = size_class;
  slab->slot_bytes = slot_bytes;
  slab->slot_count = slot_count;
  slab->slots = std::move(slots);
  slab->used = slab->fresh = 0;
  slab->free_head = kNoSlot;
  link(partial_[size_class], slab);
  return slab;
}

// The last slab of a class is kept when it is empty, for the next block of that class.
void Heap::free_slot(const Block& block) {
  Span* slab = block.span;
  Slot& slot = slab->slots[block.slot];
  slot.requested = 0;
  slot.next = slab->free_head;
  slab->free_head = block.slot;
  const bool was_full = slab->used-- == slab->slot_count;
  if (slab->arena->is_closed) return;
  Span*& head = partial_[slab->size_class];
  if (was_full) link(head, slab);
  if (slab->used > 0 || (head == slab && !slab->next)) return;
  unlink(head, slab);
  give_back(slab);
}

void Heap::release_empty_slabs() {
  for (Span*& head : partial_) {
    for (Span* slab = head; slab;) {
      Span* next = slab->next;
      if (slab->used == 0) {
        unlink(head, slab);
        give_back(slab);
      }
      slab = next;
    }
  }
}

void Heap::link(Span*& head, Span* span) {
  span->previous = nullptr;
  span->next = head;
  if (head) head->previous = span;
  head = span;
}

void Heap::unlink(Span*& head, Span* span) {
  (span->previous ? span->previous->next : head) = span->next;
  if (span->next) span->next->previous = span->previous;
  span->next = span->previous = nullptr;
}

}  // namespace cppipc
