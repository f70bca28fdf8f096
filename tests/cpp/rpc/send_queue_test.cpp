// SPDX-License-Identifier: Apache-2.0
#include "rpc/send_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace cppipc::send_queue_test {
namespace {

constexpr std::size_t kMany = 100'000;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// All that is queued, sent in steps of at most `step` bytes.
std::string drained(SendQueue& queue, std::size_t step, SendQueue::Dropped& dropped) {
  std::string sent;
  while (!queue.is_empty()) {
    std::array<iovec, 3> pieces;
    const std::size_t count = queue.first(pieces);
    std::string now;
    for (std::size_t i = 0; i < count; ++i) {
      now.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    now.resize(std::min(now.size(), step));
    sent += now;
    queue.pop(now.size(), dropped);
  }
  return sent;
}

TEST(SendQueue, BytesLeaveInTheirOrderWhateverTheSteps) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{50'000}, kMany * 4}) {
    SendQueue queue;
    SendQueue::Dropped dropped;
    const auto kept = std::make_shared<std::string>(step == 1 ? 20'000 : kMany, 'k');
    queue.append(bytes_of("one"), nullptr);
    queue.append(bytes_of("two"), kept);  // too few to refer to
    queue.append(bytes_of(*kept), kept);
    queue.append(bytes_of("three"), nullptr);
    EXPECT_EQ(queue.bytes(), 11 + kept->size());
    EXPECT_EQ(drained(queue, step, dropped), "onetwo" + *kept + "three");
    EXPECT_EQ(queue.bytes(), 0u);
    ASSERT_EQ(dropped.size(), 1u);
    EXPECT_EQ(dropped[0], kept);
  }
}

TEST(SendQueue, ManyKeptBytesAreNotCopiedAndFewAre) {
  SendQueue queue;
  const auto kept = std::make_shared<std::string>(kMany, 'k');
  const auto few = std::make_shared<std::string>(100, 'f');
  queue.append(bytes_of(*kept), kept);
  queue.append(bytes_of(*few), few);
  std::array<iovec, 4> pieces;
  ASSERT_EQ(queue.first(pieces), 2u);
  EXPECT_EQ(pieces[0].iov_base, kept->data());
  EXPECT_NE(pieces[1].iov_base, few->data());
  EXPECT_EQ(kept.use_count(), 2);
  EXPECT_EQ(few.use_count(), 1);
}

TEST(SendQueue, WhoeverKeepsBytesIsLetGoByWhoSendsThem) {
  SendQueue queue;
  SendQueue::Dropped dropped;
  auto kept = std::make_shared<std::string>(kMany, 'k');
  const std::weak_ptr<std::string> watched = kept;
  queue.append(bytes_of(*kept), kept);
  kept.reset();
  queue.pop(kMany - 1, dropped);
  EXPECT_TRUE(dropped.empty());
  queue.pop(1, dropped);
  EXPECT_FALSE(watched.expired());  // until it is dropped without a lock
  dropped.clear();
  EXPECT_TRUE(watched.expired());
}

TEST(SendQueue, ADescriptorGoesWithTheFirstByteAfterIt) {
  SendQueue queue;
  SendQueue::Dropped dropped;
  queue.append(bytes_of("before"), nullptr);
  queue.append_descriptor(0);
  queue.append(bytes_of("with"), nullptr);
  queue.append(bytes_of("after"), nullptr);
  EXPECT_EQ(queue.first_descriptor(), -1);
  std::array<iovec, 4> pieces;
  ASSERT_EQ(queue.first(pieces), 1u);
  EXPECT_EQ(pieces[0].iov_len, 6u);
  queue.pop(6, dropped);
  EXPECT_GE(queue.first_descriptor(), 0);
  ASSERT_EQ(queue.first(pieces), 1u);
  EXPECT_EQ(std::memcmp(pieces[0].iov_base, "with", 4), 0);
  queue.pop(2, dropped);
  EXPECT_EQ(queue.first_descriptor(), -1);
  EXPECT_EQ(drained(queue, kMany, dropped), "thafter");
}

TEST(SendQueue, ClearDropsEverything) {
  SendQueue queue;
  SendQueue::Dropped dropped;
  const auto kept = std::make_shared<std::string>(kMany, 'k');
  queue.append(bytes_of("copied"), nullptr);
  queue.append(bytes_of(*kept), kept);
  queue.clear(dropped);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_EQ(dropped.size(), 1u);
}

}  // namespace
}  // namespace cppipc::send_queue_test
