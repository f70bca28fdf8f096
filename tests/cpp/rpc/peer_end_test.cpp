// SPDX-License-Identifier: Apache-2.0
// The end of a connection, in every state.
#include <gtest/gtest.h>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::peer_end_test {
namespace {

using test::answer;
using test::call;
using test::PeerPair;
using test::Reply;
using test::Servant;

using PeerEnd = test::LeakCheck;

Error gone(const char* why = "gone") { return Error(ErrorKind::kServerCrashed, why); }

TEST_F(PeerEnd, CallsWithoutReplyGetTheError) {
  PeerPair pair;
  const auto first = call(*pair.left, pair.target, "1");
  const auto second = call(*pair.left, pair.target, "2");
  pair.left->disconnect(gone());
  for (const auto& reply : {first, second}) {
    ASSERT_EQ(reply->count, 1);
    EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kServerCrashed);
  }
  EXPECT_TRUE(pair.left->is_disconnected());
  EXPECT_EQ(pair.left->questions_open(), 0u);
}

TEST_F(PeerEnd, LaterCallsGetTheFirstErrorAtOnce) {
  PeerPair pair;
  pair.left->disconnect(gone("first"));
  pair.left->disconnect(gone("second"));
  const auto reply = call(*pair.left, pair.target, "x");
  ASSERT_EQ(reply->count, 1);
  EXPECT_STREQ(reply->returned.error->what(), "first");
  const auto bootstrap = std::make_shared<Reply>();
  pair.left->ask_bootstrap(bootstrap);
  ASSERT_EQ(bootstrap->count, 1);
  EXPECT_STREQ(bootstrap->returned.error->what(), "first");
}

TEST_F(PeerEnd, TheOtherSideSeesTheEnd) {
  PeerPair pair;
  pair.left->disconnect(gone());
  EXPECT_EQ(pair.right->receive(), Connection::State::kEnded);
}

TEST_F(PeerEnd, WhatThePeerHeldIsReleased) {
  PeerPair pair;
  const auto object = std::make_shared<Servant>();
  const auto reply = call(*pair.left, pair.target, "get");
  pair.pump();
  answer(pair.bootstrap->calls.front(), "here", object);
  pair.pump();
  EXPECT_EQ(object->releases, 0);
  pair.right->disconnect(gone());
  EXPECT_EQ(object->releases, 1);
  EXPECT_EQ(pair.bootstrap->releases, 1);
  pair.bootstrap->calls.clear();
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(PeerEnd, AReplyAfterTheEndIsDropped) {
  PeerPair pair;
  const auto object = std::make_shared<Servant>();
  call(*pair.left, pair.target, "get");
  pair.pump();
  pair.right->disconnect(gone());
  answer(pair.bootstrap->calls.front(), "here", object);
  EXPECT_EQ(object.use_count(), 1);
}

TEST_F(PeerEnd, ACallInHandsMayBeDroppedAfterTheEnd) {
  PeerPair pair;
  call(*pair.left, pair.target, "get");
  pair.pump();
  pair.right->disconnect(gone());
  pair.bootstrap->calls.clear();
}

TEST_F(PeerEnd, ACallKeepsItsPeer) {
  PeerPair pair;
  call(*pair.left, pair.target, "get");
  pair.pump();
  auto kept = std::move(pair.bootstrap->calls.front());
  pair.bootstrap->calls.clear();
  std::weak_ptr<Peer> peer = pair.right;
  pair.right->disconnect(gone());
  auto other = std::exchange(pair.right, pair.left);
  other.reset();
  EXPECT_FALSE(peer.expired());
  kept.fail("whom to?");
  EXPECT_TRUE(peer.expired());
}

TEST_F(PeerEnd, ReferencesMayBeDroppedAfterTheEnd) {
  PeerPair pair;
  call(*pair.left, pair.target, "x", pair.target);
  pair.left->disconnect(gone());
  pair.target.reset();
  pair.left->carry_out_let_go();
}

TEST_F(PeerEnd, ReferencesMayOutliveTheirPeer) {
  std::shared_ptr<Import> import;
  {
    PeerPair pair;
    import = pair.target;
  }
  EXPECT_NE(import->connection(), nullptr);
  import.reset();
}

TEST_F(PeerEnd, AReplyMayEndTheConnection) {
  struct Ending final : PendingReply {
    void on_return(Returned) override { peer->disconnect(gone()); }
    std::shared_ptr<Peer> peer;
  };
  PeerPair pair;
  const auto ending = std::make_shared<Ending>();
  ending->peer = pair.left;
  auto builder = pair.left->begin_call(pair.target, test::kInterface, 7, 8);
  builder.params<wire::Reference>();
  pair.left->send(std::move(builder), ending, Connection::Flush::kNow);
  const auto other = call(*pair.left, pair.target, "other");
  pair.pump();
  answer(pair.bootstrap->calls.front(), "x");
  pair.pump();
  EXPECT_TRUE(pair.left->is_disconnected());
  EXPECT_EQ(other->count, 1);
  ending->peer.reset();
}

TEST_F(PeerEnd, AnExportMayCallWhileItIsReleased) {
  struct Calling final : Exported {
    void call(IncomingCall) override {}
    void released() override { reply = test::call(*peer, target, "bye"); }
    std::shared_ptr<Peer> peer;
    std::shared_ptr<Import> target;
    std::shared_ptr<Reply> reply;
  };
  PeerPair pair;
  const auto calling = std::make_shared<Calling>();
  calling->peer = pair.left;
  calling->target = pair.target;
  call(*pair.left, pair.target, "take", calling);
  pair.left->disconnect(gone());
  ASSERT_TRUE(calling->reply);
  EXPECT_EQ(calling->reply->count, 1);
  calling->peer.reset();
}

TEST_F(PeerEnd, AMessageThatArrivedBeforeTheEndIsHandled) {
  PeerPair pair;
  call(*pair.left, pair.target, "last");
  pair.left->disconnect(gone());
  pair.right->connection().expect_end();
  EXPECT_EQ(pair.right->receive(), Connection::State::kEnded);
  EXPECT_EQ(pair.bootstrap->calls.size(), 1u);
}

}  // namespace
}  // namespace cppipc::peer_end_test
