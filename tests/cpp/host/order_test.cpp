// SPDX-License-Identifier: Apache-2.0
// Order of calls on objects, and what runs beside what.
#include <thread>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::order_test {
namespace {

using namespace cppipc::test;

class OrderTest : public BrokerTest {};

TEST_F(OrderTest, CallsOnOneObjectRunInTheOrderTheyWereSent) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::vector<std::string> sent;
  std::vector<CallPtr> calls;
  for (int i = 0; i < 500; ++i) {
    sent.push_back(std::to_string(i));
    calls.push_back(broker.client()->call(probe, "note", arguments(sent.back())));
  }
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_EQ(broker.stage.notes(), sent);
}

TEST_F(OrderTest, CallsBehindASlowOneKeepTheirOrder) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::vector<CallPtr> calls{broker.client()->call(probe, "wait", arguments("slow"))};
  for (const char* text : {"1", "2", "3"}) {
    calls.push_back(broker.client()->call(probe, "note", arguments(text)));
  }
  ASSERT_TRUE(broker.stage.saw("slow"));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 3; }));
  broker.stage.open("slow");
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_EQ(broker.stage.notes(), (std::vector<std::string>{"slow", "1", "2", "3"}));
}

TEST_F(OrderTest, CallsFromManyThreadsOnOneObjectNeverOverlap) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) broker.call(probe, "add");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(broker.call(probe, "value"), Variant(1000));
}

TEST_F(OrderTest, TwoObjectsWorkAtOnce) {
  LoopbackBroker broker;
  const auto first = broker.create("Probe"), second = broker.create("Probe");
  const auto call = broker.client()->call(first, "wait", arguments("first"));
  const auto other = broker.client()->call(second, "wait", arguments("second"));
  EXPECT_TRUE(broker.stage.saw("first"));
  EXPECT_TRUE(broker.stage.saw("second"));
  broker.stage.open("second");
  other->wait(kWaitS);
  EXPECT_FALSE(call->is_done());
  broker.stage.open("first");
  call->wait(kWaitS);
}

TEST_F(OrderTest, AThreadSafeObjectTakesCallsAtOnce) {
  LoopbackBroker broker;
  const auto safe = broker.create("Safe");
  const auto first = broker.client()->call(safe, "wait", arguments("first"));
  const auto second = broker.client()->call(safe, "wait", arguments("second"));
  EXPECT_TRUE(broker.stage.saw("first"));
  EXPECT_TRUE(broker.stage.saw("second"));
  broker.stage.open("first");
  broker.stage.open("second");
  first->wait(kWaitS);
  second->wait(kWaitS);
}

TEST_F(OrderTest, ACallHoldsTheObjectsAmongItsArguments) {
  LoopbackBroker broker;
  const auto first = broker.create("Probe"), second = broker.create("Probe");
  const auto both = broker.client()->call(first, "wait_with", arguments(second, "both"));
  ASSERT_TRUE(broker.stage.saw("both"));
  const auto one = broker.client()->call(second, "add", {});
  const auto other = broker.client()->call(first, "add", {});
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 2; }));
  EXPECT_FALSE(one->is_done());
  broker.stage.open("both");
  both->wait(kWaitS);
  EXPECT_EQ(one->wait(kWaitS), Variant(1));
  EXPECT_EQ(other->wait(kWaitS), Variant(1));
}

TEST_F(OrderTest, AnObjectMayBeItsOwnArgument) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe", arguments(4));
  EXPECT_EQ(broker.call(probe, "add_from", arguments(probe)), Variant(8));
}

TEST_F(OrderTest, CrossedArgumentsNeverDeadlock) {
  LoopbackBroker broker;
  const auto first = broker.create("Probe", arguments(1));
  const auto second = broker.create("Probe", arguments(1));
  const auto cross = [&](const LoopbackBroker::Ref& a, const LoopbackBroker::Ref& b) {
    for (int i = 0; i < 150; ++i) {
      broker.call(a, "add_from", arguments(b));
      broker.call(a, "value=", arguments(1));
    }
  };
  std::thread one([&] { cross(first, second); });
  std::thread other([&] { cross(second, first); });
  one.join();
  other.join();
}

TEST_F(OrderTest, CrossedArgumentsThatAreSentWithoutWaitingNeverDeadlock) {
  LoopbackBroker broker;
  const auto second_client = broker.connect();
  std::vector<LoopbackBroker::Ref> probes;
  for (int i = 0; i < 3; ++i) probes.push_back(broker.create("Probe"));
  std::vector<CallPtr> calls;
  for (int i = 0; i < 300; ++i) {
    const auto& a = probes[static_cast<std::size_t>(i % 3)];
    const auto& b = probes[static_cast<std::size_t>((i * 7 + 1) % 3)];
    calls.push_back(broker.client()->call(a, "add_from", arguments(b)));
  }
  for (const auto& call : calls) call->wait(kWaitS);
}

// Sends two calls on one object that a client of ours would never send: what a message says must
// not let them run at once.
void send_lying_calls(LoopbackBroker& broker, std::uint64_t id, std::uint64_t chain,
                      std::vector<std::unique_ptr<IncomingMessage>>& replies) {
  RawSide raw(broker.connect_raw());
  raw.bootstrap(0);
  const auto call = [&](std::uint32_t question, std::uint32_t on, unsigned steps, auto fill) {
    raw.send([&](RawSide::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      auto promised = call.initTarget().initPromisedAnswer();
      promised.setQuestionId(on);
      for (auto step : promised.initTransform(steps)) step.setGetPointerField(0);
      fill(call);
    });
  };
  call(1, 0, 0, [](auto call) {
    call.setInterfaceId(capnp::typeId<wire::Broker>());
    auto params = call.initParams().getContent().template initAs<wire::Broker::OpenParams>();
    params.setProtocol(wire::PROTOCOL);
    params.setMessageBytes(1 << 20);
    params.setInlineBytes(1 << 20);
  });
  call(2, 1, 1, [](auto call) {
    call.setInterfaceId(capnp::typeId<wire::Session>());
    call.setMethodId(1);
    auto params = call.initParams().getContent().template initAs<wire::Session::CreateParams>();
    params.initCall().setId(1);
    params.setType("Probe");
  });
  for (std::uint32_t question : {3, 4}) {
    call(question, 2, 4, [&](auto call) {
      call.setInterfaceId(capnp::typeId<wire::Object>());
      auto params = call.initParams().getContent().template initAs<wire::Object::CallParams>();
      auto info = params.initCall();
      info.setId(id == 0 ? question : id);
      info.setChain(chain);
      params.setMethod("wait");
      params.initArguments().initValues(1)[0].setStr("slow");
    });
  }
  EXPECT_TRUE(broker.stage.saw("slow"));
  broker.stage.open("slow");
  EXPECT_TRUE(eventually([&] {
    if (auto message = raw.next()) replies.push_back(std::move(message));
    return replies.size() == 5;
  }));
}

TEST_F(OrderTest, CallsThatClaimToBeOfOneChainRunOneByOne) {
  LoopbackBroker broker;
  std::vector<std::unique_ptr<IncomingMessage>> replies;
  send_lying_calls(broker, 0, 77, replies);
  EXPECT_EQ(broker.stage.count("slow"), 2);
}

TEST_F(OrderTest, TwoCallsOfOneIdAreRefused) {
  LoopbackBroker broker;
  std::vector<std::unique_ptr<IncomingMessage>> replies;
  send_lying_calls(broker, 5, 0, replies);
  int refused = 0;
  for (const auto& message : replies) {
    const auto header = RawSide::root(message).getReturn();
    if (header.getAnswerId() < 3) continue;
    const auto results = header.getResults().getContent().getAs<wire::Session::RunResults>();
    if (!results.getOutcome().isFault()) continue;
    EXPECT_EQ(results.getOutcome().getFault().getKind(),
              static_cast<unsigned>(ErrorKind::kProtocol));
    ++refused;
  }
  EXPECT_EQ(refused, 1);
}

TEST_F(OrderTest, ASlowCallDelaysNeitherOtherSessionsNorOtherThreads) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto slow = broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(broker.run("length", arguments("abc"), other), Variant(3));
    EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
    EXPECT_TRUE(other->ping()->wait(kWaitS).is_null());
  }
  EXPECT_FALSE(slow->is_done());
  broker.stage.open("slow");
  slow->wait(kWaitS);
}

TEST_F(OrderTest, RepliesOfABurstDoNotWaitForASlowCallAmongThem) {
  LoopbackBroker broker;
  const auto quick = broker.create("Probe"), slow = broker.create("Probe");
  for (int round = 0; round < 10; ++round) {
    const auto name = "slow" + std::to_string(round);
    std::vector<CallPtr> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(broker.client()->call(quick, "add", {}));
    const auto held = broker.client()->call(slow, "wait", arguments(name));
    for (int i = 0; i < 20; ++i) calls.push_back(broker.client()->call(quick, "add", {}));
    for (const auto& call : calls) EXPECT_TRUE(eventually([&] { return call->is_done(); }));
    EXPECT_FALSE(held->is_done());
    broker.stage.open(name);
    held->wait(kWaitS);
  }
}

TEST_F(OrderTest, AThreadThatWaitsForASlowCallDelaysNoOtherThread) {
  LoopbackBroker broker;
  std::thread waiting([&] { broker.run("wait", arguments("slow")); });
  ASSERT_TRUE(broker.stage.saw("slow"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  broker.stage.open("slow");
  waiting.join();
}

TEST_F(OrderTest, ABlockingFunctionDelaysNobody) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("block", arguments("block"));
  ASSERT_TRUE(broker.stage.saw("block"));
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  broker.stage.open("block");
  call->wait(kWaitS);
}

TEST_F(OrderTest, MoreSlowCallsThanThreadsThereWereAllRun) {
  LoopbackBroker broker;
  std::vector<CallPtr> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(broker.client()->run("wait", arguments("slow")));
  EXPECT_TRUE(broker.stage.saw("slow", 50));
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  broker.stage.open("slow");
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.threads <= 12; }));
}

TEST_F(OrderTest, WithAllWorkersBusyCallsWaitAndPingsDoNot) {
  HostOptions options;
  options.limits.worker_threads = 2;
  LoopbackBroker broker(std::move(options));
  const auto first = broker.client()->run("wait", arguments("slow"));
  const auto second = broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow", 2));
  const auto third = broker.client()->run("length", arguments("abc"));
  for (int i = 0; i < 10; ++i) broker.client()->ping()->wait(kWaitS);
  EXPECT_FALSE(third->is_done());
  EXPECT_EQ(broker.host().stats().calls_running, 2u);
  broker.stage.open("slow");
  EXPECT_EQ(third->wait(kWaitS), Variant(3));
}

TEST_F(OrderTest, ADestructorThatTakesItsTimeDelaysNobody) {
  LoopbackBroker broker;
  broker.create("Heavy").reset();
  EXPECT_TRUE(broker.stage.saw("destructor"));
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  broker.stage.open("destructor");
}

}  // namespace
}  // namespace cppipc::order_test
