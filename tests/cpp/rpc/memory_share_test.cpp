// SPDX-License-Identifier: Apache-2.0
// What a peer can do with memory that it registers, and with what it says of bytes in there:
// nothing but get an error.
#include "rpc/memory_share.h"

#include <fcntl.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "rpc/blob.h"
#include "support/error_of.h"
#include "support/leak_check.h"
#include "support/memory_peers.h"
#include "wire/bulk.h"

namespace cppipc::memory_share_test {
namespace {

using test::kArenaBytes;
using test::kArenaSeals;
using test::kind_of;
using test::MemoryPeer;
using test::RawArena;
using test::RawPlace;

constexpr std::uint64_t kMost = ~std::uint64_t{0};

class MemoryShareTest : public test::LeakCheck {
 protected:
  static void expect_refused(const std::optional<Error>& error, ErrorKind kind) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), kind) << error->what();
  }
  // A blob of the peer under test: 100 bytes that are their index.
  static std::shared_ptr<Blob> blob_with(Access access) {
    auto bytes = uninitialised_memory(100);
    for (int i = 0; i < 100; ++i) bytes.get()[i] = static_cast<std::byte>(i);
    const BlobSource source{{bytes.get(), 100}, bytes, false};
    const std::uint64_t arena = access == Access::kNone ? 0 : 5;
    return std::make_shared<Blob>(source, Charge{}, BulkPlace{100, arena, 4096, 0, access});
  }
};

TEST_F(MemoryShareTest, AnArenaIsMappedUntilItIsDropped) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  EXPECT_EQ(side.share->mapped(), 1u);
  std::memcpy(arena.data() + 100, "shared", 6);
  EXPECT_EQ(side.bytes_at({6, 1, 100, 0}), Variant(Bytes("shared")));
  side.drop(side.last_mapping);
  EXPECT_EQ(side.share->mapped(), 0u);
}

TEST_F(MemoryShareTest, WithoutADescriptorNothingIsMapped) {
  MemoryPeer side;
  expect_refused(side.register_arena(1, kArenaBytes, -1, 4711), ErrorKind::kNotSupported);
  RawArena arena;
  const auto wrong = side.register_arena(1, arena.size(), arena.fd(), arena.inode() + 1);
  expect_refused(wrong, ErrorKind::kNotSupported);
  EXPECT_FALSE(side.register_arena(2, arena));
}

TEST_F(MemoryShareTest, WhatIsNoSealedMemfdIsRefused) {
  MemoryPeer side;
  Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  int pipes[2];
  ASSERT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
  const Descriptor reader(pipes[0]), writer(pipes[1]);
  for (const int fd : {file.get(), reader.get(), writer.get()}) {
    expect_refused(side.register_arena(1, 100, fd, RawArena::inode_of(fd)), ErrorKind::kProtocol);
  }
  for (const int seals : {0, F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_SEAL, F_SEAL_GROW}) {
    RawArena arena(kArenaBytes, seals);
    expect_refused(side.register_arena(1, arena), ErrorKind::kProtocol);
  }
  EXPECT_EQ(side.share->mapped(), 0u);
}

TEST_F(MemoryShareTest, WhatIsShorterThanDeclaredOrEmptyIsRefused) {
  MemoryPeer side;
  RawArena arena, empty(0);
  for (const std::uint64_t size : {arena.size() + 1, kMost, kMost / 2, std::uint64_t{0}}) {
    const auto error = side.register_arena(1, size, arena.fd(), arena.inode());
    expect_refused(error, ErrorKind::kProtocol);
  }
  expect_refused(side.register_arena(1, 0, empty.fd(), empty.inode()), ErrorKind::kProtocol);
  expect_refused(side.register_arena(1, 1, empty.fd(), empty.inode()), ErrorKind::kProtocol);
}

TEST_F(MemoryShareTest, MoreThanItsSealsAllowIsRefused) {
  MemoryPeer side;
  RawArena arena(kArenaBytes, F_SEAL_FUTURE_WRITE);
  ASSERT_EQ(::fcntl(arena.fd(), F_ADD_SEALS, kArenaSeals), 0);
  expect_refused(side.register_arena(1, arena, true), ErrorKind::kProtocol);
  EXPECT_FALSE(side.register_arena(1, arena));
}

TEST_F(MemoryShareTest, OneNumberIsOneArena) {
  MemoryPeer side;
  RawArena arena, other;
  expect_refused(side.register_arena(0, arena), ErrorKind::kProtocol);
  EXPECT_FALSE(side.register_arena(1, arena));
  expect_refused(side.register_arena(1, other), ErrorKind::kProtocol);
  arena.data()[0] = std::byte{'a'};
  EXPECT_EQ(side.bytes_at({1, 1}), Variant(Bytes("a")));
  EXPECT_EQ(side.share->mapped(), 1u);
}

TEST_F(MemoryShareTest, ArenasAndBytesAreLimited) {
  MemoryPeer side({.arenas = 3, .bytes = 2 * kArenaBytes + 1});
  RawArena one, two, three(1), four(1);
  EXPECT_FALSE(side.register_arena(1, one));
  EXPECT_FALSE(side.register_arena(2, two));
  const auto first = side.last_mapping;
  RawArena large(2);
  expect_refused(side.register_arena(3, large), ErrorKind::kQuotaExceeded);
  EXPECT_FALSE(side.register_arena(3, three));
  expect_refused(side.register_arena(4, four), ErrorKind::kQuotaExceeded);
  side.drop(first);
  EXPECT_FALSE(side.register_arena(4, four));
  // Another peer has limits of its own.
  MemoryPeer other({.arenas = 1, .bytes = kArenaBytes});
  EXPECT_FALSE(other.register_arena(1, one));
}

TEST_F(MemoryShareTest, WhatValuesUseCountsAlsoWhenItIsDropped) {
  MemoryPeer side({.arenas = 2, .bytes = kMost});
  std::vector<AnyArray> values;
  RawArena arena;
  for (std::uint64_t i = 1; i <= 2; ++i) {
    ASSERT_FALSE(side.register_arena(i, arena));
    values.push_back(side.array_at({10, i}, {10}));
    side.drop(side.last_mapping);
  }
  EXPECT_EQ(side.share->mapped(), 0u);
  const auto before = test::open_descriptors();
  for (std::uint64_t i = 3; i < 20; ++i) {
    expect_refused(side.register_arena(i, arena), ErrorKind::kQuotaExceeded);
  }
  EXPECT_EQ(test::open_descriptors(), before);
  values.pop_back();
  EXPECT_FALSE(side.register_arena(20, arena));
}

TEST_F(MemoryShareTest, AFloodOfDescriptorsStaysOutside) {
  MemoryPeer side;
  RawArena arena;
  const auto before = test::open_descriptors();
  for (std::uint64_t i = 0; i < 300; ++i) {
    side.send_register(0, 1, arena.fd(), arena.inode() + 1);  // none that is asked for
    if (i % 50 == 0) side.pump();
  }
  side.pump();
  EXPECT_LE(test::open_descriptors(), before + 5);
  side.registered();
  while (side.raw.next()) {
  }
  EXPECT_FALSE(side.register_arena(1, arena));
}

TEST_F(MemoryShareTest, BytesOfAnUnknownArenaAreReadFromTheirBlob) {
  MemoryPeer side;
  EXPECT_EQ(kind_of([&] { side.bytes_at({10, 77}); }), ErrorKind::kTimeout);  // it asks
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  EXPECT_EQ(kind_of([&] { side.bytes_at({10, 0}); }), ErrorKind::kTimeout);
  side.drop(side.last_mapping);
  EXPECT_EQ(kind_of([&] { side.bytes_at({10, 1}); }), ErrorKind::kTimeout);
}

TEST_F(MemoryShareTest, PlacesOutsideOfTheArenaAreRefused) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  for (const int access : {0, 1, 2, 3}) {
    for (const RawPlace& place : {
             RawPlace{1, 1, kArenaBytes, 0, access},
             RawPlace{kArenaBytes + 1, 1, 0, 0, access},
             RawPlace{2, 1, kArenaBytes - 1, 0, access},
             RawPlace{2, 1, kMost, 0, access},
             RawPlace{kArenaBytes, 1, kMost - kArenaBytes + 1, 0, access},
             RawPlace{kMost, 1, 1, 0, access},
             RawPlace{std::uint64_t{1} << 62, 1, 0, 0, access},
             RawPlace{1, 1, 10, 11, access},  // it would begin before the arena
             RawPlace{1, 1, 10, kMost, access},
         }) {
      EXPECT_EQ(kind_of([&] { side.bytes_at(place); }), ErrorKind::kProtocol);
    }
  }
  EXPECT_EQ(side.bytes_at({0, 1, kArenaBytes, kArenaBytes}), Variant(Bytes("")));
  EXPECT_EQ(side.bytes_at({1, 1, kArenaBytes - 1, 0}), Variant(Bytes(std::string(1, '\0'))));
}

TEST_F(MemoryShareTest, UnknownAccessIsRefused) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  for (const int access : {5, 6, 127, 128, 255}) {
    EXPECT_EQ(kind_of([&] { side.bytes_at({1, 1, 0, 0, access}); }), ErrorKind::kProtocol);
  }
}

TEST_F(MemoryShareTest, StridesThatLeaveTheBytesAreRefused) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  const RawPlace place{100, 1, 50, 0};
  struct Layout {
    std::vector<std::int64_t> shape, strides;
    std::uint64_t start;
  };
  for (const Layout& layout : {
           Layout{{101}, {1}, 0},
           Layout{{2}, {100}, 0},
           Layout{{2}, {-1}, 0},
           Layout{{2}, {1}, 99},
           Layout{{1}, {1}, 100},
           Layout{{1}, {1}, kMost},
           Layout{{2}, {kFar}, 0},
           Layout{{2}, {-kFar}, 0},
           Layout{{3, 3}, {kFar, -kFar}, 50},
           Layout{{kFar}, {kFar}, 0},
           Layout{{2}, {std::numeric_limits<std::int64_t>::min()}, 0},
           Layout{{10}, {1, 1}, 0},
           Layout{{0}, {1}, 0},
           Layout{{-1}, {1}, 0},
           Layout{{kFar, kFar}, {0, 0}, 0},
           Layout{{99}, {}, 0},
           Layout{{101}, {}, 0},
       }) {
    EXPECT_EQ(kind_of([&] { side.array_at(place, layout.shape, layout.strides, layout.start); }),
              ErrorKind::kProtocol);
  }
  std::memcpy(arena.data() + 50, "0123456789", 10);
  const AnyArray backwards = side.array_at(place, {4}, {-2}, 8);
  std::string seen(4, ' ');
  backwards.copy_to(reinterpret_cast<std::byte*>(seen.data()));
  EXPECT_EQ(seen, "8642");
  const AnyArray broadcast = side.array_at(place, {std::int64_t{1} << 40}, {0}, 3);
  EXPECT_EQ(broadcast.nbytes(), std::int64_t{1} << 40);
}

TEST_F(MemoryShareTest, OnlyWhatIsLentForWritingCanBeWritten) {
  MemoryPeer side;
  RawArena arena, shown(kArenaBytes, kArenaSeals);
  ASSERT_FALSE(side.register_arena(1, arena, true));
  ASSERT_FALSE(side.register_arena(2, shown, false));
  const auto is_readonly = [&](std::uint64_t number, Access access) {
    const AnyArray value = side.array_at({10, number, 0, 0, static_cast<int>(access)}, {10});
    return value.is_readonly;
  };
  EXPECT_TRUE(is_readonly(1, Access::kLent));
  EXPECT_FALSE(is_readonly(1, Access::kLentWritable));
  EXPECT_FALSE(is_readonly(1, Access::kMoved));
  for (const Access access : {Access::kLent, Access::kLentWritable, Access::kMoved}) {
    EXPECT_TRUE(is_readonly(2, access));
  }
}

TEST_F(MemoryShareTest, WhoIsGivenNothingToKeepTakesNoViews) {
  RawArena arena;
  const RawPlace kept{10, 1, 100, 0, static_cast<int>(Access::kKept)};
  MemoryPeer host;
  ASSERT_FALSE(host.register_arena(1, arena));
  EXPECT_EQ(kind_of([&] { host.array_at(kept, {10}); }), ErrorKind::kTimeout);  // asks the blob
  MemoryPeer client({}, false);
  ASSERT_FALSE(client.register_arena(1, arena));
  const AnyArray view = client.array_at(kept, {10});
  view.data[0] = std::byte{7};
  EXPECT_EQ(arena.data()[100], std::byte{0});
  const RawPlace outside{10, 1, kArenaBytes - 5, 0, static_cast<int>(Access::kKept)};
  EXPECT_EQ(kind_of([&] { client.array_at(outside, {10}); }), ErrorKind::kProtocol);
}

TEST_F(MemoryShareTest, ItsOwnBlobsComeHomeAsTheyWereGiven) {
  MemoryPeer side;
  for (const Access given :
       {Access::kNone, Access::kLent, Access::kLentWritable, Access::kMoved, Access::kKept}) {
    const auto id = side.give(blob_with(given));
    for (const Access said :
         {Access::kNone, Access::kLent, Access::kLentWritable, Access::kMoved}) {
      const RawPlace place{10, 9, 1 << 20, 20, static_cast<int>(said)};
      const AnyArray value = side.array_at(place, {10}, {}, 0, id);
      const bool is_shown = given == Access::kNone || given == Access::kKept;
      EXPECT_EQ(value.is_readonly, is_shown) << static_cast<int>(given);
      EXPECT_EQ(value.data[0], std::byte{20});
    }
    side.drop(id);
  }
}

TEST_F(MemoryShareTest, BeyondItsOwnBlobThereIsNothing) {
  MemoryPeer side;
  const auto id = side.give(blob_with(Access::kLentWritable));
  for (const RawPlace& place :
       {RawPlace{101, 5, 0, 0}, RawPlace{1, 5, 0, 100}, RawPlace{1, 5, 0, 101},
        RawPlace{10, 5, 0, kMost}, RawPlace{kMost, 5, 0, 1},
        RawPlace{kMost / 2, 5, 0, kMost / 2 + 2}}) {
    EXPECT_EQ(kind_of([&] { side.bytes_at(place, id); }), ErrorKind::kProtocol);
  }
  EXPECT_EQ(side.bytes_at({0, 5, 0, 100}, id), Variant(Bytes("")));
  EXPECT_EQ(side.bytes_at({2, 5, 0, 98}, id), Variant(Bytes("bc")));
  side.drop(id);
  EXPECT_EQ(kind_of([&] { side.bytes_at({1, 5, 0, 0}, id); }), ErrorKind::kProtocol);
}

TEST_F(MemoryShareTest, SomethingElseOfItsOwnIsNoBlob) {
  MemoryPeer side;
  const auto id = side.give(std::make_shared<test::Servant>());
  EXPECT_EQ(kind_of([&] { side.bytes_at({1, 1}, id); }), ErrorKind::kProtocol);
  side.drop(id);
}

TEST_F(MemoryShareTest, TextThatChangesWhileItIsReadIsCheckedAsItWasCopied) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    volatile auto* bytes = reinterpret_cast<volatile unsigned char*>(arena.data());
    for (unsigned i = 0; !is_over; ++i) bytes[i % kArenaBytes] = static_cast<unsigned char>(i);
  });
  for (int i = 0; i < 200; ++i) {
    const Variant bytes = side.bytes_at({kArenaBytes, 1});
    EXPECT_EQ(bytes.as<Bytes>().view().size(), kArenaBytes);
    EXPECT_TRUE(bytes == Variant(bytes));
    const AnyArray array = side.array_at({kArenaBytes, 1}, {256, 256});
    EXPECT_EQ(array.copy().nbytes(), static_cast<std::int64_t>(kArenaBytes));
  }
  is_over = true;
  writer.join();
}

TEST_F(MemoryShareTest, PunchedHolesReadAsZeros) {
  MemoryPeer side;
  RawArena arena;
  ASSERT_FALSE(side.register_arena(1, arena));
  std::memset(arena.data(), 'x', kArenaBytes);
  const AnyArray lent = side.array_at({kArenaBytes, 1}, {static_cast<std::int64_t>(kArenaBytes)});
  EXPECT_EQ(lent.data[kArenaBytes - 1], std::byte{'x'});
  EXPECT_NE(::ftruncate(arena.fd(), 0), 0);
  ASSERT_EQ(::fallocate(arena.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                        static_cast<off_t>(kArenaBytes)),
            0);
  EXPECT_EQ(lent.data[kArenaBytes - 1], std::byte{0});
  EXPECT_EQ(side.bytes_at({3, 1}), Variant(Bytes(std::string(3, '\0'))));
}

TEST_F(MemoryShareTest, ValuesOutliveTheirArenaAndThePeer) {
  AnyArray value;
  {
    RawArena arena;
    arena.data()[9] = std::byte{9};
    MemoryPeer side;
    ASSERT_FALSE(side.register_arena(1, arena));
    value = side.array_at({10, 1}, {10});
  }
  EXPECT_EQ(value.data[9], std::byte{9});
  value = {};
}

}  // namespace
}  // namespace cppipc::memory_share_test
