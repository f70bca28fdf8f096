// SPDX-License-Identifier: Apache-2.0
#include "memory/arena.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <string>

#include "memory/mapped_arena.h"

#include "support/committed.h"
#include "support/in_child.h"

namespace cppipc::arena_test {
namespace {

constexpr int kFutureWrite = 0x0010;  // F_SEAL_FUTURE_WRITE

int seals_of(const Arena& arena) { return ::fcntl(arena.fd(), F_GET_SEALS); }

// The errno of mapping a re-opened descriptor of the arena for writing; 0 if that worked.
int errno_of_writable_mapping(const Arena& arena) {
  const std::string path = "/proc/self/fd/" + std::to_string(arena.fd());
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno;
  void* mapped = ::mmap(nullptr, arena.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int number = mapped == MAP_FAILED ? errno : 0;
  if (mapped != MAP_FAILED) ::munmap(mapped, arena.size());
  ::close(fd);
  return number;
}

TEST(Arena, BeginsAtAPageAndIsZeroedWholePages) {
  const auto arena = Arena::make(10'000);
  EXPECT_EQ(arena->size() % page_bytes(), 0u);
  EXPECT_GE(arena->size(), 10'000u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena->data()) % page_bytes(), 0u);
  EXPECT_TRUE(test::is_filled(arena->data(), arena->size(), 0));
}

TEST(Arena, CommitsNoPageBeforeItIsTouched) {
  const auto arena = Arena::make(1ull << 32);
  EXPECT_EQ(test::committed_bytes(arena->fd()), 0u);
  arena->data()[arena->size() - 1] = std::byte{1};
  EXPECT_GT(test::committed_bytes(arena->fd()), 0u);
  EXPECT_LE(test::committed_bytes(arena->fd()), 2u << 20);
}

TEST(Arena, NeverUsesAnIdAgain) {
  const auto first = Arena::make(1)->id();
  const auto second = Arena::make(1)->id();
  EXPECT_NE(first, 0u);
  EXPECT_GT(second, first);
  const auto in_child = test::in_child([&] { return Arena::make(1)->id() > second ? 42 : 1; });
  EXPECT_EQ(in_child, 42);
}

TEST(Arena, NobodyCanChangeAFixedOne) {
  const std::string bytes(100'000, 'x');
  const auto arena = Arena::make_fixed(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(std::memcmp(arena->data(), bytes.data(), bytes.size()), 0);
  EXPECT_EQ(arena->access(), ArenaAccess::kFixed);
  EXPECT_EQ(errno_of_writable_mapping(*arena), EPERM);
  EXPECT_EQ(::pwrite(arena->fd(), "y", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::fallocate(arena->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(arena->fd(), 0), -1);
  EXPECT_EQ(::mprotect(arena->data(), arena->size(), PROT_READ), 0);
  const auto mapped = MappedArena::map(::dup(arena->fd()), arena->size(), false);
  EXPECT_TRUE(mapped->is_fixed());
  EXPECT_EQ(std::memcmp(mapped->at(0, bytes.size()), bytes.data(), bytes.size()), 0);
  EXPECT_FALSE(MappedArena::map(::dup(Arena::make(1)->fd()), 1, false)->is_fixed());
}

TEST(Arena, IsNotInheritedByPrograms) {
  EXPECT_NE(::fcntl(Arena::make(1)->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Arena, KnowsTheNumberOfItsFile) {
  const auto arena = Arena::make(1);
  struct stat status {};
  ASSERT_EQ(::fstat(arena->fd(), &status), 0);
  EXPECT_EQ(arena->inode(), status.st_ino);
}

TEST(Arena, CannotChangeItsSize) {
  for (const auto access : {ArenaAccess::kUndecided, ArenaAccess::kRead, ArenaAccess::kWrite}) {
    const auto arena = Arena::make(100'000, {.access = access});
    EXPECT_NE(::ftruncate(arena->fd(), 0), 0);
    EXPECT_NE(::ftruncate(arena->fd(), 1 << 20), 0);
  }
}

TEST(Arena, ForReadingCannotBeMappedWritableAlsoWhenItIsOpenedAgain) {
  const auto arena = Arena::make(1, {.access = ArenaAccess::kRead});
  EXPECT_EQ(errno_of_writable_mapping(*arena), EPERM);
  const std::string path = "/proc/self/fd/" + std::to_string(arena->fd());
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_LT(::pwrite(fd, "x", 1, 0), 0);
  ::close(fd);
  arena->data()[0] = std::byte{1};  // its maker goes on writing
}

TEST(Arena, ForWritingCanBeMappedWritable) {
  EXPECT_EQ(errno_of_writable_mapping(*Arena::make(1)), 0);
}

TEST(Arena, DecidesOnceWhatPeersMayDo) {
  const auto arena = Arena::make(1, {.access = ArenaAccess::kUndecided});
  EXPECT_EQ(seals_of(*arena) & (F_SEAL_SEAL | kFutureWrite), 0);
  EXPECT_EQ(arena->decide(ArenaAccess::kUndecided), ArenaAccess::kUndecided);
  EXPECT_EQ(arena->decide(ArenaAccess::kRead), ArenaAccess::kRead);
  EXPECT_EQ(arena->decide(ArenaAccess::kWrite), ArenaAccess::kRead);
  EXPECT_EQ(arena->access(), ArenaAccess::kRead);
  EXPECT_EQ(seals_of(*arena) & (F_SEAL_SEAL | kFutureWrite), F_SEAL_SEAL | kFutureWrite);
  EXPECT_EQ(errno_of_writable_mapping(*arena), EPERM);

  const auto other = Arena::make(1, {.access = ArenaAccess::kUndecided});
  EXPECT_EQ(other->decide(ArenaAccess::kWrite), ArenaAccess::kWrite);
  EXPECT_EQ(seals_of(*other) & (F_SEAL_SEAL | kFutureWrite), F_SEAL_SEAL);
}

TEST(Arena, ContainsOnlyWhatLiesInItWhole) {
  const auto arena = Arena::make(1);
  EXPECT_TRUE(arena->contains(arena->data(), arena->size()));
  EXPECT_TRUE(arena->contains(arena->data() + arena->size(), 0));
  EXPECT_FALSE(arena->contains(arena->data() + 1, arena->size()));
  EXPECT_FALSE(arena->contains(arena->data() - 1, 1));
  EXPECT_FALSE(arena->contains(arena->data(), SIZE_MAX));
}

TEST(Arena, KeepsWhatIsAttachedUntilItIsDetachedOrDies) {
  auto arena = Arena::make(1);
  const auto first = std::make_shared<int>(1);
  const auto second = std::make_shared<int>(2);
  const auto replaced = std::make_shared<int>(3);
  const int key = 0;
  const int other_key = 0;
  arena->attach(&key, replaced);
  arena->attach(&key, first);
  arena->attach(&other_key, second);
  EXPECT_EQ(replaced.use_count(), 1);
  EXPECT_EQ(arena->attached(&key), first);
  EXPECT_EQ(arena->attached(&arena), nullptr);
  arena->detach(&key);
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(arena->attached(&key), nullptr);
  arena.reset();
  EXPECT_EQ(second.use_count(), 1);
}

TEST(Arena, IsRetiredWhenOneWhoMightWriteItIsDetached) {
  const int key = 0;
  const auto writable = Arena::make(1);
  const auto before = Arena::retirements();
  writable->detach(&key);  // never attached
  EXPECT_FALSE(writable->is_retired());
  writable->attach(&key, std::make_shared<int>(1));
  EXPECT_FALSE(writable->is_retired());
  writable->detach(&key);
  EXPECT_TRUE(writable->is_retired());
  EXPECT_EQ(Arena::retirements(), before + 1);

  const auto readable = Arena::make(1, {.access = ArenaAccess::kRead});
  readable->attach(&key, std::make_shared<int>(1));
  readable->detach(&key);
  EXPECT_FALSE(readable->is_retired());
}

TEST(Arena, OfAbsurdSizeIsOutOfMemory) {
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX / 2, std::size_t{1} << 62}) {
    try {
      Arena::make(size);
      ADD_FAILURE() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory) << size;
    }
  }
}

TEST(Arena, PastTheLimitOfFilesIsAnErrorAndNoSignal) {
  const auto status = test::in_child([] {
    const rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    try {
      Arena::make(2 << 20);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kOutOfMemory ? 42 : 2;
    }
    return 3;
  });
  EXPECT_EQ(status, 42);
}

TEST(Arena, WithoutDescriptorsIsAnInputOutputError) {
  const auto status = test::in_child([] {
    const rlimit limit{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    try {
      Arena::make(1);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInputOutput && error.error_number == EMFILE ? 42 : 2;
    }
    return 3;
  });
  EXPECT_EQ(status, 42);
}

TEST(Arena, GivesItsDescriptorBack) {
  int fd = -1;
  {
    const auto arena = Arena::make(1);
    fd = arena->fd();
  }
  EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST(MakeBlock, GivesAnArenaThatIsUndecided) {
  const auto block = make_block(5000);
  const BlockHold* hold = block_hold(block);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->arena->access(), ArenaAccess::kUndecided);
  EXPECT_EQ(hold->begin, block.get());
  EXPECT_GE(hold->size_bytes, 5000u);
  EXPECT_EQ(hold->use, BlockUse::kGiven);
  EXPECT_EQ(hold->pool, nullptr);
  EXPECT_TRUE(test::is_filled(block.get(), 5000, 0));
  EXPECT_EQ(block_hold(std::make_shared<int>(1)), nullptr);
}

}  // namespace
}  // namespace cppipc::arena_test
