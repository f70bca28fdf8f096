// SPDX-License-Identifier: Apache-2.0
#pragma once
// One shared mapping of a memfd, which becomes memory of the child's own when the process forks.

#include <atomic>
#include <cstddef>
#include <mutex>

#include "memory/owned_fd.h"

namespace cppipc {

struct MappingOptions {
  bool is_writable = true;
  // The file is sealed against writing, which Linux before 6.7 wants to be mapped as private.
  bool is_fixed = false;
  bool has_huge_pages = false;     // asked for with MADV_HUGEPAGE
  bool is_copied_at_fork = false;  // see the handlers in fork.cpp
};

// Owns: the descriptor and the mapping. Threads: any.
class Mapping {
 public:
  // Maps the first `size_bytes`, at a multiple of 4 MiB. Errors: kOutOfMemory, kInputOutput with
  // EPERM where a seal forbids it.
  Mapping(OwnedFd fd, std::size_t size_bytes, const MappingOptions& options);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  int fd() const { return fd_.get(); }
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool is_writable() const { return options_.is_writable; }
  bool is_fixed() const { return options_.is_fixed; }
  // Whether this is a child of the process that made the mapping.
  bool is_inherited() const { return is_inherited_.load(std::memory_order_relaxed); }
  bool contains(const void* begin, std::size_t bytes) const;

  // Guards what changes in mappings and arenas, and is held over a fork. Nothing that waits, or
  // drops what others have made, may happen under it.
  static std::mutex& mutex();

 private:
  friend void copy_mappings();
  friend void drop_copies();
  friend void leave_mappings_to_parent();

  void copy();
  void become_private();

  OwnedFd fd_;
  std::byte* data_ = nullptr;
  std::size_t size_;
  MappingOptions options_;
  std::atomic<bool> is_inherited_{false};
  std::byte* copy_ = nullptr;  // only within fork()
  Mapping* next_ = nullptr;    // of the list of all mappings
  Mapping* previous_ = nullptr;
};

// Before a fork, after it in the parent, and in the child; under the mutex.
void copy_mappings();
void drop_copies();
void leave_mappings_to_parent();

}  // namespace cppipc
