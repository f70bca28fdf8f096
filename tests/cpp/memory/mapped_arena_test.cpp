// SPDX-License-Identifier: Apache-2.0
#include "memory/mapped_arena.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "memory/arena.h"
#include "support/in_child.h"

namespace cppipc::mapped_arena_test {
namespace {

constexpr std::size_t kSize = 1 << 20;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

int memfd(std::size_t size, int seals, unsigned flags = MFD_ALLOW_SEALING) {
  const int fd = ::memfd_create("hostile", flags | MFD_CLOEXEC);
  EXPECT_GE(fd, 0);
  EXPECT_EQ(::ftruncate(fd, static_cast<off_t>(size)), 0);
  if (seals) {
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, seals), 0);
  }
  return fd;
}

// Expects that the descriptor is refused, and closed.
void expect_refused(int fd, std::uint64_t size, bool is_writable = false) {
  ASSERT_GE(fd, 0);
  try {
    MappedArena::map(fd, size, is_writable);
    ADD_FAILURE() << "mapped";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol) << error.what();
  }
  EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST(MappedArena, SeesWhatItsMakerWrites) {
  const auto made = Arena::make(kSize, {.access = ArenaAccess::kRead});
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, false);
  made->data()[4711] = std::byte{7};
  EXPECT_EQ(mapped->size(), kSize);
  EXPECT_FALSE(mapped->is_writable());
  EXPECT_EQ(*mapped->at(4711, 1), std::byte{7});
}

TEST(MappedArena, ForWritingShowsItsMakerWhatIsWritten) {
  const auto made = Arena::make(kSize);
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, true);
  *mapped->at(4711, 1) = std::byte{7};
  EXPECT_EQ(made->data()[4711], std::byte{7});
}

TEST(MappedArena, ForReadingCannotBeWritten) {
  const auto made = Arena::make(kSize, {.access = ArenaAccess::kRead});
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, false);
  EXPECT_DEATH(*mapped->at(0, 1) = std::byte{7}, "");
}

TEST(MappedArena, RefusesToWriteWhatIsSealedForReading) {
  const auto made = Arena::make(kSize, {.access = ArenaAccess::kRead});
  expect_refused(::dup(made->fd()), kSize, true);
}

TEST(MappedArena, RefusesAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  expect_refused(ends[0], 1);
  ::close(ends[1]);
}

TEST(MappedArena, RefusesADescriptorThatIsNone) {
  EXPECT_THROW(MappedArena::map(-1, 1, false), Error);
}

TEST(MappedArena, RefusesAFile) {
  std::FILE* file = std::tmpfile();
  ASSERT_TRUE(file);
  ASSERT_EQ(::ftruncate(::fileno(file), kSize), 0);
  expect_refused(::dup(::fileno(file)), kSize);
  std::fclose(file);
}

TEST(MappedArena, RefusesAFileOfAMemoryFileSystem) {
  const int fd = ::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) GTEST_SKIP() << "/dev/shm: " << std::strerror(errno);
  ASSERT_EQ(::ftruncate(fd, kSize), 0);
  expect_refused(fd, kSize);
}

TEST(MappedArena, RefusesWhatIsNotSealed) {
  expect_refused(memfd(kSize, 0), kSize);
  expect_refused(memfd(kSize, 0, 0), kSize);  // sealed against seals only
  expect_refused(memfd(kSize, F_SEAL_SHRINK), kSize);
  expect_refused(memfd(kSize, F_SEAL_SHRINK | F_SEAL_GROW), kSize);
  expect_refused(memfd(kSize, F_SEAL_GROW | F_SEAL_SEAL), kSize);
}

TEST(MappedArena, RefusesWhatIsShorterThanDeclared) {
  expect_refused(memfd(kSize, kSeals), kSize + 1);
  expect_refused(memfd(kSize, kSeals), UINT64_MAX);
  expect_refused(memfd(0, kSeals), 1);
  expect_refused(memfd(kSize, kSeals), 0);
}

TEST(MappedArena, RefusesHugePages) {
  const int fd = ::memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING | MFD_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "no huge pages: " << std::strerror(errno);
  if (::ftruncate(fd, 2 << 20) != 0 || ::fcntl(fd, F_ADD_SEALS, kSeals) != 0) {
    ::close(fd);
    GTEST_SKIP() << "no huge pages of 2 MiB";
  }
  expect_refused(fd, 2 << 20);
}

TEST(MappedArena, MapsNoMoreThanDeclared) {
  const auto mapped = MappedArena::map(memfd(kSize, kSeals), 100, false);
  EXPECT_EQ(mapped->size(), 100u);
  EXPECT_TRUE(mapped->at(0, 100));
  EXPECT_FALSE(mapped->at(0, 101));
}

TEST(MappedArena, HasNothingOutsideOfIt) {
  const auto mapped = MappedArena::map(memfd(kSize, kSeals), kSize, false);
  EXPECT_TRUE(mapped->at(0, kSize));
  EXPECT_TRUE(mapped->at(kSize, 0));
  EXPECT_FALSE(mapped->at(kSize, 1));
  EXPECT_FALSE(mapped->at(1, kSize));
  EXPECT_FALSE(mapped->at(UINT64_MAX, 2));
  EXPECT_FALSE(mapped->at(2, UINT64_MAX));
  EXPECT_FALSE(mapped->at(UINT64_MAX, UINT64_MAX));
}

TEST(MappedArena, OutlivesItsMaker) {
  auto made = Arena::make(kSize);
  made->data()[1] = std::byte{7};
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, false);
  made.reset();
  EXPECT_EQ(*mapped->at(1, 1), std::byte{7});
}

TEST(MappedArena, APrivateViewKeepsWhatIsWrittenToIt) {
  const auto made = Arena::make(kSize, {.access = ArenaAccess::kRead});
  made->data()[page_bytes()] = std::byte{7};
  auto mapped = MappedArena::map(::dup(made->fd()), kSize, false);
  const auto view = mapped->private_view(page_bytes(), 100);
  const auto other = mapped->private_view(page_bytes(), 100);
  mapped.reset();
  EXPECT_EQ(view.get()[0], std::byte{7});
  view.get()[0] = std::byte{8};
  EXPECT_EQ(made->data()[page_bytes()], std::byte{7});
  EXPECT_EQ(other.get()[0], std::byte{7});
}

TEST(MappedArena, RefusesAPrivateViewOutsideOfItOrBetweenPages) {
  const auto mapped = MappedArena::map(memfd(kSize, kSeals), kSize, false);
  EXPECT_THROW(mapped->private_view(0, kSize + 1), Error);
  EXPECT_THROW(mapped->private_view(kSize, 1), Error);
  EXPECT_THROW(mapped->private_view(1, 1), Error);
  EXPECT_THROW(mapped->private_view(0, 0), Error);
  EXPECT_THROW(mapped->private_view(page_bytes(), UINT64_MAX), Error);
}

TEST(MappedArena, GivesNoMorePrivateViewsThanTheKernelHasMappingsFor) {
  const auto made = Arena::make(kSize);
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, false);
  std::vector<std::shared_ptr<std::byte>> views;
  while (views.size() < 60'000) {
    auto view = mapped->private_view(0, 4096);
    if (view == nullptr) break;
    views.push_back(std::move(view));
  }
  EXPECT_GE(views.size(), 10'000u);
  EXPECT_LT(views.size(), 60'000u);
  EXPECT_EQ(mapped->private_view(0, 4096), nullptr);
  views.pop_back();
  EXPECT_NE(mapped->private_view(0, 4096), nullptr);
}

TEST(MappedArena, HasHolesFilledWithZerosWhenThePeerPunchesThem) {
  const int fd = memfd(kSize, kSeals);
  ASSERT_EQ(::pwrite(fd, "x", 1, 0), 1);
  const auto mapped = MappedArena::map(::dup(fd), kSize, false);
  EXPECT_EQ(*mapped->at(0, 1), std::byte{'x'});
  ASSERT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kSize), 0);
  EXPECT_EQ(*mapped->at(0, 1), std::byte{0});
  ::close(fd);
}

TEST(MappedArena, WhatAForkedChildWritesReachesNobody) {
  const auto made = Arena::make(kSize);
  const auto mapped = MappedArena::map(::dup(made->fd()), kSize, true);
  *mapped->at(5, 1) = std::byte{7};
  const int status = test::in_child([&] {
    if (*mapped->at(5, 1) != std::byte{7}) return 1;
    *mapped->at(5, 1) = std::byte{8};
    return *mapped->at(5, 1) == std::byte{8} ? 42 : 2;
  });
  EXPECT_EQ(status, 42);
  EXPECT_EQ(made->data()[5], std::byte{7});
}

}  // namespace
}  // namespace cppipc::mapped_arena_test
