// SPDX-License-Identifier: Apache-2.0
#include "memory/span.h"

#include <algorithm>
#include <bit>
#include <new>

namespace cppipc {

std::uint32_t PageBits::count(std::uint32_t first, std::uint32_t count) const {
  std::uint32_t found = 0;
  const std::uint32_t end = first + count;
  for (std::uint32_t at = first; at < end; at = (at / 64 + 1) * 64) {
    found += static_cast<std::uint32_t>(std::popcount(words_[at / 64] & mask(at, end)));
  }
  return found;
}

void PageBits::change(std::uint32_t first, std::uint32_t count, bool value) {
  const std::uint32_t end = first + count;
  for (std::uint32_t at = first; at < end; at = (at / 64 + 1) * 64) {
    if (value) {
      words_[at / 64] |= mask(at, end);
    } else {
      words_[at / 64] &= ~mask(at, end);
    }
  }
}

HeapArena::HeapArena(std::shared_ptr<Arena> made, bool is_dedicated)
    : arena(std::move(made)),
      begin(arena->data()),
      end(begin + arena->size()),
      shift(page_shift()),
      pages(static_cast<std::uint32_t>(arena->size() >> shift)),
      touched(is_dedicated ? 0 : pages) {
  auto span = std::make_unique<Span>();
  span->arena = this;
  span->pages = pages;
  span->was_clean = true;
  if (is_dedicated) {
    only = std::move(span);
    return;
  }
  table.reset(static_cast<Span**>(std::calloc(pages, sizeof(Span*))));
  if (!table) throw std::bad_alloc();
  table.get()[pages - 1] = span.get();
  table.get()[0] = span.release();
}

}  // namespace cppipc
