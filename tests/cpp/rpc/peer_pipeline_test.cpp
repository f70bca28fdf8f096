// SPDX-License-Identifier: Apache-2.0
// Calls on answers, and what a peer may do with an answer. Our own peers make no such calls, so
// these are written by hand.
#include <gtest/gtest.h>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::peer_pipeline_test {
namespace {

using test::answer;
using test::RawSide;
using test::Servant;
using test::text_of;
namespace rpc = capnp::rpc;

class PipelineTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    auto [one, other] = test::socket_pair();
    peer_ = std::make_shared<Peer>(std::move(one), test::kMessageBytes, nullptr);
    raw_ = std::make_unique<RawSide>(std::move(other));
    peer_->offer(root_);
    raw_->bootstrap(0);
    peer_->receive();
    const auto message = raw_->next();
    const auto payload = RawSide::root(message).getReturn().getResults();
    root_id_ = payload.getCapTable()[0].getSenderHosted();
    raw_->finish(0);
    peer_->receive();
  }
  void TearDown() override {
    peer_->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    root_->calls.clear();
    EXPECT_EQ(root_.use_count(), 1);
    EXPECT_EQ(object_.use_count(), 1);
    peer_.reset();
    raw_.reset();
    LeakCheck::TearDown();
  }

  // The texts of a servant's calls, which are answered with the same texts.
  static std::vector<std::string> take(Servant& servant) {
    std::vector<std::string> texts;
    while (!servant.calls.empty()) {
      auto call = std::move(servant.calls.front());
      servant.calls.pop_front();
      texts.push_back(text_of(call));
      answer(call, texts.back());
    }
    return texts;
  }
  // What came back, as "NUMBER RESULT".
  std::vector<std::string> replies() {
    std::vector<std::string> texts;
    while (const auto message = raw_->next()) {
      const auto root = RawSide::root(message);
      if (!root.isReturn()) continue;
      const auto header = root.getReturn();
      std::string text = "canceled";
      if (header.isException()) text = "exception";
      if (header.isResults()) {
        const auto content = header.getResults().getContent();
        text = content.getAs<wire::Reference>().getType().cStr();
        for (const auto cap : header.getResults().getCapTable()) {
          if (cap.isSenderHosted()) object_id_ = cap.getSenderHosted();
        }
      }
      texts.push_back(std::to_string(header.getAnswerId()) + " " + text);
    }
    return texts;
  }
  using Texts = std::vector<std::string>;

  std::shared_ptr<Servant> root_ = std::make_shared<Servant>();
  std::shared_ptr<Servant> object_ = std::make_shared<Servant>();
  std::shared_ptr<Peer> peer_;
  std::unique_ptr<RawSide> raw_;
  std::uint32_t root_id_ = 0;
  std::uint32_t object_id_ = 0;
};

TEST_F(PipelineTest, ACallOnAnAnswerThatIsThereIsDelivered) {
  raw_->call(1, root_id_, "get");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  raw_->call_answer(2, 1, "hello");
  peer_->receive();
  EXPECT_EQ(take(*object_), (Texts{"hello"}));
  EXPECT_EQ(replies(), (Texts{"1 here", "2 hello"}));
}

TEST_F(PipelineTest, CallsOnAnAnswerToComeWaitForItAndKeepTheirOrder) {
  raw_->call(1, root_id_, "get");
  for (std::uint32_t i = 2; i < 7; ++i) raw_->call_answer(i, 1, std::to_string(i));
  peer_->receive();
  EXPECT_TRUE(object_->calls.empty());
  answer(root_->calls.front(), "here", object_);
  raw_->call_answer(7, 1, "7");
  peer_->receive();
  EXPECT_EQ(take(*object_), (Texts{"2", "3", "4", "5", "6", "7"}));
}

TEST_F(PipelineTest, ACallThatArrivesWhileOthersAreDeliveredDoesNotOvertakeThem) {
  Texts order;
  bool is_first = true;
  object_ = std::make_shared<Servant>([&](IncomingCall call) {
    order.push_back(text_of(call));
    if (!std::exchange(is_first, false)) return;
    raw_->call_answer(4, 1, "late");
    peer_->receive();  // as another thread would
  });
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "first");
  raw_->call_answer(3, 1, "second");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  EXPECT_EQ(order, (Texts{"first", "second", "late"}));
}

TEST_F(PipelineTest, AChainOfCallsOnAnswersIsDeliveredStepByStep) {
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "get");
  raw_->call_answer(3, 2, "hello");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  ASSERT_EQ(object_->calls.size(), 1u);
  const auto inner = std::make_shared<Servant>();
  answer(object_->calls.front(), "deeper", inner);
  EXPECT_EQ(take(*inner), (Texts{"hello"}));
  object_->calls.clear();
}

TEST_F(PipelineTest, AnAnswerLeavesWhenTheCallsThatWaitedForItAreDelivered) {
  // Who has it makes further calls on the object itself, which must not overtake those.
  raw_->call(1, root_id_, "make");
  raw_->call_answer(2, 1, "first");
  peer_->receive();
  bool has_answer = true;
  const auto object = std::make_shared<Servant>([&](IncomingCall call) {
    has_answer = raw_->next() != nullptr;
    answer(call, text_of(call));
  });
  answer(root_->calls.front(), "made", object);
  root_->calls.clear();
  EXPECT_FALSE(has_answer);
  EXPECT_EQ(replies(), (Texts{"2 first", "1 made"}));
}

TEST_F(PipelineTest, CallsThatAreReadAfterTheEndDoNotKeepThePeer) {
  raw_->bootstrap(1);
  raw_->call_answer(2, 1, "late");
  raw_->call_answer(3, 2, "later");
  peer_->disconnect(Error(ErrorKind::kConnectionLost, "the end"));
  EXPECT_EQ(peer_->receive(), Connection::State::kEnded);
  EXPECT_EQ(peer_.use_count(), 1);
}

TEST_F(PipelineTest, ACallOnItsOwnAnswerIsRefused) {
  raw_->call_answer(5, 5, "x");
  EXPECT_THROW(peer_->receive(), Error);
}

TEST_F(PipelineTest, CallsOnAFailedAnswerFail) {
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "hello");
  peer_->receive();
  root_->calls.front().fail("no");
  raw_->call_answer(3, 1, "hello again");
  peer_->receive();
  EXPECT_EQ(replies(), (Texts{"2 exception", "1 exception", "3 exception"}));
}

TEST_F(PipelineTest, CallsOnAnAnswerWithoutACapabilityFail) {
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "hello");
  peer_->receive();
  answer(root_->calls.front(), "nothing");
  EXPECT_EQ(replies(), (Texts{"2 exception", "1 nothing"}));
}

TEST_F(PipelineTest, APathThatLeadsNowhereFailsTheCall) {
  raw_->call(1, root_id_, "get");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  for (const std::uint16_t field : {1, 5, 9999}) {
    raw_->send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(10u + field);
      auto promised = call.initTarget().initPromisedAnswer();
      promised.setQuestionId(1);
      auto path = promised.initTransform(2);
      path[0].setGetPointerField(field);
      path[1].setGetPointerField(0);
    });
  }
  peer_->receive();
  EXPECT_EQ(replies(), (Texts{"1 here", "11 exception", "15 exception", "10009 exception"}));
}

TEST_F(PipelineTest, AnAnswerThatIsNotWantedIsStillThereForTheCallsOnIt) {
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "hello");
  raw_->finish(1, true);
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  EXPECT_EQ(take(*object_), (Texts{"hello"}));
  EXPECT_EQ(replies(), (Texts{"1 canceled", "2 hello"}));
}

TEST_F(PipelineTest, AnAnswerWithCallsOnItIsNotCancelledByFinish) {
  bool is_cancelled = false;
  raw_->call(1, root_id_, "get");
  peer_->receive();
  root_->calls.front().on_cancel([&] { is_cancelled = true; });
  raw_->call_answer(2, 1, "hello");
  raw_->finish(1, true);
  peer_->receive();
  EXPECT_FALSE(is_cancelled);
  answer(root_->calls.front(), "here", object_);
  EXPECT_EQ(object_->calls.size(), 1u);
  object_->calls.clear();
}

TEST_F(PipelineTest, CallsThatWaitWhenTheConnectionEndsAreDropped) {
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "hello");
  raw_->call_answer(3, 2, "hello");
  raw_->finish(1);
  peer_->receive();
  peer_->disconnect(Error(ErrorKind::kConnectionLost, "gone"));
  answer(root_->calls.front(), "here", object_);
  EXPECT_TRUE(object_->calls.empty());
}

TEST_F(PipelineTest, FinishBeforeTheReplyCancelsAndIsAnswered) {
  bool is_cancelled = false;
  raw_->call(1, root_id_, "get");
  peer_->receive();
  root_->calls.front().on_cancel([&] { is_cancelled = true; });
  EXPECT_FALSE(is_cancelled);
  raw_->finish(1);
  peer_->receive();
  EXPECT_TRUE(is_cancelled);
  answer(root_->calls.front(), "too late", object_);
  EXPECT_EQ(replies(), (Texts{"1 canceled"}));
  EXPECT_EQ(object_.use_count(), 1);
  raw_->call(1, root_id_, "the number is free again");
  EXPECT_NO_THROW(peer_->receive());
}

TEST_F(PipelineTest, ACancelThatCameFirstRunsAtOnce) {
  raw_->call(1, root_id_, "get");
  raw_->finish(1);
  peer_->receive();
  bool is_cancelled = false;
  root_->calls.front().on_cancel([&] { is_cancelled = true; });
  EXPECT_TRUE(is_cancelled);
}

TEST_F(PipelineTest, AnAnsweredCallIsNotCancelled) {
  bool is_cancelled = false;
  raw_->call(1, root_id_, "get");
  peer_->receive();
  root_->calls.front().on_cancel([&] { is_cancelled = true; });
  answer(root_->calls.front(), "done");
  raw_->finish(1);
  peer_->receive();
  peer_->disconnect(Error(ErrorKind::kConnectionLost, "gone"));
  EXPECT_FALSE(is_cancelled);
}

TEST_F(PipelineTest, ACallCannotBeCancelledAfterTheEndButKnowsIt) {
  bool is_cancelled = false;
  raw_->call(1, root_id_, "get");
  raw_->call(2, root_id_, "get");
  peer_->receive();
  root_->calls[0].on_cancel([&] { is_cancelled = true; });
  peer_->disconnect(Error(ErrorKind::kConnectionLost, "gone"));
  EXPECT_TRUE(is_cancelled);
  is_cancelled = false;
  root_->calls[1].on_cancel([&] { is_cancelled = true; });
  EXPECT_TRUE(is_cancelled);
}

TEST_F(PipelineTest, FinishReleasesTheResultsIfItSaysSo) {
  raw_->call(1, root_id_, "get");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  EXPECT_GT(object_.use_count(), 1);
  raw_->finish(1, true);
  peer_->receive();
  EXPECT_EQ(object_->releases, 1);
  EXPECT_EQ(object_.use_count(), 1);
}

TEST_F(PipelineTest, FinishKeepsTheResultsIfItSaysSo) {
  raw_->call(1, root_id_, "get");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  EXPECT_EQ(replies(), (Texts{"1 here"}));
  raw_->finish(1, false);
  peer_->receive();
  EXPECT_EQ(object_->releases, 0);
  raw_->call(2, object_id_, "alive");
  peer_->receive();
  EXPECT_EQ(take(*object_), (Texts{"alive"}));
  raw_->release(object_id_, 1);
  peer_->receive();
  EXPECT_EQ(object_->releases, 1);
}

TEST_F(PipelineTest, FinishWhileCallsAreDeliveredReleasesTheResults) {
  object_ = std::make_shared<Servant>([&](IncomingCall call) {
    raw_->finish(1, true);
    peer_->receive();  // as another thread would
    answer(call, "ok");
    raw_->call(1, root_id_, "the number is free again");
    EXPECT_NO_THROW(peer_->receive());
  });
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "hello");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  EXPECT_EQ(object_->releases, 1);
  EXPECT_EQ(root_->calls.size(), 2u);
}

TEST_F(PipelineTest, AMalformedCallOnAnAnswerFailsAlone) {
  object_ = std::make_shared<Servant>([](IncomingCall call) {
    // As a servant that reads params of another shape.
    (void)call.params().getAs<capnp::List<capnp::Data>>().size();
    answer(call, "read");
  });
  raw_->call(1, root_id_, "get");
  raw_->call_answer(2, 1, "bad");
  raw_->call_answer(3, 1, "bad");
  peer_->receive();
  EXPECT_NO_THROW(answer(root_->calls.front(), "here", object_));
  EXPECT_EQ(replies(), (Texts{"2 exception", "3 exception", "1 here"}));
}

TEST_F(PipelineTest, AnAnswerCanBeAnArgument) {
  raw_->call(1, root_id_, "get");
  peer_->receive();
  answer(root_->calls.front(), "here", object_);
  root_->calls.clear();
  raw_->send([&](rpc::Message::Builder m) {
    auto call = m.initCall();
    call.setQuestionId(2);
    call.initTarget().setImportedCap(root_id_);
    auto promised = call.initParams().initCapTable(1)[0].initReceiverAnswer();
    promised.setQuestionId(1);
    promised.initTransform(1)[0].setGetPointerField(0);
  });
  peer_->receive();
  ASSERT_EQ(root_->calls.size(), 1u);
  EXPECT_EQ(std::get<std::shared_ptr<Exported>>(root_->calls[0].caps()[0]), object_);
  root_->calls.clear();
}

}  // namespace
}  // namespace cppipc::peer_pipeline_test
