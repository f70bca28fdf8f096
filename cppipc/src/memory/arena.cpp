// SPDX-License-Identifier: Apache-2.0
#include "memory/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

// Newer than the C library of Debian 12, or than some of its headers.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace cppipc {
namespace {

std::atomic<std::uint64_t> last_id{0};
std::atomic<std::uint64_t> retirement_count{0};

int seals_of(ArenaAccess access) {
  constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;
  switch (access) {
    case ArenaAccess::kUndecided:
      return kFixedSize;
    case ArenaAccess::kRead:
      return kFixedSize | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    case ArenaAccess::kFixed:
      return kFixedSize | F_SEAL_WRITE | F_SEAL_SEAL;
    case ArenaAccess::kWrite:
      break;
  }
  return kFixedSize | F_SEAL_SEAL;
}

void seal(int fd, ArenaAccess access) {
  if (::fcntl(fd, F_ADD_SEALS, seals_of(access)) != 0) throw system_error("sealing shared memory");
}

// A memfd of that size. The limit on the size of files is looked at first, because the kernel
// answers what is past it with a signal.
OwnedFd make_memfd(std::size_t size) {
  rlimit limit{};
  if (size > static_cast<std::uint64_t>(INT64_MAX) ||
      (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)) {
    throw system_error("shared memory of that size", ENOMEM);
  }
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = ::memfd_create("cppipc", kFlags | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create("cppipc", kFlags);  // before Linux 6.3
  if (fd < 0) throw system_error("memfd_create");
  OwnedFd owned(fd);
  while (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    throw system_error("ftruncate of shared memory", errno == EFBIG ? ENOMEM : errno);
  }
  return owned;
}

// Not by a mapping: there must not be one that can be written when the seal is put on.
void fill(int fd, std::span<const std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        ::pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("filling shared memory");
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

Arena::Arena(OwnedFd fd, std::size_t size_bytes, const ArenaOptions& options)
    : id_(last_id.fetch_add(1, std::memory_order_relaxed) + 1),
      mapping_(std::move(fd), size_bytes,
               {.is_writable = options.access != ArenaAccess::kFixed,
                .is_fixed = options.access == ArenaAccess::kFixed,
                .has_huge_pages = options.has_huge_pages,
                .is_copied_at_fork = options.is_copied_at_fork}) {
  struct stat status {};
  if (::fstat(this->fd(), &status) != 0) throw system_error("fstat of shared memory");
  inode_ = status.st_ino;
  if (options.access != ArenaAccess::kFixed) seal(this->fd(), options.access);
  access_.store(options.access, std::memory_order_release);
}

std::shared_ptr<Arena> Arena::make(std::size_t size_bytes, const ArenaOptions& options) {
  const std::size_t size = round_up(std::max<std::size_t>(size_bytes, 1), page_bytes());
  if (size == 0) throw system_error("shared memory of that size", ENOMEM);
  return std::shared_ptr<Arena>(new Arena(make_memfd(size), size, options));
}

std::shared_ptr<Arena> Arena::make_fixed(std::span<const std::byte> bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes.size(), 1), page_bytes());
  if (size == 0) throw system_error("shared memory of that size", ENOMEM);
  OwnedFd memfd = make_memfd(size);
  fill(memfd.get(), bytes);
  seal(memfd.get(), ArenaAccess::kFixed);
  return std::shared_ptr<Arena>(new Arena(std::move(memfd), size, {.access = ArenaAccess::kFixed}));
}

ArenaAccess Arena::decide(ArenaAccess wanted) {
  std::lock_guard lock(Mapping::mutex());
  if (access() == ArenaAccess::kUndecided && wanted != ArenaAccess::kUndecided) {
    seal(fd(), wanted);
    access_.store(wanted, std::memory_order_release);
  }
  return access();
}

void Arena::attach(const void* key, std::shared_ptr<const void> what) {
  std::lock_guard lock(Mapping::mutex());
  for (auto& entry : attached_) {
    if (entry.first == key) return entry.second.swap(what);  // the old one dies after the lock
  }
  attached_.emplace_back(key, std::move(what));
}

std::shared_ptr<const void> Arena::attached(const void* key) const {
  std::lock_guard lock(Mapping::mutex());
  for (const auto& entry : attached_) {
    if (entry.first == key) return entry.second;
  }
  return nullptr;
}

void Arena::detach(const void* key) {
  std::shared_ptr<const void> dropped;  // after the lock
  std::lock_guard lock(Mapping::mutex());
  const auto found = std::find_if(attached_.begin(), attached_.end(),
                                  [key](const auto& entry) { return entry.first == key; });
  if (found == attached_.end()) return;
  dropped = std::move(found->second);
  attached_.erase(found);
  if (access() == ArenaAccess::kWrite && !is_retired_.exchange(true)) {
    retirement_count.fetch_add(1, std::memory_order_release);
  }
}

std::uint64_t Arena::retirements() { return retirement_count.load(std::memory_order_acquire); }

}  // namespace cppipc
