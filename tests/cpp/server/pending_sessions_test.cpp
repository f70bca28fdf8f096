// SPDX-License-Identifier: Apache-2.0
#include "server/pending_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::server::pending_sessions_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr milliseconds kNever{3'600'000};

class PendingSessionsTest : public testing::Test {
 protected:
  void start(milliseconds timeout, std::size_t most = 100) {
    pending_.emplace(loop_, timeout, most,
                     [this](std::uint64_t session, const std::string& reason) {
                       ended_.emplace_back(session, reason);
                     });
  }
  std::vector<std::uint64_t> ended() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, reason] : ended_) numbers.push_back(number);
    return numbers;
  }
  // Whether the loop has something to wait for.
  bool has_timer() {
    loop_.restart();
    loop_.poll();
    return !loop_.stopped();
  }

  boost::asio::io_context loop_;
  std::optional<PendingSessions> pending_;
  std::vector<std::pair<std::uint64_t, std::string>> ended_;
};

TEST_F(PendingSessionsTest, OneThatIsNotOpenedInTimeIsEnded) {
  start(milliseconds(1));
  pending_->began(7);
  loop_.run();  // until nothing is left to wait for
  EXPECT_THAT(ended_, ElementsAre(Pair(
                          7, "its client opened no session within 0.001 s (--open-timeout-s)")));
  EXPECT_EQ(pending_->count(), 0u);
}

TEST_F(PendingSessionsTest, TheyEndInTheirOrder) {
  start(milliseconds(1));
  for (std::uint64_t session = 1; session <= 5; ++session) pending_->began(session);
  loop_.run();
  EXPECT_THAT(ended(), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(PendingSessionsTest, OneThatIsSettledIsLeftAlone) {
  start(milliseconds(1));
  pending_->began(1);
  pending_->began(2);
  pending_->began(3);
  pending_->settled(1);
  pending_->settled(3);
  pending_->settled(4711);
  loop_.run();
  EXPECT_THAT(ended(), ElementsAre(2));
}

TEST_F(PendingSessionsTest, ThereIsATimerOnlyWhileOneIsPending) {
  start(kNever);
  EXPECT_FALSE(has_timer());
  pending_->began(1);
  pending_->began(2);
  EXPECT_TRUE(has_timer());
  pending_->settled(1);
  EXPECT_TRUE(has_timer());
  pending_->settled(2);
  EXPECT_FALSE(has_timer());
  pending_->began(3);
  EXPECT_TRUE(has_timer());
  pending_->close();
  EXPECT_FALSE(has_timer());
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(PendingSessionsTest, OfTooManyTheOldestGoes) {
  start(kNever, 2);
  for (std::uint64_t session = 1; session <= 4; ++session) pending_->began(session);
  EXPECT_THAT(
      ended_,
      ElementsAre(Pair(1,
                       "of 3 connections without a session it was the oldest, and there may be 2 "
                       "(--pending-connections)"),
                  Pair(2, testing::_)));
  EXPECT_EQ(pending_->count(), 2u);
  pending_->settled(3);
  pending_->began(5);
  EXPECT_EQ(ended_.size(), 2u);
}

TEST_F(PendingSessionsTest, ALaterOneHasItsWholeTime) {
  start(milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  pending_->began(1);
  pending_->settled(1);
  pending_->began(2);  // while the timer of the first may be on its way still
  loop_.run();
  EXPECT_THAT(ended(), ElementsAre(2));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(100));
}

TEST_F(PendingSessionsTest, OnceClosedItEndsNothing) {
  start(milliseconds(1), 1);
  pending_->began(1);
  pending_->close();
  pending_->began(2);
  pending_->began(3);
  loop_.run();
  EXPECT_THAT(ended_, IsEmpty());
}

}  // namespace
}  // namespace cppipc::server::pending_sessions_test
