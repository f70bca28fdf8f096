// SPDX-License-Identifier: Apache-2.0
// Order of calls on objects, and what runs beside what.
#include <thread>

#include "support/loopback.h"

namespace cppipc {
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
}  // namespace cppipc
