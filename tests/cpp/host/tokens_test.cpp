// SPDX-License-Identifier: Apache-2.0
#include "host/tokens.h"

#include <gtest/gtest.h>

#include <cppipc/error.h>

#include <atomic>
#include <set>
#include <thread>

#include "host/instance.h"
#include "support/leak_check.h"

namespace cppipc::tokens_test {
namespace {

using namespace std::chrono_literals;
using test::eventually;

constexpr auto kNever = 1h;
const std::string kPeer = "uid 1000";

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
  const auto token = tokens_->give(1, kPeer, thing);
  EXPECT_EQ(tokens_->find(token, kPeer), thing);
  thing.reset();
  EXPECT_EQ(tokens_->find(token, kPeer), weak.lock());
  EXPECT_NE(tokens_->find(token, kPeer), nullptr);
}

TEST_F(TokensTest, ATokenIsRenewedForItsObjectAndSessionOnly) {
  start(kNever);
  const auto thing = object(), other = object();
  const auto token = tokens_->give(1, kPeer, thing);
  EXPECT_EQ(tokens_->give(1, kPeer, thing, token), token);
  EXPECT_EQ(tokens_->count(), 1u);
  EXPECT_NE(tokens_->give(1, kPeer, thing), token);
  EXPECT_NE(tokens_->give(2, kPeer, thing, token), token);
  EXPECT_NE(tokens_->give(1, kPeer, other, token), token);
  EXPECT_NE(tokens_->give(1, kPeer, thing, std::span(token).first(15)), token);
  const auto once = tokens_->give_once(1, thing);
  EXPECT_NE(tokens_->give(1, kPeer, thing, once), once);
  tokens_->session_ended(1);
  EXPECT_NE(tokens_->give(1, kPeer, thing, token), token);
}

TEST_F(TokensTest, ATokenIsGoodForThePeerItWasGivenTo) {
  start(kNever);
  const auto thing = object();
  const auto token = tokens_->give(1, kPeer, thing);
  try {
    tokens_->find(token, "uid 1001");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotPermitted);
    EXPECT_STREQ(error.what(),
                 "the reference was made by uid 1000, and is good for nobody else; this session "
                 "is one of uid 1001");
  }
  EXPECT_EQ(tokens_->find(token, kPeer), thing);
  EXPECT_EQ(tokens_->find(tokens_->give_once(1, thing), "uid 1001"), thing);
}

TEST_F(TokensTest, WhatIsNoTokenFindsNothing) {
  start(kNever);
  auto token = tokens_->give(1, kPeer, object());
  EXPECT_EQ(tokens_->find({}, kPeer), nullptr);
  EXPECT_EQ(tokens_->find(std::span(token).first(15), kPeer), nullptr);
  token[7] ^= 1;
  EXPECT_EQ(tokens_->find(token, kPeer), nullptr);
}

TEST_F(TokensTest, ATokenThatIsGoodOnceIsANewOneEachTime) {
  start(kNever);
  const auto thing = object();
  const auto lasting = tokens_->give(1, kPeer, thing);
  const auto once = tokens_->give_once(1, thing);
  EXPECT_NE(tokens_->give_once(1, thing), once);
  EXPECT_EQ(tokens_->find(once, kPeer), thing);
  EXPECT_EQ(tokens_->find(once, kPeer), nullptr);
  EXPECT_EQ(tokens_->find(lasting, kPeer), thing);
  EXPECT_EQ(tokens_->count(), 2u);
}

TEST_F(TokensTest, AnOldTokenKeepsItsObjectNoLongerAndIsGoodWhileItLives) {
  start(1ms);
  auto kept = object();
  const auto token = tokens_->give(1, kPeer, kept);
  const auto lonely = tokens_->give(1, kPeer, object());
  const auto once = tokens_->give_once(1, kept);
  EXPECT_TRUE(eventually([&] { return let_go_ == 3; }));
  EXPECT_EQ(tokens_->find(lonely, kPeer), nullptr);
  EXPECT_EQ(tokens_->find(once, kPeer), nullptr);
  EXPECT_EQ(tokens_->find(token, kPeer), kept);
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(tokens_->give(1, kPeer, kept, token), token);
  kept.reset();
  EXPECT_TRUE(eventually([&] { return let_go_ == 4; }));
  EXPECT_EQ(tokens_->find(token, kPeer), nullptr);
  EXPECT_EQ(tokens_->count(), 0u);
}

TEST_F(TokensTest, PastItsQuotaASessionIsRefusedAndNoOther) {
  start(kNever, 2);
  const auto thing = object();
  const auto token = tokens_->give(1, kPeer, thing);
  tokens_->give_once(1, object());
  EXPECT_THROW(tokens_->give(1, kPeer, object()), Error);
  EXPECT_THROW(tokens_->give_once(1, object()), Error);
  tokens_->give(1, kPeer, thing, token);  // no further one
  tokens_->give(2, kPeer, object());
  EXPECT_EQ(tokens_->count(), 3u);
}

TEST_F(TokensTest, TokensOfObjectsThatAreGoneMakeRoom) {
  start(1ms, 2);
  tokens_->give(1, kPeer, object());
  tokens_->give(1, kPeer, object());
  EXPECT_TRUE(eventually([&] { return let_go_ == 2; }));
  tokens_->give(1, kPeer, object());
  EXPECT_EQ(tokens_->count(), 1u);
}

TEST_F(TokensTest, ASessionsTokensStayForTheirTimeOnceItIsOver) {
  start(kNever, 2);
  const auto thing = object();
  const auto token = tokens_->give(1, kPeer, thing);
  const auto once = tokens_->give_once(1, thing);
  tokens_->session_ended(1);
  EXPECT_EQ(tokens_->find(token, kPeer), thing);
  EXPECT_EQ(tokens_->find(once, kPeer), nullptr);
  // So many of sessions that are over, and the oldest go first.
  for (std::uint64_t session = 2; session < 4; ++session) {
    tokens_->give(session, kPeer, thing);
    tokens_->session_ended(session);
  }
  EXPECT_EQ(tokens_->find(token, kPeer), nullptr);
  EXPECT_EQ(tokens_->count(), 2u);
}

TEST_F(TokensTest, OldTokensEndWithTheirSession) {
  start(1ms);
  const auto thing = object();
  const auto token = tokens_->give(1, kPeer, thing);
  EXPECT_TRUE(eventually([&] { return let_go_ == 1; }));
  tokens_->session_ended(1);
  EXPECT_EQ(tokens_->find(token, kPeer), nullptr);
}

TEST_F(TokensTest, AnObjectAtThePlaceOfOneThatIsGoneHasATokenOfItsOwn) {
  start(1ms);
  std::set<Tokens::Token> seen;
  for (int i = 0; i < 50; ++i) {  // the allocator gives the same place again and again
    auto thing = object();
    const auto token = tokens_->give(1, kPeer, thing);
    EXPECT_TRUE(seen.insert(token).second);
    EXPECT_EQ(tokens_->find(token, kPeer), thing);
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
        EXPECT_EQ(tokens_->find(tokens_->give(session, kPeer, kept), kPeer), kept);
        const auto once = tokens_->find(tokens_->give_once(session, kept), kPeer);
        EXPECT_TRUE(once == kept || once == nullptr);  // it may be too old already
        tokens_->give(session, kPeer, object());
        if (i % 100 == 99) tokens_->session_ended(session);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return tokens_->count() == 0; }));
}

TEST_F(TokensTest, AfterTheStopThereAreNone) {
  start(kNever);
  const auto token = tokens_->give(1, kPeer, object());
  tokens_->stop();
  EXPECT_EQ(let_go_, 1);
  EXPECT_EQ(tokens_->find(token, kPeer), nullptr);
  EXPECT_THROW(tokens_->give(1, kPeer, object()), Error);
  tokens_->stop();
}

}  // namespace
}  // namespace cppipc::tokens_test
