// SPDX-License-Identifier: Apache-2.0
#include "host/tokens.h"

#include <gtest/gtest.h>

#include <cppipc/error.h>

#include <atomic>
#include <set>
#include <thread>

#include "host/instance.h"
#include "support/leak_check.h"

namespace cppipc {
namespace {

using namespace std::chrono_literals;
using test::eventually;

constexpr auto kNever = 1h;

class TokensTest : public test::LeakCheck {
 protected:
  void start(std::chrono::milliseconds lifetime, std::uint64_t session_max = 100) {
    tokens_ = std::make_unique<Tokens>(session_max, lifetime,
                                       [this](std::shared_ptr<Instance>) { ++let_go_; });
  }
  void TearDown() override {
    tokens_.reset();
    LeakCheck::TearDown();
  }
  std::shared_ptr<Instance> object() {
    return instances_->find_or_add(LocalObject(std::make_shared<int>(0), type_));
  }

  TypeInfo type_;
  std::shared_ptr<Instances> instances_ = std::make_shared<Instances>();
  std::atomic<int> let_go_{0};
  std::unique_ptr<Tokens> tokens_;
};

TEST_F(TokensTest, ATokenFindsItsObjectAndKeepsIt) {
  start(kNever);
  auto thing = object();
  const std::weak_ptr<Instance> weak = thing;
  const auto token = tokens_->give(1, thing, false);
  EXPECT_EQ(tokens_->find(token), thing);
  thing.reset();
  EXPECT_EQ(tokens_->find(token), weak.lock());
  EXPECT_NE(tokens_->find(token), nullptr);
}

TEST_F(TokensTest, AnObjectHasOneTokenInASessionAndAnotherInEachOther) {
  start(kNever);
  const auto thing = object(), other = object();
  const auto token = tokens_->give(1, thing, false);
  EXPECT_EQ(tokens_->give(1, thing, false), token);
  EXPECT_NE(tokens_->give(2, thing, false), token);
  EXPECT_NE(tokens_->give(1, other, false), token);
  EXPECT_EQ(tokens_->count(), 3u);
}

TEST_F(TokensTest, WhatIsNoTokenFindsNothing) {
  start(kNever);
  auto token = tokens_->give(1, object(), false);
  EXPECT_EQ(tokens_->find({}), nullptr);
  EXPECT_EQ(tokens_->find(std::span(token).first(15)), nullptr);
  token[7] ^= 1;
  EXPECT_EQ(tokens_->find(token), nullptr);
}

TEST_F(TokensTest, ATokenThatIsGoodOnceIsANewOneEachTime) {
  start(kNever);
  const auto thing = object();
  const auto lasting = tokens_->give(1, thing, false);
  const auto once = tokens_->give(1, thing, true);
  EXPECT_NE(tokens_->give(1, thing, true), once);
  EXPECT_EQ(tokens_->find(once), thing);
  EXPECT_EQ(tokens_->find(once), nullptr);
  EXPECT_EQ(tokens_->find(lasting), thing);
  EXPECT_EQ(tokens_->count(), 2u);
}

TEST_F(TokensTest, AnOldTokenKeepsItsObjectNoLongerAndIsGoodWhileItLives) {
  start(1ms);
  auto kept = object();
  const auto token = tokens_->give(1, kept, false);
  const auto lonely = tokens_->give(1, object(), false);
  const auto once = tokens_->give(1, kept, true);
  EXPECT_TRUE(eventually([&] { return let_go_ == 3; }));
  EXPECT_EQ(tokens_->find(lonely), nullptr);
  EXPECT_EQ(tokens_->find(once), nullptr);
  EXPECT_EQ(tokens_->find(token), kept);
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(tokens_->give(1, kept, false), token);
  kept.reset();
  EXPECT_TRUE(eventually([&] { return let_go_ == 4; }));
  EXPECT_EQ(tokens_->find(token), nullptr);
  EXPECT_EQ(tokens_->count(), 0u);
}

TEST_F(TokensTest, PastItsQuotaASessionIsRefusedAndNoOther) {
  start(kNever, 2);
  const auto thing = object();
  tokens_->give(1, thing, false);
  tokens_->give(1, object(), true);
  EXPECT_THROW(tokens_->give(1, object(), false), Error);
  EXPECT_THROW(tokens_->give(1, object(), true), Error);
  tokens_->give(1, thing, false);  // no further one
  tokens_->give(2, object(), false);
  EXPECT_EQ(tokens_->count(), 3u);
}

TEST_F(TokensTest, TokensOfObjectsThatAreGoneMakeRoom) {
  start(1ms, 2);
  tokens_->give(1, object(), false);
  tokens_->give(1, object(), false);
  EXPECT_TRUE(eventually([&] { return let_go_ == 2; }));
  tokens_->give(1, object(), false);
  EXPECT_EQ(tokens_->count(), 1u);
}

TEST_F(TokensTest, ASessionsTokensStayForTheirTimeOnceItIsOver) {
  start(kNever, 2);
  const auto thing = object();
  const auto token = tokens_->give(1, thing, false);
  const auto once = tokens_->give(1, thing, true);
  tokens_->session_ended(1);
  EXPECT_EQ(tokens_->find(token), thing);
  EXPECT_EQ(tokens_->find(once), nullptr);
  // So many of sessions that are over, and the oldest go first.
  for (std::uint64_t session = 2; session < 4; ++session) {
    tokens_->give(session, thing, false);
    tokens_->session_ended(session);
  }
  EXPECT_EQ(tokens_->find(token), nullptr);
  EXPECT_EQ(tokens_->count(), 2u);
}

TEST_F(TokensTest, OldTokensEndWithTheirSession) {
  start(1ms);
  const auto thing = object();
  const auto token = tokens_->give(1, thing, false);
  EXPECT_TRUE(eventually([&] { return let_go_ == 1; }));
  tokens_->session_ended(1);
  EXPECT_EQ(tokens_->find(token), nullptr);
}

TEST_F(TokensTest, AnObjectAtThePlaceOfOneThatIsGoneHasATokenOfItsOwn) {
  start(1ms);
  std::set<Tokens::Token> seen;
  for (int i = 0; i < 50; ++i) {  // the allocator gives the same place again and again
    auto thing = object();
    const auto token = tokens_->give(1, thing, false);
    EXPECT_TRUE(seen.insert(token).second);
    EXPECT_EQ(tokens_->find(token), thing);
    const int aged = i + 1;
    EXPECT_TRUE(eventually([&] { return let_go_ == aged; }));
  }
}

TEST_F(TokensTest, ManyThreadsAtOnce) {
  start(1ms, 1'000'000);
  std::vector<std::thread> threads;
  for (std::uint64_t session = 1; session <= 4; ++session) {
    threads.emplace_back([this, session] {
      const auto kept = object();
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(tokens_->find(tokens_->give(session, kept, false)), kept);
        const auto once = tokens_->find(tokens_->give(session, kept, true));
        EXPECT_TRUE(once == kept || once == nullptr);  // it may be too old already
        tokens_->give(session, object(), false);
        if (i % 100 == 99) tokens_->session_ended(session);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return tokens_->count() == 0; }));
}

TEST_F(TokensTest, AfterTheStopThereAreNone) {
  start(kNever);
  const auto token = tokens_->give(1, object(), false);
  tokens_->stop();
  EXPECT_EQ(let_go_, 1);
  EXPECT_EQ(tokens_->find(token), nullptr);
  EXPECT_THROW(tokens_->give(1, object(), false), Error);
  tokens_->stop();
}

}  // namespace
}  // namespace cppipc
