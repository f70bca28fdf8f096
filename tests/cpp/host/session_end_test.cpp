// SPDX-License-Identifier: Apache-2.0
// What the end of a session does to its objects and calls, whoever ends it.
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "support/loopback.h"

namespace cppipc::session_end_test {
namespace {

using namespace cppipc::test;

class SessionEnd : public BrokerTest {};

bool is_gone(LoopbackBroker& broker, std::uint64_t sessions = 1) {
  return broker.host_has([&](const HostStats& stats) { return stats.sessions == sessions; });
}

TEST_F(SessionEnd, ObjectsDieWithTheirSession) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  std::vector<LoopbackBroker::Ref> mine, theirs;
  for (int i = 0; i < 10; ++i) {
    mine.push_back(broker.create("Probe"));
    theirs.push_back(broker.create("Probe", {}, other));
  }
  EXPECT_EQ(Probe::live, 20);
  other->close();
  EXPECT_TRUE(eventually([] { return Probe::live == 10; }));
  EXPECT_TRUE(is_gone(broker));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 10; }));
  EXPECT_EQ(broker.call(mine[0], "add"), Variant(1));
}

TEST_F(SessionEnd, CallsThatWaitAreNeverBegun) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto probe = broker.create("Probe", {}, other);
  const auto slow = other->call(probe, "wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  std::vector<CallPtr> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(other->call(probe, "note", arguments("begun")));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 5; }));
  other->close();
  ASSERT_TRUE(is_gone(broker));
  ASSERT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_waiting == 0; }));
  broker.stage.open("slow");
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls_running == 0; }));
  EXPECT_EQ(broker.stage.count("begun"), 0);
  for (const auto& call : calls) {
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
  }
}

TEST_F(SessionEnd, CallsThatWaitForAThreadAreNeverBegun) {
  Gate ended;
  HostOptions options;
  options.limits.worker_threads = 1;
  options.session_ended = [&](std::uint64_t, const std::string&) { ended.open(); };
  LoopbackBroker broker(std::move(options));
  const auto other = broker.connect();
  const auto slow = broker.client()->run("wait", arguments("slow"));
  const auto its_first = other->run("wait", arguments("slow"));  // which never waits for a thread
  ASSERT_TRUE(broker.stage.saw("slow", 2));
  const auto probe = other->run("block", arguments("begun"));
  other->ping()->wait(kWaitS);  // the call before it has arrived
  other->close();
  ASSERT_TRUE(ended.wait());
  broker.stage.open("slow");
  slow->wait(kWaitS);
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  EXPECT_EQ(broker.stage.count("begun"), 0);
}

TEST_F(SessionEnd, RunningCallsSeeThatTheyAreNotWanted) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto call = other->run("poll", arguments("work"));
  ASSERT_TRUE(broker.stage.saw("work"));
  other->close();
  EXPECT_TRUE(broker.stage.saw("work cancelled"));
}

TEST_F(SessionEnd, AnObjectInUseLivesUntilItsCallEnds) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto probe = broker.create("Probe", {}, other);
  const auto slow = other->call(probe, "wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  other->close();
  ASSERT_TRUE(is_gone(broker));
  EXPECT_EQ(Probe::live, 1);
  broker.stage.open("slow");
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(SessionEnd, AClientThatWritesAndClosesAtOnceIsNoticed) {
  LoopbackBroker broker;
  for (int round = 0; round < 50; ++round) {
    const auto raw = broker.connect_raw();
    capnp::MallocMessageBuilder builder;
    builder.initRoot<capnp::rpc::Message>().initBootstrap();
    const auto words = capnp::messageToFlatArray(builder);
    const auto* bytes = reinterpret_cast<const std::byte*>(words.begin());
    EXPECT_TRUE(write_all(raw.get(), {bytes, words.asBytes().size()}));
  }
  EXPECT_TRUE(is_gone(broker));
}

TEST_F(SessionEnd, AClientThatClosedBeforeItWasServedIsNoticed) {
  LoopbackBroker broker;
  for (int round = 0; round < 20; ++round) {
    auto [ours, theirs] = socket_pair();
    EXPECT_TRUE(write_all(ours.get(), std::vector<std::byte>(4)));
    ours = Descriptor();
    broker.host().adopt(theirs.release(), "gone");
  }
  EXPECT_TRUE(is_gone(broker));
}

TEST_F(SessionEnd, AClientThatOnlyStopsWritingIsGoneToo) {
  LoopbackBroker broker;
  const auto raw = broker.connect_raw();
  ::shutdown(raw.get(), SHUT_WR);
  EXPECT_TRUE(is_gone(broker));
  EXPECT_TRUE(is_at_end(raw.get()));
}

TEST_F(SessionEnd, GarbageEndsItsSessionOnly) {
  LoopbackBroker broker;
  const std::vector<std::vector<unsigned char>> garbage{
      {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
      {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'},
      {0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f},
      {0, 0, 0, 0, 0, 0, 0, 0},
      {0, 0, 0, 0, 1, 0, 0, 0, 0xfc, 0xff, 0xff, 0x7f, 1, 0, 1, 0},
  };
  for (const auto& bytes : garbage) {
    const auto raw = broker.connect_raw();
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    EXPECT_TRUE(write_all(raw.get(), {begin, bytes.size()}));
    EXPECT_TRUE(is_at_end(raw.get()));
    EXPECT_TRUE(is_gone(broker));
  }
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
}

TEST_F(SessionEnd, ASocketThatCannotBeServedIsRefused) {
  std::atomic<int> ended{0};  // the host ends the others on its threads
  HostOptions options;
  options.session_ended = [&](std::uint64_t, const std::string&) { ++ended; };
  {
    LoopbackBroker broker(std::move(options));
    EXPECT_EQ(kind_of([&] { broker.host().adopt(-1, "nothing"); }), ErrorKind::kInputOutput);
    char name[] = "/tmp/cppipc_test_XXXXXX";
    const int file = ::mkstemp(name);
    ::unlink(name);
    EXPECT_EQ(kind_of([&] { broker.host().adopt(file, "a file"); }), ErrorKind::kInputOutput);
    EXPECT_EQ(broker.host().stats().sessions, 1u);
    EXPECT_EQ(ended, 1);  // the file's
  }
}

TEST_F(SessionEnd, ManySessionsComeAndGo) {
  LoopbackBroker broker;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        const auto client = broker.connect();
        const auto probe = broker.create("Probe", {}, client);
        EXPECT_EQ(broker.call(probe, "add", {}, client), Variant(1));
        if (i % 2 == 0) client->close();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(is_gone(broker));
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(SessionEnd, TheLastObjectMayDieWithTheHost) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  broker.end_host();
  EXPECT_EQ(Probe::live, 0);
  EXPECT_EQ(kind_of([&] { broker.call(probe, "add"); }), ErrorKind::kConnectionLost);
}

TEST_F(SessionEnd, AHostMayGoWhileItsClientsCall) {
  for (int round = 0; round < 10; ++round) {
    LoopbackBroker broker;
    const auto probe = broker.create("Probe");
    std::vector<std::thread> threads;
    std::atomic<int> calls{0};
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&] {
        try {
          for (;;) {
            broker.call(probe, "add");
            ++calls;
          }
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << error.what();
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return calls > 30; }));
    broker.end_host();
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace cppipc::session_end_test
