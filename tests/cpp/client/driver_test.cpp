// SPDX-License-Identifier: Apache-2.0
// Who reads the socket: leader, followers, watcher. The peer on the other side is pumped by the
// test, so it decides when a reply comes.
#include "client/driver.h"
#include "rpc/waited_reply.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <thread>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::driver_test {
namespace {

using test::answer;
using test::eventually;
using test::Servant;

using ReplyPtr = std::shared_ptr<WaitedReply>;

class DriverTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    auto [ours, theirs] = test::socket_pair();
    server_ = std::make_shared<Peer>(std::move(theirs), test::kMessageBytes, nullptr);
    server_->offer(bootstrap_);
    const auto poller = std::make_shared<Poller>();
    peer_ = std::make_shared<Peer>(std::move(ours), test::kMessageBytes,
                                   std::make_shared<ImportSource>(poller));
    driver_ = std::make_shared<Driver>(peer_, poller, [this](const Error& error) {
      ++ends_;
      peer_->disconnect(error);
    });
    driver_->start();
    const auto reply = std::make_shared<WaitedReply>();
    peer_->ask_bootstrap(reply);
    server_->receive();
    ASSERT_TRUE(wait(*reply));
    target_ = std::get<std::shared_ptr<Import>>(reply->returned.caps.at(0));
  }
  void TearDown() override {
    bootstrap_->calls.clear();
    peer_->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    server_->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    driver_->stop();
    target_.reset();
    driver_.reset();
    peer_.reset();
    server_.reset();
    LeakCheck::TearDown();
  }

  ReplyPtr send(bool is_awaited = true) {
    auto builder = peer_->begin_call(target_, test::kInterface, 7, 32);
    builder.params<wire::Reference>();
    auto reply = std::make_shared<WaitedReply>();
    driver_->send(std::move(builder), reply, is_awaited);
    return reply;
  }
  bool wait(WaitedReply& reply, std::chrono::milliseconds most = test::kDeadline,
            const std::function<void()>& interrupt = {}) {
    return driver_->wait(reply.waiter, Driver::Clock::now() + most, interrupt);
  }
  // The server takes calls until it has `count`.
  bool arrived(std::size_t count) {
    return eventually([&] {
      server_->receive();
      return bootstrap_->calls.size() >= count;
    });
  }
  void answer_at(std::size_t index) { answer(bootstrap_->calls.at(index), "ok"); }

  std::shared_ptr<Servant> bootstrap_ = std::make_shared<Servant>();
  std::shared_ptr<Peer> server_, peer_;
  std::shared_ptr<Driver> driver_;
  std::shared_ptr<Import> target_;
  std::atomic<int> ends_{0};
};

TEST_F(DriverTest, AThreadThatWaitsReadsItsReply) {
  const auto reply = send();
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  EXPECT_TRUE(wait(*reply));
  EXPECT_TRUE(wait(*reply));  // it is done
}

TEST_F(DriverTest, AWaitEndsInTime) {
  const auto reply = send();
  EXPECT_FALSE(wait(*reply, std::chrono::milliseconds(5)));
  EXPECT_FALSE(wait(*reply, std::chrono::milliseconds(0)));
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  EXPECT_TRUE(wait(*reply));
}

TEST_F(DriverTest, TheWatcherReadsWhatNobodyWaitsFor) {
  const auto reply = send(false);
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  EXPECT_TRUE(eventually([&] { return reply->waiter.is_done(); }));
}

TEST_F(DriverTest, CallsOfABurstAllLeaveThoughNobodyWaits) {
  for (std::size_t round = 1; round <= 20; ++round) {
    std::vector<ReplyPtr> replies;
    for (int i = 0; i < 50; ++i) replies.push_back(send(false));
    ASSERT_TRUE(arrived(50));
    for (std::size_t i = 0; i < 50; ++i) answer_at(i);
    for (const auto& reply : replies) {
      EXPECT_TRUE(eventually([&] { return reply->waiter.is_done(); }));
    }
    bootstrap_->calls.clear();
  }
}

TEST_F(DriverTest, CallsOfABurstLeaveWhileAnotherThreadReads) {
  const auto held = send();
  std::thread reader([&] { EXPECT_TRUE(wait(*held)); });
  ASSERT_TRUE(arrived(1));
  for (int i = 0; i < 200; ++i) send(false);
  EXPECT_TRUE(arrived(201));
  answer_at(0);
  reader.join();
}

TEST_F(DriverTest, WhoWaitsSendsWhatWasGathered) {
  std::vector<ReplyPtr> replies;
  for (int i = 0; i < 50; ++i) replies.push_back(send(false));
  EXPECT_FALSE(wait(*replies.back(), std::chrono::milliseconds(0)));
  EXPECT_FALSE(peer_->connection().has_queued());
  EXPECT_TRUE(arrived(50));
}

TEST_F(DriverTest, TheWatcherReadsWhatIsLeftWhenAWaiterGivesUp) {
  const auto reply = send();
  EXPECT_FALSE(wait(*reply, std::chrono::milliseconds(5)));
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  EXPECT_TRUE(eventually([&] { return reply->waiter.is_done(); }));
}

TEST_F(DriverTest, RepliesReachAllThreadsInAnyOrder) {
  constexpr std::size_t kThreads = 5;
  std::vector<ReplyPtr> replies;
  for (std::size_t i = 0; i < kThreads; ++i) replies.push_back(send());
  ASSERT_TRUE(arrived(kThreads));
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(wait(*replies[i]));
      ++done;
    });
  }
  int answered = 0;
  for (const std::size_t i : {3, 0, 4, 1, 2}) {
    answer_at(i);
    ++answered;
    EXPECT_TRUE(eventually([&] { return done == answered; }));
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(DriverTest, FollowersGoOnWhenTheLeaderLeavesInEveryWay) {
  struct Interrupted {};
  for (int round = 0; round < 6; ++round) {
    bootstrap_->calls.clear();
    const auto first = send(), second = send();
    ASSERT_TRUE(arrived(2));
    std::atomic<bool> is_over{false};
    std::thread leader([&] {
      if (round % 3 == 0) {
        EXPECT_FALSE(wait(*first, std::chrono::milliseconds(10)));
      } else if (round % 3 == 1) {
        EXPECT_THROW(wait(*first, test::kDeadline, [] { throw Interrupted{}; }), Interrupted);
      } else {
        EXPECT_TRUE(wait(*first));
      }
      is_over = true;
    });
    std::thread follower([&] { EXPECT_TRUE(wait(*second)); });
    if (round % 3 == 2) answer_at(0);
    EXPECT_TRUE(eventually([&] { return is_over.load(); }));
    answer_at(1);
    leader.join();
    follower.join();
  }
}

TEST_F(DriverTest, TheInterruptIsCalledNowAndThenAndAfterASignal) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  const auto first = send(), second = send();
  ASSERT_TRUE(arrived(2));
  std::atomic<int> leads{0}, follows{0};
  std::thread leader([&] { EXPECT_TRUE(wait(*first, test::kDeadline, [&] { ++leads; })); });
  std::thread follower([&] { EXPECT_TRUE(wait(*second, test::kDeadline, [&] { ++follows; })); });
  EXPECT_TRUE(eventually([&] { return leads > 1 && follows > 1; }));
  const int leads_before = leads, follows_before = follows;
  ::pthread_kill(leader.native_handle(), SIGUSR1);
  ::pthread_kill(follower.native_handle(), SIGUSR1);
  EXPECT_TRUE(eventually([&] { return leads > leads_before && follows > follows_before; }));
  answer_at(0);
  answer_at(1);
  leader.join();
  follower.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(DriverTest, DroppedReferencesLeaveWithoutAnyCall) {
  for (int round = 0; round < 3; ++round) {
    const auto object = std::make_shared<Servant>();
    bootstrap_->calls.clear();
    auto reply = send();
    ASSERT_TRUE(arrived(1));
    answer(bootstrap_->calls[0], "here", object);
    ASSERT_TRUE(wait(*reply));
    reply.reset();
    EXPECT_TRUE(eventually([&] {
      server_->receive();
      return object.use_count() == 1;
    }));
  }
}

TEST_F(DriverTest, NoticesThatARepliesWasReceivedLeaveWithoutAnyCall) {
  const auto reply = send();
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  ASSERT_TRUE(wait(*reply));
  const auto before = server_->connection().received_bytes();
  EXPECT_TRUE(eventually([&] {
    server_->receive();
    return server_->connection().received_bytes() > before;
  }));
}

TEST_F(DriverTest, AnIdleWatcherSleeps) {
  // Once everything has left, the watcher waits for the socket, and its clock stands still.
  const auto watcher_time = [] {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  EXPECT_TRUE(eventually([&] {
    const auto before = watcher_time();
    ::poll(nullptr, 0, 300);
    return watcher_time() - before < std::chrono::milliseconds(3);
  }));
}

TEST_F(DriverTest, TheEndReachesEverybodyOnce) {
  std::vector<ReplyPtr> replies;
  for (int i = 0; i < 3; ++i) replies.push_back(send());
  const auto unwatched = send(false);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(wait(*replies[static_cast<std::size_t>(i)])); });
  }
  server_->disconnect(Error(ErrorKind::kConnectionLost, "pulled"));
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return unwatched->waiter.is_done(); }));
  for (const auto& reply : replies) {
    EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kConnectionLost);
  }
  EXPECT_EQ(ends_, 1);
  const auto late = send();
  EXPECT_TRUE(wait(*late));
}

TEST_F(DriverTest, TheEndIsNoticedWhileNobodyWaits) {
  server_->disconnect(Error(ErrorKind::kConnectionLost, "pulled"));
  EXPECT_TRUE(eventually([&] { return ends_ == 1; }));
}

TEST_F(DriverTest, AReplyThatComesWithTheEndIsNotLostAndTheEndIsSeen) {
  const auto reply = send();
  ASSERT_TRUE(arrived(1));
  answer_at(0);
  server_->disconnect(Error(ErrorKind::kConnectionLost, "pulled"));
  EXPECT_TRUE(wait(*reply));
  EXPECT_FALSE(reply->returned.error);
  EXPECT_TRUE(eventually([&] { return ends_ == 1; }));
}

TEST_F(DriverTest, GarbageEndsTheConnection) {
  const auto reply = send();
  ASSERT_TRUE(arrived(1));
  ASSERT_TRUE(
      test::write_all(server_->connection().fd(), std::vector<std::byte>(16, std::byte{0xff})));
  EXPECT_TRUE(wait(*reply));
  EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kProtocol);
}

TEST_F(DriverTest, WhatAFullSocketRefusedIsSentWhenThereIsRoom) {
  constexpr std::size_t kCalls = 3000;
  std::vector<ReplyPtr> replies;
  for (std::size_t i = 0; i < kCalls; ++i) replies.push_back(send(false));
  EXPECT_TRUE(arrived(kCalls));
}

}  // namespace
}  // namespace cppipc::driver_test
