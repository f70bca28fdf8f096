// SPDX-License-Identifier: Apache-2.0
// Limits of a session: past one, its call fails, and nobody else notices.
#include "support/deaf_client.h"
#include "support/loopback.h"

namespace cppipc::quota_test {
namespace {

using namespace cppipc::test;

class QuotaTest : public BrokerTest {};

TEST_F(QuotaTest, LiveObjectsAreLimited) {
  HostOptions options;
  options.limits.live_objects = 3;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  std::vector<LoopbackBroker::Ref> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(broker.create("Probe"));
  const auto error = error_of([&] { broker.create("Probe"); });
  EXPECT_EQ(error.kind(), ErrorKind::kQuotaExceeded);
  EXPECT_NE(std::string(error.what()).find('4'), std::string::npos) << error.what();
  EXPECT_TRUE(eventually([] { return Probe::live == 3; }));
  // An object that the session holds already is no further one.
  EXPECT_EQ(broker.call(kept[0], "itself").as<ObjectPtr>(), kept[0]);
  EXPECT_NO_THROW(broker.create("Probe", {}, other));
  kept.pop_back();
  EXPECT_TRUE(eventually([&] {
    try {
      kept.push_back(broker.create("Probe"));
      return true;
    } catch (const Error&) {
      return false;
    }
  }));
}

TEST_F(QuotaTest, AResultOfTooManyObjectsLeavesNone) {
  HostOptions options;
  options.limits.live_objects = 10;
  LoopbackBroker broker(std::move(options));
  const auto probe = broker.create("Probe");
  EXPECT_EQ(kind_of([&] { broker.call(probe, "many", arguments(10)); }), ErrorKind::kQuotaExceeded);
  EXPECT_TRUE(eventually([] { return Probe::live == 1; }));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 1; }));
  const auto nine = broker.call(probe, "many", arguments(9));
  EXPECT_EQ(nine.as<List>().items.size(), 9u);
}

TEST_F(QuotaTest, CallsInFlightAreLimited) {
  HostOptions options;
  options.limits.calls_in_flight = 4;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  std::vector<CallPtr> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(broker.client()->run("wait", arguments("slow")));
  ASSERT_TRUE(broker.stage.saw("slow", 4));
  EXPECT_EQ(kind_of([&] { broker.run("length", arguments("abc")); }), ErrorKind::kQuotaExceeded);
  EXPECT_EQ(broker.run("length", arguments("abc"), other), Variant(3));
  EXPECT_TRUE(broker.client()->ping()->wait(kWaitS).is_null());
  broker.stage.open("slow");
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_TRUE(eventually([&] {
    try {
      return broker.run("length", arguments("abc")) == Variant(3);
    } catch (const Error&) {
      return false;
    }
  }));
}

TEST_F(QuotaTest, WhoHasItsReplyMayCallAgain) {
  HostOptions options;
  options.limits.calls_in_flight = 1;
  LoopbackBroker broker(std::move(options));
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(broker.run("length", arguments("abc")), Variant(3)) << i;
}

TEST_F(QuotaTest, CallsThatNeverEndLeaveThreadsToOthers) {
  HostOptions options;
  options.limits.session_threads = 3;
  options.limits.worker_threads = 4;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  std::vector<CallPtr> calls;
  for (const char* way : {"block", "wait"}) {
    for (int i = 0; i < 20; ++i) calls.push_back(broker.client()->run(way, arguments("slow")));
  }
  ASSERT_TRUE(broker.stage.saw("slow", 3));
  broker.client()->ping()->wait(kWaitS);  // all of them have arrived
  EXPECT_EQ(broker.run("length", arguments("abc"), other), Variant(3));
  const auto probe = broker.create("Probe", {}, other);
  EXPECT_EQ(other->call(probe, "itself", {})->wait(kWaitS).as<ObjectPtr>(), probe);
  EXPECT_EQ(broker.stage.count("slow"), 3);
  broker.stage.open("slow");
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_EQ(broker.stage.count("slow"), 40);
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
}

TEST_F(QuotaTest, ManyGreedySessionsLeaveAThreadToEachOther) {
  HostOptions options;
  options.limits.session_threads = 3;
  options.limits.worker_threads = 4;
  LoopbackBroker broker(std::move(options));
  std::vector<std::shared_ptr<Client>> greedy;
  std::vector<CallPtr> calls;
  for (int session = 0; session < 3; ++session) {
    greedy.push_back(broker.connect());
    for (int i = 0; i < 10; ++i) {
      calls.push_back(greedy.back()->run(i % 2 == 0 ? "wait" : "block", arguments("slow")));
    }
    greedy.back()->ping()->wait(kWaitS);  // all of them have arrived
  }
  // 3 and 1 take the four threads; the third session has one all the same.
  ASSERT_TRUE(broker.stage.saw("slow", 5));
  const auto probe = broker.create("Probe");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  // Calls that were sent together come to their turn one after the other.
  std::vector<CallPtr> burst;
  for (int i = 0; i < 20; ++i) burst.push_back(broker.client()->run("length", arguments("abc")));
  for (const auto& call : burst) EXPECT_EQ(call->wait(kWaitS), Variant(3));
  EXPECT_EQ(broker.call(probe, "itself").as<ObjectPtr>(), probe);
  EXPECT_EQ(broker.stage.count("slow"), 5);
  broker.stage.open("slow");
  for (const auto& call : calls) call->wait(kWaitS);
  EXPECT_EQ(broker.stage.count("slow"), 30);
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_running == 0; }));
}

TEST_F(QuotaTest, ThreadsThatAreFreeGoToWhoeverWaits) {
  HostOptions options;
  options.limits.session_threads = 4;
  options.limits.worker_threads = 4;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  std::vector<CallPtr> first;
  for (int i = 0; i < 4; ++i) first.push_back(broker.client()->run("wait", arguments("first")));
  ASSERT_TRUE(broker.stage.saw("first", 4));
  std::vector<CallPtr> second;
  for (int i = 0; i < 4; ++i) second.push_back(other->run("wait", arguments("second")));
  ASSERT_TRUE(broker.stage.saw("second", 1));
  other->ping()->wait(kWaitS);
  EXPECT_EQ(broker.stage.count("second"), 1);
  broker.stage.open("first");
  EXPECT_TRUE(broker.stage.saw("second", 4));
  broker.stage.open("second");
  for (const auto& call : second) call->wait(kWaitS);
  for (const auto& call : first) call->wait(kWaitS);
}

TEST_F(QuotaTest, CallsThatWaitForAThreadOfTheirSessionEndWithIt) {
  HostOptions options;
  options.limits.session_threads = 1;
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  const auto probe = broker.create("Probe", {}, other);
  const auto slow = other->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  std::vector<CallPtr> kept;
  for (int i = 0; i < 5; ++i) kept.push_back(other->call(probe, "wait", arguments("begun")));
  other->ping()->wait(kWaitS);
  other->close();
  for (const auto& call : kept) {
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
  }
  // Their object is free of them, though the one that runs goes on.
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 0; }));
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  broker.stage.open("slow");
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_running == 0; }));
  EXPECT_EQ(broker.stage.count("begun"), 0);
}

TEST_F(QuotaTest, AClientThatNeverReadsIsNotReadEither) {
  constexpr std::uint32_t kCalls = 100'000;
  HostOptions options;
  options.limits.queued_reply_bytes = 100'000;
  LoopbackBroker broker(std::move(options));
  DeafClient deaf(broker);
  std::uint32_t sent = 0, same = 0;
  // It comes to a stand when both sockets are full.
  EXPECT_TRUE(eventually([&] {
    const auto now = deaf.ask(kCalls);
    same = now == sent ? same + 1 : 0;
    sent = now;
    return same > 100;
  }));
  EXPECT_LT(sent, kCalls);
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  // It goes on as soon as the client reads.
  std::uint32_t replies = 0;
  const std::uint32_t wanted = sent + 500;
  EXPECT_TRUE(eventually([&] {
    deaf.ask(wanted);
    while (const auto message = deaf.raw.next()) {
      if (RawSide::root(message).isReturn()) ++replies;
    }
    return replies == wanted + 2;
  }));
}

TEST_F(QuotaTest, AClientThatNeverReadsAndGoesIsNoticed) {
  HostOptions options;
  options.limits.queued_reply_bytes = 10'000;
  LoopbackBroker broker(std::move(options));
  {
    DeafClient deaf(broker);
    for (int i = 0; i < 50; ++i) deaf.ask(5000);
  }
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.sessions == 1; }));
}

TEST_F(QuotaTest, EvenNoRoomForRepliesLetsOneThroughAtATime) {
  HostOptions options;
  options.limits.queued_reply_bytes = 0;
  LoopbackBroker broker(std::move(options));
  std::vector<CallPtr> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(broker.client()->run("text", arguments(500'000)));
  for (const auto& call : calls) {
    EXPECT_EQ(call->wait(kWaitS).as<std::string>().size(), 500'000u);
  }
}

}  // namespace
}  // namespace cppipc::quota_test
