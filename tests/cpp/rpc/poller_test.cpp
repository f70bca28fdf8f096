// SPDX-License-Identifier: Apache-2.0
#include "rpc/poller.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <system_error>
#include <thread>

#include "support/leak_check.h"
#include "support/sockets.h"

namespace cppipc::poller_test {
namespace {

using test::eventually;

class PollerTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    poller_ = std::make_unique<Poller>();
    std::tie(ours_, theirs_) = test::socket_pair();
  }
  void TearDown() override {
    poller_.reset();
    ours_ = Descriptor();
    theirs_ = Descriptor();
    LeakCheck::TearDown();
  }
  std::size_t look() { return poller_->wait(events_, 0); }
  void write(std::size_t size = 1) {
    const std::vector<std::byte> bytes(size);
    ASSERT_TRUE(test::write_all(theirs_.get(), bytes));
  }

  std::unique_ptr<Poller> poller_;
  Descriptor ours_, theirs_;
  std::array<PollEvent, 8> events_;
};

TEST_F(PollerTest, ArrivedBytesAreReportedOnce) {
  poller_->add(ours_.get(), 17);
  EXPECT_EQ(look(), 0u);
  write();
  ASSERT_EQ(look(), 1u);
  EXPECT_EQ(events_[0].tag, 17u);
  EXPECT_TRUE(events_[0].is_readable);
  EXPECT_FALSE(events_[0].is_writable);
  EXPECT_FALSE(events_[0].is_ended);
  EXPECT_EQ(look(), 0u);  // edge-triggered: unread bytes are not reported again
  write();
  EXPECT_EQ(look(), 1u);
}

TEST_F(PollerTest, BytesThatWereThereBeforeAreReported) {
  write();
  poller_->add(ours_.get(), 1);
  EXPECT_EQ(look(), 1u);
}

TEST_F(PollerTest, TheEndIsReportedAsReadableAndEnded) {
  poller_->add(ours_.get(), 1);
  write();
  theirs_ = Descriptor();
  ASSERT_EQ(look(), 1u);  // together, and only once
  EXPECT_TRUE(events_[0].is_readable);
  EXPECT_TRUE(events_[0].is_ended);
  EXPECT_EQ(look(), 0u);
}

TEST_F(PollerTest, AHalfClosedConnectionIsEnded) {
  poller_->add(ours_.get(), 1);
  ::shutdown(theirs_.get(), SHUT_WR);
  ASSERT_EQ(look(), 1u);
  EXPECT_TRUE(events_[0].is_ended);
}

TEST_F(PollerTest, RoomInTheSocketIsReportedOnRequestOnly) {
  poller_->add(ours_.get(), 1);
  EXPECT_EQ(look(), 0u);
  poller_->want_write(ours_.get(), 1, true);
  ASSERT_EQ(look(), 1u);
  EXPECT_TRUE(events_[0].is_writable);
  EXPECT_FALSE(events_[0].is_readable);
  EXPECT_EQ(look(), 0u);
  poller_->want_write(ours_.get(), 1, false);
  EXPECT_EQ(look(), 0u);
}

TEST_F(PollerTest, AFullSocketIsReportedWhenItHasRoomAgain) {
  poller_->add(ours_.get(), 1);
  std::vector<std::byte> bytes(4096);
  while (::send(ours_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
  }
  poller_->want_write(ours_.get(), 1, true);
  EXPECT_EQ(look(), 0u);
  test::read_available(theirs_.get());
  ASSERT_EQ(look(), 1u);
  EXPECT_TRUE(events_[0].is_writable);
}

TEST_F(PollerTest, AskingForRoomReportsWaitingBytesAgain) {
  poller_->add(ours_.get(), 1);
  write();
  EXPECT_EQ(look(), 1u);
  poller_->want_write(ours_.get(), 1, true);
  ASSERT_EQ(look(), 1u);
  EXPECT_TRUE(events_[0].is_readable);
}

TEST_F(PollerTest, ARemovedSocketIsSilent) {
  poller_->add(ours_.get(), 1);
  poller_->remove(ours_.get());
  write();
  EXPECT_EQ(look(), 0u);
  EXPECT_NO_THROW(poller_->remove(ours_.get()));
  EXPECT_NO_THROW(poller_->want_write(ours_.get(), 1, true));
}

TEST_F(PollerTest, WhatCannotBeWatchedIsRefused) {
  EXPECT_THROW(poller_->add(-1, 1), std::system_error);
  poller_->add(ours_.get(), 1);
  EXPECT_THROW(poller_->add(ours_.get(), 2), std::system_error);
}

TEST_F(PollerTest, ManySocketsAreToldApart) {
  std::vector<std::pair<Descriptor, Descriptor>> pairs;
  for (std::uint64_t i = 0; i < 20; ++i) {
    pairs.push_back(test::socket_pair());
    poller_->add(pairs.back().first.get(), 100 + i);
    ASSERT_TRUE(test::write_all(pairs.back().second.get(), std::vector<std::byte>(1)));
  }
  std::vector<std::uint64_t> tags;
  while (const auto count = look()) {
    EXPECT_LE(count, events_.size());
    for (std::size_t i = 0; i < count; ++i) tags.push_back(events_[i].tag);
  }
  std::sort(tags.begin(), tags.end());
  ASSERT_EQ(tags.size(), 20u);
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(tags[i], 100 + i);
}

TEST_F(PollerTest, AWakeUpEndsOneWait) {
  poller_->wake();
  poller_->wake();
  EXPECT_EQ(poller_->wait(events_, 30'000), 0u);  // the one before it counts
  EXPECT_EQ(look(), 0u);
}

TEST_F(PollerTest, AWakeUpReachesAThreadThatWaits) {
  std::thread waiting([this] { EXPECT_EQ(poller_->wait(events_, 30'000), 0u); });
  poller_->wake();
  waiting.join();
}

TEST_F(PollerTest, BytesReachAThreadThatWaits) {
  poller_->add(ours_.get(), 5);
  std::thread waiting([this] { EXPECT_EQ(poller_->wait(events_, 30'000), 1u); });
  write();
  waiting.join();
  EXPECT_EQ(events_[0].tag, 5u);
}

TEST_F(PollerTest, TimeIsUp) { EXPECT_EQ(poller_->wait(events_, 1), 0u); }

TEST_F(PollerTest, ASignalEndsAWait) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  std::atomic<bool> is_back{false};
  std::thread waiting([&] {
    EXPECT_EQ(poller_->wait(events_, 30'000), 0u);
    is_back = true;
  });
  EXPECT_TRUE(eventually([&] {
    if (!is_back) pthread_kill(waiting.native_handle(), SIGUSR1);
    return is_back.load();
  }));
  waiting.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(PollerTest, AForkedChildKnowsThatItInheritedThePoller) {
  EXPECT_FALSE(poller_->is_inherited());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(poller_->is_inherited() ? 7 : 8);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_FALSE(poller_->is_inherited());
}

}  // namespace
}  // namespace cppipc::poller_test
