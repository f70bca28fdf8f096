// SPDX-License-Identifier: Apache-2.0
#include "memory/mapping.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "memory/fork.h"

namespace cppipc {
namespace {

// What blocks may be aligned to at most: twice the huge page of most machines.
constexpr std::size_t kAlignment = std::size_t{4} << 20;

Mapping* first_mapping = nullptr;  // guarded by Mapping::mutex()

// Maps `size` bytes of a file at a multiple of kAlignment; null with errno if that fails.
std::byte* map_aligned(int fd, std::size_t size, int protection, int sharing) {
  if (size > SIZE_MAX - 2 * kAlignment) {
    errno = ENOMEM;
    return nullptr;
  }
  const std::size_t room = size + kAlignment;
  void* reserved =
      ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(reserved);
  std::byte* data = begin + (-reinterpret_cast<std::uintptr_t>(begin) & (kAlignment - 1));
  if (::mmap(data, size, protection, sharing | MAP_FIXED, fd, 0) == MAP_FAILED) {
    const int number = errno;
    ::munmap(begin, room);
    errno = number;
    return nullptr;
  }
  if (data != begin) ::munmap(begin, static_cast<std::size_t>(data - begin));
  std::byte* end = data + round_up(size, page_bytes());
  if (end < begin + room) ::munmap(end, static_cast<std::size_t>(begin + room - end));
  return data;
}

}  // namespace

Mapping::Mapping(OwnedFd fd, std::size_t size_bytes, const MappingOptions& options)
    : fd_(std::move(fd)), size_(size_bytes), options_(options) {
  watch_forks();
  const int protection = options.is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
  std::lock_guard lock(mutex());
  data_ = map_aligned(fd_.get(), size_, protection, options.is_fixed ? MAP_PRIVATE : MAP_SHARED);
  if (!data_) throw system_error("mmap of shared memory");
  if (options.has_huge_pages) ::madvise(data_, size_, MADV_HUGEPAGE);
  next_ = first_mapping;
  if (next_) next_->previous_ = this;
  first_mapping = this;
}

Mapping::~Mapping() {
  {
    std::lock_guard lock(mutex());
    (previous_ ? previous_->next_ : first_mapping) = next_;
    if (next_) next_->previous_ = previous_;
  }
  ::munmap(data_, size_);
}

bool Mapping::contains(const void* begin, std::size_t bytes) const {
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  const auto from = reinterpret_cast<std::uintptr_t>(data_);
  return at >= from && at - from <= size_ && bytes <= size_ - (at - from);
}

std::mutex& Mapping::mutex() {
  static auto* mutex = new std::mutex;  // arrays are freed while the process exits, too
  return *mutex;
}

// The pages that were ever touched, by the file's own account; the others are zero anyway.
void Mapping::copy() {
  void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;
  copy_ = static_cast<std::byte*>(memory);
  const auto end = static_cast<off_t>(size_);
  off_t at = 0;
  while ((at = ::lseek(fd(), at, SEEK_DATA)) >= 0 && at < end) {
    const off_t hole = ::lseek(fd(), at, SEEK_HOLE);
    const off_t stop = hole < 0 || hole > end ? end : hole;
    std::memcpy(copy_ + at, data_ + at, static_cast<std::size_t>(stop - at));
    at = stop;
  }
}

void Mapping::become_private() {
  is_inherited_.store(true, std::memory_order_relaxed);
  if (!is_writable()) return;
  const bool has_copy =
      copy_ && ::mremap(copy_, size_, size_, MREMAP_MAYMOVE | MREMAP_FIXED, data_) != MAP_FAILED;
  copy_ = nullptr;
  if (has_copy) return;
  const int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  if (::mmap(data_, size_, PROT_READ | PROT_WRITE, flags, fd(), 0) != MAP_FAILED) return;
  std::fputs("cppipc: fork: no memory to make the shared memory the child's own\n", stderr);
  std::abort();  // else the child would write into the arrays of its parent
}

void copy_mappings() {
  for (Mapping* mapping = first_mapping; mapping; mapping = mapping->next_) {
    if (mapping->options_.is_copied_at_fork && !mapping->is_inherited()) mapping->copy();
  }
}

void drop_copies() {
  for (Mapping* mapping = first_mapping; mapping; mapping = mapping->next_) {
    if (mapping->copy_) ::munmap(mapping->copy_, mapping->size_);
    mapping->copy_ = nullptr;
  }
}

void leave_mappings_to_parent() {
  for (Mapping* mapping = first_mapping; mapping; mapping = mapping->next_) {
    if (!mapping->is_inherited()) mapping->become_private();
  }
}

}  // namespace cppipc
