// SPDX-License-Identifier: Apache-2.0
#include "rpc/peer.h"

#include <gtest/gtest.h>

#include <optional>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::peer_test {
namespace {

using test::answer;
using test::call;
using test::PeerPair;
using test::Reply;
using test::Servant;
using test::text_of;

using PeerTest = test::LeakCheck;

TEST_F(PeerTest, ACallReachesTheMethodAndItsReplyTheCaller) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "hello");
  EXPECT_EQ(pair.left->questions_open(), 1u);
  pair.pump();
  ASSERT_EQ(pair.bootstrap->calls.size(), 1u);
  auto& incoming = pair.bootstrap->calls.front();
  EXPECT_EQ(incoming.interface_id(), test::kInterface);
  EXPECT_EQ(incoming.method_id(), 7);
  EXPECT_EQ(text_of(incoming), "hello");
  EXPECT_FALSE(reply->is_there());
  answer(incoming, "world");
  pair.pump();
  ASSERT_TRUE(reply->is_there());
  EXPECT_EQ(reply->text(), "world");
  EXPECT_EQ(pair.left->questions_open(), 0u);
}

TEST_F(PeerTest, RepliesMayComeInAnyOrder) {
  PeerPair pair;
  std::vector<std::string> log;
  std::vector<std::shared_ptr<Reply>> replies;
  for (const char* name : {"a", "b", "c"}) {
    replies.push_back(call(*pair.left, pair.target, name));
    replies.back()->log = &log;
    replies.back()->name = name;
  }
  pair.pump();
  ASSERT_EQ(pair.bootstrap->calls.size(), 3u);
  for (const int i : {2, 0, 1}) answer(pair.bootstrap->calls[static_cast<std::size_t>(i)], "ok");
  pair.pump();
  EXPECT_EQ(log, (std::vector<std::string>{"c", "a", "b"}));
}

TEST_F(PeerTest, BothSidesCallEachOther) {
  PeerPair pair;
  const auto callback = std::make_shared<Servant>(
      [](IncomingCall incoming) { answer(incoming, "back: " + text_of(incoming)); });
  const auto reply = call(*pair.left, pair.target, "take this", callback);
  pair.pump();
  auto& incoming = pair.bootstrap->calls.front();
  ASSERT_EQ(incoming.caps().size(), 1u);
  const auto import = std::get<std::shared_ptr<Import>>(incoming.caps()[0]);
  const auto inner = call(*pair.right, import, "ping");
  pair.pump();
  EXPECT_EQ(inner->text(), "back: ping");
  answer(incoming, "done");
  pair.pump();
  EXPECT_EQ(reply->text(), "done");
}

TEST_F(PeerTest, AFailureIsARemoteErrorWithItsReason) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "x");
  pair.pump();
  pair.bootstrap->calls.front().fail("out of order");
  pair.pump();
  ASSERT_TRUE(reply->returned.error);
  EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kRemote);
  EXPECT_STREQ(reply->returned.error->what(), "out of order");
}

TEST_F(PeerTest, ACallThatIsDroppedUnansweredFails) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "x");
  pair.pump();
  pair.bootstrap->calls.clear();
  pair.pump();
  ASSERT_TRUE(reply->is_there());
  EXPECT_TRUE(reply->returned.error);
}

TEST_F(PeerTest, ASecondAnswerIsIgnored) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "x");
  pair.pump();
  auto& incoming = pair.bootstrap->calls.front();
  auto late = incoming.begin_reply(8);
  answer(incoming, "first");
  incoming.fail("second");
  incoming.reply(std::move(late));
  pair.bootstrap->calls.clear();
  pair.pump();
  EXPECT_EQ(reply->text(), "first");
  EXPECT_EQ(reply->count, 1);
}

TEST_F(PeerTest, ACallMayBeMovedAndAnsweredLater) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "x");
  pair.pump();
  std::optional<IncomingCall> kept(std::move(pair.bootstrap->calls.front()));
  pair.bootstrap->calls.clear();
  pair.pump();
  EXPECT_FALSE(reply->is_there());
  answer(*kept, "later");
  pair.pump();
  EXPECT_EQ(reply->text(), "later");
}

TEST_F(PeerTest, NumbersOfQuestionsAreUsedAgain) {
  PeerPair pair;
  for (int i = 0; i < 1000; ++i) {
    const auto reply = call(*pair.left, pair.target, std::to_string(i));
    pair.pump();
    answer(pair.bootstrap->calls.front(), std::to_string(i));
    pair.bootstrap->calls.clear();
    pair.pump();
    ASSERT_EQ(reply->text(), std::to_string(i));
  }
}

TEST_F(PeerTest, ASideThatOffersNothingSaysSo) {
  PeerPair pair;
  auto reply = std::make_shared<Reply>();
  pair.right->ask_bootstrap(reply);
  pair.pump();
  EXPECT_EQ(reply->text(), "error: this side offers nothing");
}

TEST_F(PeerTest, ACapabilityInParamsIsReleasedWithTheCall) {
  PeerPair pair;
  const auto callback = std::make_shared<Servant>();
  call(*pair.left, pair.target, "take", callback);
  pair.pump();
  EXPECT_EQ(callback->releases, 0);
  answer(pair.bootstrap->calls.front(), "no, thanks");
  pair.pump();
  EXPECT_EQ(callback->releases, 1);
  EXPECT_EQ(callback.use_count(), 1);
}

TEST_F(PeerTest, TheReleaseOfParamsLeavesWithTheReply) {
  PeerPair pair;
  const auto callback = std::make_shared<Servant>();
  call(*pair.left, pair.target, "take", callback);
  pair.right->receive();
  answer(pair.bootstrap->calls.front(), "no, thanks");  // and nothing else happens on that side
  pair.left->receive();
  EXPECT_EQ(callback->releases, 1);
}

TEST_F(PeerTest, ACapabilityInParamsThatIsKeptLives) {
  PeerPair pair;
  const auto callback = std::make_shared<Servant>();
  call(*pair.left, pair.target, "take", callback);
  pair.pump();
  auto kept = std::get<std::shared_ptr<Import>>(pair.bootstrap->calls.front().caps()[0]);
  answer(pair.bootstrap->calls.front(), "mine");
  pair.pump();
  EXPECT_EQ(callback->releases, 0);
  kept.reset();
  pair.pump();
  EXPECT_EQ(callback->releases, 1);
}

TEST_F(PeerTest, OneCapabilitySentManyTimesIsOneImportAndReleasedOnce) {
  PeerPair pair;
  const auto object = std::make_shared<Servant>();
  std::vector<std::shared_ptr<Import>> imports;
  for (int i = 0; i < 5; ++i) {
    const auto reply = call(*pair.left, pair.target, "get");
    pair.pump();
    answer(pair.bootstrap->calls.back(), "here", object);
    pair.pump();
    imports.push_back(reply->import());
    ASSERT_TRUE(imports.back());
    EXPECT_EQ(imports.back(), imports.front());
  }
  imports.resize(1);
  pair.pump();
  EXPECT_EQ(object->releases, 0);
  imports.clear();
  pair.pump();
  EXPECT_EQ(object->releases, 1);
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(PeerTest, ACapabilityThatCrossesItsOwnReleaseLives) {
  PeerPair pair;
  const auto object = std::make_shared<Servant>();
  auto first = call(*pair.left, pair.target, "get");
  pair.pump();
  answer(pair.bootstrap->calls.back(), "here", object);
  pair.pump();
  // The peer sends it again while our release is on the way.
  const auto second = call(*pair.left, pair.target, "get");
  pair.right->receive();
  answer(pair.bootstrap->calls.back(), "here", object);
  first->returned = {};
  first.reset();
  pair.left->carry_out_let_go();
  pair.left->connection().flush();
  pair.pump();
  EXPECT_EQ(object->releases, 0);
  const auto third = call(*pair.left, second->import(), "alive?");
  pair.pump();
  ASSERT_EQ(object->calls.size(), 1u);
  answer(object->calls.front(), "yes");
  object->calls.clear();
  pair.pump();
  EXPECT_EQ(third->text(), "yes");
  second->returned = {};
  pair.pump();
  EXPECT_EQ(object->releases, 1);
}

TEST_F(PeerTest, ACapabilityThatComesHomeIsTheVeryObject) {
  PeerPair pair;
  const auto callback = std::make_shared<Servant>();
  call(*pair.left, pair.target, "keep", callback);
  pair.pump();
  auto kept = std::get<std::shared_ptr<Import>>(pair.bootstrap->calls.front().caps()[0]);
  answer(pair.bootstrap->calls.front(), "kept", kept);
  pair.bootstrap->calls.clear();
  const auto second = call(*pair.left, pair.target, "give it back");
  pair.pump();
  answer(pair.bootstrap->calls.front(), "here", kept);
  pair.pump();
  ASSERT_EQ(second->returned.caps.size(), 1u);
  EXPECT_EQ(std::get<std::shared_ptr<Exported>>(second->returned.caps[0]), callback);
}

TEST_F(PeerTest, NumbersOfExportsAreUsedAgain) {
  PeerPair pair;
  std::optional<std::uint32_t> first;
  for (int i = 0; i < 10; ++i) {
    const auto object = std::make_shared<Servant>();
    const auto reply = call(*pair.left, pair.target, "get");
    pair.pump();
    answer(pair.bootstrap->calls.front(), "here", object);
    pair.bootstrap->calls.clear();
    pair.pump();
    if (!first) first = reply->import()->id();
    EXPECT_EQ(reply->import()->id(), *first);
    reply->returned = {};
    pair.pump();
    EXPECT_EQ(object->releases, 1);
  }
}

TEST_F(PeerTest, ACallOnAReleasedTargetIsStillDelivered) {
  PeerPair pair;
  const auto reply = call(*pair.left, pair.target, "last words");
  pair.target.reset();
  pair.left->carry_out_let_go();
  pair.left->connection().flush();
  pair.pump();
  EXPECT_EQ(pair.bootstrap->releases, 1);
  ASSERT_EQ(pair.bootstrap->calls.size(), 1u);
  answer(pair.bootstrap->calls.front(), "heard");
  pair.pump();
  EXPECT_EQ(reply->text(), "heard");
}

TEST_F(PeerTest, MessagesForLaterLeaveTogetherInOrder) {
  PeerPair pair;
  for (const char* text : {"1", "2", "3"}) {
    call(*pair.left, pair.target, text, {}, Connection::Flush::kLater);
  }
  pair.right->receive();
  EXPECT_TRUE(pair.bootstrap->calls.empty());
  call(*pair.left, pair.target, "4");
  pair.right->receive();
  ASSERT_EQ(pair.bootstrap->calls.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(text_of(pair.bootstrap->calls[static_cast<std::size_t>(i)]), std::to_string(i + 1));
  }
}

TEST_F(PeerTest, ReadingStopsAfterItsShare) {
  PeerPair pair;
  const std::string text(60'000, 'x');
  for (int i = 0; i < 3; ++i) call(*pair.left, pair.target, text);
  EXPECT_EQ(pair.right->receive(1), Connection::State::kMore);
  EXPECT_LT(pair.bootstrap->calls.size(), 3u);
  pair.pump();
  EXPECT_EQ(pair.bootstrap->calls.size(), 3u);
}

}  // namespace
}  // namespace cppipc::peer_test
