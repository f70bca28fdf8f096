// SPDX-License-Identifier: Apache-2.0
// Cancelling, deadlines, and waits that end early.
#include <thread>

#include "support/loopback.h"

namespace cppipc::cancel_test {
namespace {

using namespace cppipc::test;

class CancelTest : public BrokerTest {};

TEST_F(CancelTest, ACallThatWaitsForItsObjectIsNeverBegun) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  const auto waiting = broker.client()->call(probe, "note", arguments("begun"));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 1; }));
  EXPECT_TRUE(waiting->cancel());
  EXPECT_TRUE(waiting->is_done());
  EXPECT_EQ(kind_of([&] { waiting->wait(kWaitS); }), ErrorKind::kCancelled);
  // A ping is answered after the cancel was read.
  broker.client()->ping()->wait(kWaitS);
  broker.stage.open("slow");
  slow->wait(kWaitS);
  EXPECT_EQ(broker.call(probe, "value"), Variant(0));
  EXPECT_EQ(broker.stage.notes(), (std::vector<std::string>{"slow"}));
}

TEST_F(CancelTest, ARunningCallSeesThatItIsCancelled) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("poll", arguments("work"));
  ASSERT_TRUE(broker.stage.saw("work"));
  EXPECT_TRUE(call->cancel());
  EXPECT_FALSE(call->cancel());
  EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kCancelled);
  EXPECT_TRUE(broker.stage.saw("work cancelled"));
}

TEST_F(CancelTest, ACancelledCallThatDoesNotLookHoldsItsObjectToItsEnd) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  slow->cancel();
  const auto next = broker.client()->call(probe, "note", arguments("next"));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 1; }));
  broker.stage.open("slow");
  next->wait(kWaitS);
  EXPECT_EQ(broker.stage.notes(), (std::vector<std::string>{"slow", "next"}));
}

TEST_F(CancelTest, ACancelledCallThatReturnsAnObjectLeavesNoneBehind) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "wait", arguments("slow"));
  auto plus = broker.client()->call(probe, "plus", arguments(1));
  const auto many = broker.client()->call(probe, "many", arguments(10));
  many->cancel();
  broker.stage.open("slow");
  plus->cancel();  // perhaps while it runs, or after: then the call has the object, until it goes
  plus.reset();
  EXPECT_EQ(broker.call(probe, "value"), Variant(0));
  EXPECT_TRUE(eventually([] { return Probe::live == 1; }));
  slow->wait(kWaitS);
}

TEST_F(CancelTest, CancellingACallThatIsDoneDoesNothing) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("length", arguments("abc"));
  EXPECT_EQ(call->wait(kWaitS), Variant(3));
  EXPECT_FALSE(call->cancel());
  EXPECT_EQ(call->wait(kWaitS), Variant(3));
}

TEST_F(CancelTest, CancellingWakesEveryWaiter) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(
        [&] { EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kCancelled); });
  }
  EXPECT_TRUE(call->cancel());
  for (auto& thread : waiting) thread.join();
  broker.stage.open("slow");
}

TEST_F(CancelTest, AMethodSeesTheDeadlineOfItsCaller) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("poll", arguments("work"), {.timeout_s = 0.05});
  EXPECT_EQ(kind_of([&] { call->wait(); }), ErrorKind::kTimeout);
  EXPECT_TRUE(broker.stage.saw("work cancelled"));
  EXPECT_EQ(kind_of([&] { call->wait(); }), ErrorKind::kTimeout);
}

TEST_F(CancelTest, ACallWhoseDeadlinePassesWhileItWaitsIsNeverBegun) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  const auto late = broker.client()->call(probe, "note", arguments("begun"), {.timeout_s = 0.05});
  EXPECT_EQ(kind_of([&] { late->wait(); }), ErrorKind::kTimeout);
  broker.client()->ping()->wait(kWaitS);  // behind the news of that, for the host's clock is later
  broker.stage.open("slow");
  slow->wait(kWaitS);
  EXPECT_EQ(broker.call(probe, "value"), Variant(0));
  EXPECT_EQ(broker.stage.count("begun"), 0);
}

TEST_F(CancelTest, ADeadlineThatIsFarDoesNotMatter) {
  LoopbackBroker broker;
  for (const double timeout : {30.0, 1e9, 1e300}) {
    const auto call = broker.client()->run("length", arguments("abc"), {.timeout_s = timeout});
    EXPECT_EQ(call->wait(), Variant(3));
  }
  EXPECT_TRUE(broker.client()->ping({.timeout_s = 1e300})->wait().is_null());
}

TEST_F(CancelTest, ADeadlineOfNothingOrLessHasPassed) {
  LoopbackBroker broker;
  for (const double timeout : {0.0, -1.0}) {
    const auto call = broker.client()->run("wait", arguments("slow"), {.timeout_s = timeout});
    EXPECT_EQ(kind_of([&] { call->wait(); }), ErrorKind::kTimeout);
  }
  broker.stage.open("slow");
}

TEST_F(CancelTest, AWaitMayGiveUpAndComeBack) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("wait", arguments("slow"));
  EXPECT_EQ(kind_of([&] { call->wait(0.01); }), ErrorKind::kTimeout);
  EXPECT_EQ(kind_of([&] { call->wait(0.0); }), ErrorKind::kTimeout);
  EXPECT_FALSE(call->is_done());
  broker.stage.open("slow");
  EXPECT_TRUE(call->wait(kWaitS).is_null());
}

TEST_F(CancelTest, UnknownCallsAreCancelledSilently) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("length", arguments("abc"));
  ASSERT_TRUE(eventually([&] { return call->is_done(); }));
  const auto gone = broker.client()->run("wait", arguments("open"));
  broker.stage.open("open");
  gone->cancel();
  EXPECT_TRUE(broker.client()->ping()->wait(kWaitS).is_null());
}

TEST_F(CancelTest, ManyCallsAreCancelledWhileTheyRun) {
  LoopbackBroker broker;
  for (int round = 0; round < 10; ++round) {
    std::vector<CallPtr> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(broker.client()->run("poll", arguments("work")));
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 2; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = thread; i < calls.size(); i += 2) calls[i]->cancel();
      });
    }
    for (const auto& call : calls) {
      EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kCancelled);
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_running == 0; }));
}

}  // namespace
}  // namespace cppipc::cancel_test
