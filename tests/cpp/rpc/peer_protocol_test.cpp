// SPDX-License-Identifier: Apache-2.0
// Messages that break the protocol, and those that a level 1 peer need not know.
#include <gtest/gtest.h>

#include <cstring>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::peer_protocol_test {
namespace {

using test::answer;
using test::RawSide;
using test::Reply;
using test::Servant;
namespace rpc = capnp::rpc;
using Message = rpc::Message;

class ProtocolTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    auto [one, other] = test::socket_pair();
    peer_ = std::make_shared<Peer>(std::move(one), test::kMessageBytes, nullptr);
    raw_ = std::make_unique<RawSide>(std::move(other));
    peer_->offer(root_);
    raw_->bootstrap(0);
    peer_->receive();
    raw_->next();
    // And something of the raw side's that the peer holds.
    peer_->ask_bootstrap(reply_);
    const auto question = RawSide::root(raw_->next()).getBootstrap().getQuestionId();
    answer_with_cap(question, 40);
    peer_->receive();
    import_ = reply_->import();
    ASSERT_TRUE(import_);
    peer_->connection().flush();
    raw_->next();  // Finish
  }
  void TearDown() override {
    peer_->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    root_->calls.clear();
    EXPECT_EQ(root_.use_count(), 1);
    import_.reset();
    reply_.reset();
    peer_.reset();
    raw_.reset();
    LeakCheck::TearDown();
  }

  // A Return whose content is a capability of the raw side's.
  void answer_with_cap(std::uint32_t question, std::uint32_t id) {
    raw_->send([&](Message::Builder m) {
      auto header = m.initReturn();
      header.setAnswerId(question);
      header.setReleaseParamCaps(false);
      auto payload = header.initResults();
      payload.initCapTable(1)[0].setSenderHosted(id);
    });
  }
  // What ends the connection.
  ErrorKind end() {
    try {
      peer_->receive();
    } catch (const Error& error) {
      peer_->disconnect(error);
      return error.kind();
    }
    ADD_FAILURE() << "the connection goes on";
    return ErrorKind::kRemote;
  }
  // The last message of some kind that came back.
  std::unique_ptr<IncomingMessage> last() {
    std::unique_ptr<IncomingMessage> message;
    while (auto next = raw_->next()) message = std::move(next);
    return message;
  }

  std::shared_ptr<Servant> root_ = std::make_shared<Servant>();
  std::shared_ptr<Reply> reply_ = std::make_shared<Reply>();
  std::shared_ptr<Peer> peer_;
  std::unique_ptr<RawSide> raw_;
  std::shared_ptr<Import> import_;
};

TEST_F(ProtocolTest, AReturnForAQuestionThatIsOverEndsTheConnection) {
  raw_->send([&](Message::Builder m) { m.initReturn().setAnswerId(0); });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, AReturnForNoQuestionEndsTheConnection) {
  raw_->send([&](Message::Builder m) { m.initReturn().setAnswerId(0xffffffff); });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, ASecondReturnEndsTheConnection) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  answer_with_cap(id, 40);
  answer_with_cap(id, 40);
  EXPECT_EQ(end(), ErrorKind::kProtocol);
  EXPECT_EQ(reply->count, 1);
}

TEST_F(ProtocolTest, ACallOnNoExportEndsTheConnection) {
  raw_->call(5, 1234, "x");
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, ACallOnAReleasedExportEndsTheConnection) {
  raw_->release(0, 1);
  peer_->receive();
  EXPECT_EQ(root_->releases, 1);
  raw_->call(5, 0, "x");
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, ACallOnNoAnswerEndsTheConnection) {
  raw_->call_answer(5, 99, "x");
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, ACallOnAFinishedAnswerEndsTheConnection) {
  raw_->call(5, 0, "x");
  raw_->finish(5);
  raw_->call_answer(6, 5, "x");
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, TwoQuestionsOfOneNumberEndTheConnection) {
  raw_->call(5, 0, "x");
  raw_->call(5, 0, "y");
  EXPECT_EQ(end(), ErrorKind::kProtocol);
  EXPECT_EQ(root_->calls.size(), 1u);
}

TEST_F(ProtocolTest, ReleasingTooMuchEndsTheConnection) {
  raw_->release(0, 2);
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, ReleasingNothingOfOursEndsTheConnection) {
  raw_->release(77, 1);
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, FinishForNoQuestionEndsTheConnection) {
  raw_->finish(77);
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, FinishTwiceEndsTheConnection) {
  raw_->call(5, 0, "x");
  raw_->finish(5);
  raw_->finish(5);
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, AnArgumentThatThePeerDoesNotHoldEndsTheConnection) {
  raw_->send([&](Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(5);
    call.initTarget().setImportedCap(0);
    call.initParams().initCapTable(1)[0].setReceiverHosted(55);
  });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, AReplyThatBreaksTheProtocolStillEndsItsCall) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(id);
    header.initResults().initCapTable(1)[0].setReceiverHosted(55);
  });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
  ASSERT_EQ(reply->count, 1);
  EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, AReplyThatReleasesParamsTwiceStillEndsItsCall) {
  const auto argument = std::make_shared<Servant>();
  const auto reply = test::call(*peer_, import_, "x", argument);
  const auto message = raw_->next();
  const auto call = RawSide::root(message).getCall();
  raw_->release(call.getParams().getCapTable()[0].getSenderHosted(), 1);
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(call.getQuestionId());
    header.setReleaseParamCaps(true);
    header.initResults();
  });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
  EXPECT_EQ(reply->count, 1);
  EXPECT_EQ(argument->releases, 1);
}

TEST_F(ProtocolTest, AReplyMayReleaseTheParams) {
  const auto argument = std::make_shared<Servant>();
  const auto reply = test::call(*peer_, import_, "x", argument);
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(id);
    header.initResults();  // releaseParamCaps is true unless it is said otherwise
  });
  peer_->receive();
  EXPECT_TRUE(reply->is_there());
  EXPECT_EQ(argument->releases, 1);
  EXPECT_EQ(argument.use_count(), 1);
}

TEST_F(ProtocolTest, EveryReplyIsFinishedWithoutReleasingItsResults) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  answer_with_cap(id, 41);
  peer_->receive();
  peer_->connection().flush();
  const auto message = raw_->next();
  ASSERT_TRUE(RawSide::root(message).isFinish());
  EXPECT_EQ(RawSide::root(message).getFinish().getQuestionId(), id);
  EXPECT_FALSE(RawSide::root(message).getFinish().getReleaseResultCaps());
}

TEST_F(ProtocolTest, AnExceptionOfTheTypeDisconnectedIsALostConnection) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(id);
    auto exception = header.initException();
    exception.setReason("behind me");
    exception.setType(rpc::Exception::Type::DISCONNECTED);
  });
  peer_->receive();
  ASSERT_TRUE(reply->returned.error);
  EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kConnectionLost);
}

TEST_F(ProtocolTest, AReturnWithoutResultsIsACancelledCall) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(id);
    header.setCanceled();
  });
  peer_->receive();
  ASSERT_TRUE(reply->returned.error);
  EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kCancelled);
}

TEST_F(ProtocolTest, AbortEndsTheConnectionWithItsReason) {
  raw_->send([](Message::Builder m) { m.initAbort().setReason("enough"); });
  try {
    peer_->receive();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
    EXPECT_NE(std::string(error.what()).find("enough"), std::string::npos);
  }
}

TEST_F(ProtocolTest, UnimplementedEndsTheConnection) {
  raw_->send([](Message::Builder m) { m.initUnimplemented().initBootstrap(); });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, MessagesOfOtherLevelsAreReturnedAsUnimplemented) {
  raw_->send([](Message::Builder m) { m.initProvide().setQuestionId(9); });
  peer_->receive();
  auto message = last();
  ASSERT_TRUE(RawSide::root(message).isUnimplemented());
  EXPECT_EQ(RawSide::root(message).getUnimplemented().getProvide().getQuestionId(), 9u);
  raw_->send([](Message::Builder m) { m.initAccept(); });
  peer_->receive();
  EXPECT_TRUE(RawSide::root(last()).getUnimplemented().isAccept());
  raw_->send([](Message::Builder m) { m.initJoin(); });
  peer_->receive();
  EXPECT_TRUE(RawSide::root(last()).getUnimplemented().isJoin());
}

TEST_F(ProtocolTest, ResultsForSomebodyElseAreRefused) {
  raw_->send([](Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(5);
    call.initTarget().setImportedCap(0);
    call.initParams();
    call.getSendResultsTo().setYourself();
  });
  peer_->receive();
  const auto message = last();
  const auto header = RawSide::root(message).getReturn();
  ASSERT_TRUE(header.isException());
  EXPECT_EQ(header.getException().getType(), rpc::Exception::Type::UNIMPLEMENTED);
}

TEST_F(ProtocolTest, WhatAPromiseBecameIsReleased) {
  raw_->send([](Message::Builder m) {
    auto resolve = m.initResolve();
    resolve.setPromiseId(40);
    resolve.initCap().setSenderHosted(41);
  });
  peer_->receive();
  peer_->carry_out_let_go();
  peer_->connection().flush();
  const auto message = last();
  ASSERT_TRUE(RawSide::root(message).isRelease());
  EXPECT_EQ(RawSide::root(message).getRelease().getId(), 41u);
  EXPECT_EQ(RawSide::root(message).getRelease().getReferenceCount(), 1u);
}

TEST_F(ProtocolTest, APromiseIsCalledLikeACapability) {
  const auto reply = test::call(*peer_, import_, "x");
  const auto id = RawSide::root(raw_->next()).getCall().getQuestionId();
  raw_->send([&](Message::Builder m) {
    auto header = m.initReturn();
    header.setAnswerId(id);
    header.initResults().initCapTable(1)[0].setSenderPromise(50);
  });
  peer_->receive();
  ASSERT_TRUE(reply->import());
  test::call(*peer_, reply->import(), "y");
  EXPECT_EQ(RawSide::root(last()).getCall().getTarget().getImportedCap(), 50u);
}

TEST_F(ProtocolTest, AnEmbargoOnSomethingOfThePeersIsLooped) {
  // The peer passes something of its own, and gets it back as an answer.
  raw_->send([&](Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(5);
    call.initTarget().setImportedCap(0);
    auto params = call.initParams();
    params.initCapTable(1)[0].setSenderHosted(60);
  });
  peer_->receive();
  ASSERT_EQ(root_->calls.size(), 1u);
  const auto cap = root_->calls[0].caps()[0];
  answer(root_->calls[0], "yours", cap);
  raw_->send([](Message::Builder m) {
    auto disembargo = m.initDisembargo();
    auto promised = disembargo.initTarget().initPromisedAnswer();
    promised.setQuestionId(5);
    promised.initTransform(1)[0].setGetPointerField(0);
    disembargo.getContext().setSenderLoopback(1234);
  });
  peer_->receive();
  const auto message = last();
  ASSERT_TRUE(RawSide::root(message).isDisembargo());
  const auto loop = RawSide::root(message).getDisembargo();
  EXPECT_EQ(loop.getTarget().getImportedCap(), 60u);
  EXPECT_EQ(loop.getContext().getReceiverLoopback(), 1234u);
}

TEST_F(ProtocolTest, AnEmbargoOnSomethingOfOursEndsTheConnection) {
  raw_->send([](Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(0);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, TheEndOfAnEmbargoThatWasNotAskedForEndsTheConnection) {
  raw_->send([](Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(0);
    disembargo.getContext().setReceiverLoopback(1);
  });
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, AMessageWithoutARootEndsTheConnection) {
  const std::vector<std::byte> empty(8);  // one segment of no words
  ASSERT_TRUE(test::write_all(raw_->connection().fd(), empty));
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, PointersThatLeadOutsideEndTheConnection) {
  std::vector<std::uint64_t> words{std::uint64_t{2} << 32, 0x0001'0001'7fff'fffcull, 0};
  const auto* bytes = reinterpret_cast<const std::byte*>(words.data());
  ASSERT_TRUE(test::write_all(raw_->connection().fd(), {bytes, words.size() * 8}));
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

TEST_F(ProtocolTest, MessagesOfZerosAreUnimplementedOnes) {
  // All zeros are a Message of type `unimplemented`, which accuses us of something.
  std::vector<std::uint64_t> words{std::uint64_t{3} << 32, 0x0001'0001'0000'0000ull, 0, 0};
  const auto* bytes = reinterpret_cast<const std::byte*>(words.data());
  ASSERT_TRUE(test::write_all(raw_->connection().fd(), {bytes, words.size() * 8}));
  EXPECT_EQ(end(), ErrorKind::kProtocol);
}

}  // namespace
}  // namespace cppipc::peer_protocol_test
