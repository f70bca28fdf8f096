// SPDX-License-Identifier: Apache-2.0
// What a host counts, in all and for each session.
#include <cppipc/host.h>

#include <algorithm>

#include "support/deaf_client.h"
#include "support/loopback.h"

namespace cppipc::host_stats_test {
namespace {

using namespace cppipc::test;

class HostStatsTest : public BrokerTest {};

TEST_F(HostStatsTest, EachSessionHasItsOwnCounts) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto probe = broker.create("Probe", {}, other);
  broker.run("length", arguments("abc"), other);
  EXPECT_THROW(broker.run("fail", arguments("42"), other), Error);
  // A call is counted after its reply was sent.
  ASSERT_TRUE(broker.host_has([](const HostStats& now) { return now.calls == 3; }));
  ASSERT_TRUE(eventually([&] { return broker.host().sessions().at(1).calls == 3; }));
  const auto sessions = broker.host().sessions();
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].id, 1u);
  EXPECT_EQ(sessions[0].calls, 0u);
  EXPECT_EQ(sessions[0].live_objects, 0u);
  EXPECT_EQ(sessions[1].id, 2u);
  EXPECT_EQ(sessions[1].peer, "test");
  EXPECT_EQ(sessions[1].calls_failed, 1u);
  EXPECT_EQ(sessions[1].live_objects, 1u);
  EXPECT_GT(sessions[1].bytes_received, 0u);
  EXPECT_GT(sessions[1].bytes_sent, 0u);
  EXPECT_EQ(sessions[1].queued_bytes, 0u);
  EXPECT_LE(sessions[0].since, sessions[1].since);
  EXPECT_LE(sessions[1].since, std::chrono::system_clock::now());
  other->close();
}

TEST_F(HostStatsTest, NoMoreSessionsAreToldThanAreAskedFor) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  EXPECT_EQ(broker.host().sessions(1).size(), 1u);
  EXPECT_TRUE(broker.host().sessions(0).empty());
  other->close();
}

TEST_F(HostStatsTest, CountsOfSessionsThatEndedStay) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  broker.run("length", arguments("abc"), other);
  ASSERT_TRUE(broker.host_has([](const HostStats& now) { return now.calls == 1; }));
  const auto before = broker.host().stats();
  EXPECT_EQ(before.sessions, 2u);
  EXPECT_EQ(before.calls_failed, 0u);
  other->close();
  ASSERT_TRUE(broker.host_has([](const HostStats& now) { return now.sessions == 1; }));
  const auto after = broker.host().stats();
  EXPECT_EQ(after.sessions_total, 2u);
  EXPECT_EQ(after.calls, 1u);
  EXPECT_GE(after.bytes_inline, before.bytes_inline);
  EXPECT_GE(after.bytes_sent, before.bytes_sent);
}

TEST_F(HostStatsTest, AFailedCallIsCountedBeforeItsCallerKnows) {
  LoopbackBroker broker;
  EXPECT_THROW(broker.run("fail", arguments("42")), Error);
  EXPECT_EQ(broker.host().stats().calls_failed, 1u);
}

TEST_F(HostStatsTest, BytesThatAreSentAreThoseThatThePeerReceives) {
  LoopbackBroker broker;
  DeafClient client(broker);
  client.ask(3);
  Connection& connection = client.raw.connection();
  EXPECT_TRUE(eventually([&] {
    connection.receive([](auto) {});
    const auto session = broker.host().sessions().at(1);
    return session.bytes_sent > 1'000 && session.bytes_sent == connection.received_bytes() &&
           session.bytes_received == connection.sent_bytes() && session.queued_bytes == 0;
  }));
}

}  // namespace
}  // namespace cppipc::host_stats_test
