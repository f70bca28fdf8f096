// SPDX-License-Identifier: Apache-2.0
#include <cppipc/shared_pool.h>

#include <algorithm>
#include <new>

#include "memory/address_index.h"
#include "memory/free_memory.h"
#include "memory/pool.h"

namespace cppipc {

std::shared_ptr<SharedPool> SharedPool::make(const SharedPoolOptions& options) {
  SharedPoolOptions completed = options;
  if (completed.bytes_max == 0) completed.bytes_max = free_memory_bytes() / 2;
  return std::make_shared<Pool>(completed);
}

void BlockHold::operator()(const void*) const noexcept {
  if (pool) static_cast<Pool*>(static_cast<SharedPool*>(pool.get()))->release(begin);
}

std::shared_ptr<const void> pin(const void* begin, std::size_t bytes) {
  const std::shared_ptr<Pool> pool = address_index().find(begin);
  return pool ? pool->pin(begin, bytes) : nullptr;
}

bool is_shared(const void* begin, std::size_t bytes, bool* is_writable) noexcept {
  const std::shared_ptr<Pool> pool = address_index().find(begin);
  if (!pool || !pool->has(begin, bytes)) return false;
  if (is_writable) *is_writable = pool->options().is_writable;
  return true;
}

std::shared_ptr<std::byte> make_block(std::size_t size_bytes) {
  std::shared_ptr<Arena> arena = Arena::make(size_bytes, {.access = ArenaAccess::kUndecided});
  std::byte* begin = arena->data();
  const std::size_t size = arena->size();
  return {begin, BlockHold{.arena = std::move(arena),
                           .begin = begin,
                           .size_bytes = size,
                           .use = BlockUse::kGiven,
                           .pool = nullptr}};
}

void* SharedMemoryResource::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (alignment > std::max<std::size_t>(pool_->options().alignment, 64)) throw std::bad_alloc();
  void* block = pool_->allocate(bytes);
  if (!block) throw std::bad_alloc();
  return block;
}

void SharedMemoryResource::do_deallocate(void* block, std::size_t, std::size_t) {
  pool_->deallocate(block);
}

bool SharedMemoryResource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  const auto* same = dynamic_cast<const SharedMemoryResource*>(&other);
  return same && same->pool_ == pool_;
}

}  // namespace cppipc
