// SPDX-License-Identifier: Apache-2.0
// Stopping a host.
#include <cppipc/host.h>

#include <future>

#include "support/deaf_client.h"
#include "support/loopback.h"

namespace cppipc::host_test {
namespace {

using namespace cppipc::test;
using std::chrono::milliseconds;

class HostTest : public BrokerTest {};

TEST_F(HostTest, AnIdleHostStopsAtOnceAndClosesItsSessions) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  EXPECT_TRUE(broker.host().stop(milliseconds(30'000)));
  EXPECT_EQ(broker.host().stats().sessions, 0u);
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  EXPECT_EQ(kind_of([&] { broker.call(probe, "add"); }), ErrorKind::kConnectionLost);
}

TEST_F(HostTest, RunningCallsAreAnsweredBeforeItStops) {
  LoopbackBroker broker;
  const auto slow = broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  auto stopped =
      std::async(std::launch::async, [&] { return broker.host().stop(milliseconds(30'000)); });
  // It refuses new calls as soon as it drains.
  EXPECT_TRUE(eventually([&] {
    try {
      broker.run("length", arguments("abc"));
      return false;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
      return true;
    }
  }));
  EXPECT_FALSE(slow->is_done());
  broker.stage.open("slow");
  EXPECT_TRUE(stopped.get());
  EXPECT_TRUE(slow->wait(kWaitS).is_null());
}

TEST_F(HostTest, CallsThatWaitedAreAnsweredBeforeItStops) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "wait", arguments("slow"));
  std::vector<CallPtr> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(broker.client()->call(probe, "add", {}));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 5; }));
  auto stopped =
      std::async(std::launch::async, [&] { return broker.host().stop(milliseconds(30'000)); });
  broker.stage.open("slow");
  EXPECT_TRUE(stopped.get());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(calls[static_cast<std::size_t>(i)]->wait(kWaitS), Variant(i + 1));
  }
}

TEST_F(HostTest, LargeRepliesArriveWholeBeforeItStops) {
  constexpr std::int64_t kSize = 900'000;  // in a message, and more than a socket takes
  LoopbackBroker broker;
  std::vector<CallPtr> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(broker.client()->run("text", arguments(kSize)));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls == 10; }));
  auto stopped =
      std::async(std::launch::async, [&] { return broker.host().stop(milliseconds(30'000)); });
  for (const auto& call : calls) {
    EXPECT_EQ(call->wait(kWaitS).as<std::string>().size(), std::size_t{kSize});
  }
  EXPECT_TRUE(stopped.get());
}

TEST_F(HostTest, BulkOfRepliesIsFetchedBeforeItStops) {
  constexpr std::int64_t kSize = 5'000'000;  // beside the message
  LoopbackBroker broker;
  const auto call = broker.client()->run("text", arguments(kSize));
  ASSERT_TRUE(eventually([&] { return call->is_done(); }));
  auto stopped =
      std::async(std::launch::async, [&] { return broker.host().stop(milliseconds(30'000)); });
  EXPECT_EQ(call->wait(kWaitS).as<std::string>().size(), std::size_t{kSize});
  EXPECT_TRUE(stopped.get());
}

TEST_F(HostTest, AClientThatDoesNotReadKeepsItForItsPatienceOnly) {
  LoopbackBroker broker;
  DeafClient deaf(broker);
  for (int i = 0; i < 50; ++i) deaf.ask(2000);
  broker.host().stop(milliseconds(100));
  EXPECT_EQ(broker.host().stats().sessions, 0u);
}

TEST_F(HostTest, ItStopsWaitingWhenItsPatienceEnds) {
  LoopbackBroker broker;
  const auto stubborn = broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  EXPECT_FALSE(broker.host().stop(milliseconds(10)));
  EXPECT_EQ(broker.host().stats().sessions, 0u);
  EXPECT_EQ(kind_of([&] { stubborn->wait(kWaitS); }), ErrorKind::kConnectionLost);
  broker.stage.open("slow");
}

TEST_F(HostTest, AStoppedHostServesNobody) {
  LoopbackBroker broker;
  broker.host().stop(milliseconds(0));
  auto [ours, theirs] = socket_pair();
  EXPECT_EQ(kind_of([&, fd = theirs.release()] { broker.host().adopt(fd, "late"); }),
            ErrorKind::kConnectionLost);
  EXPECT_TRUE(is_at_end(ours.get()));
  EXPECT_TRUE(broker.host().stop(milliseconds(0)));
}

TEST_F(HostTest, ARunningMethodIsToldThatTheHostStops) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("poll", arguments("work"));
  ASSERT_TRUE(broker.stage.saw("work"));
  EXPECT_FALSE(broker.host().stop(milliseconds(10)));
  EXPECT_TRUE(broker.stage.saw("work cancelled"));
}

TEST_F(HostTest, AnIdleHostHasFewThreads) {
  LoopbackBroker broker;
  for (int i = 0; i < 100; ++i) broker.run("length", arguments("abc"));
  EXPECT_LE(broker.host().stats().threads, 4u);
}

TEST_F(HostTest, TwoHostsShareOneRegistry) {
  Stage stage;
  const Registry registry = registry_of(stage);
  Host first(registry), second(registry);
  for (auto* host : {&first, &second}) {
    auto [ours, theirs] = socket_pair();
    host->adopt(theirs.release(), "test");
    const auto client = Client::adopt(ours.release());
    EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
  }
}

}  // namespace
}  // namespace cppipc::host_test
