// SPDX-License-Identifier: Apache-2.0
#include "memory/mapped_arena.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <atomic>
#include <string>

namespace cppipc {
namespace {

// Linux lets a process have 65,530 mappings, of whatever kind.
constexpr int kViewsMax = 16384;
std::atomic<int> view_count{0};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kProtocol, "the peer's shared memory " + why);
}

// Everything that keeps a peer from pulling the pages away under us later on. Returns whether it
// cannot change them either.
bool check(int fd, std::uint64_t size_bytes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw system_error("fstat of the peer's shared memory");
  if (!S_ISREG(status.st_mode)) refuse("is no memory");
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) refuse("is no memfd");
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if ((seals & kNeeded) != kNeeded) refuse("is not sealed");
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) throw system_error("fstatfs of the peer's shared memory");
  if (static_cast<std::uint32_t>(system.f_type) == HUGETLBFS_MAGIC) {
    refuse("has pages of another size");
  }
  if (size_bytes == 0 || static_cast<std::uint64_t>(status.st_size) < size_bytes) {
    refuse("is " + std::to_string(status.st_size) + " bytes long, not " +
           std::to_string(size_bytes));
  }
  return (seals & F_SEAL_WRITE) != 0;
}

}  // namespace

std::shared_ptr<MappedArena> MappedArena::map(int memfd, std::uint64_t size_bytes,
                                              bool is_writable) {
  OwnedFd fd(memfd);
  const bool is_fixed = check(fd.get(), size_bytes);
  try {
    return std::shared_ptr<MappedArena>(new MappedArena(
        std::move(fd), size_bytes, {.is_writable = is_writable, .is_fixed = is_fixed}));
  } catch (const Error& error) {
    if (error.error_number == EPERM || error.error_number == EACCES) {
      refuse("does not allow what was declared: " + std::string(error.text()));
    }
    throw;
  }
}

std::byte* MappedArena::at(std::uint64_t offset, std::uint64_t size_bytes) const {
  if (offset > size() || size_bytes > size() - offset) return nullptr;
  return mapping_.data() + offset;
}

std::shared_ptr<std::byte> MappedArena::private_view(std::uint64_t offset,
                                                     std::uint64_t size_bytes) const {
  if (offset % page_bytes() != 0 || size_bytes == 0 || !at(offset, size_bytes)) {
    refuse("has no pages at that offset");
  }
  if (view_count.fetch_add(1, std::memory_order_relaxed) >= kViewsMax) {
    view_count.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  void* view = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                      mapping_.fd(), static_cast<off_t>(offset));
  if (view == MAP_FAILED) {
    view_count.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  // The pages stay the file's as long as they are mapped, so the view needs no share of the arena.
  return {static_cast<std::byte*>(view), [size_bytes](std::byte* at) {
            ::munmap(at, size_bytes);
            view_count.fetch_sub(1, std::memory_order_relaxed);
          }};
}

}  // namespace cppipc
