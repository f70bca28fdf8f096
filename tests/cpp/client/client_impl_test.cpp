// SPDX-License-Identifier: Apache-2.0
// References and their identity, arguments that cannot cross, closing, and lost connections.
#include <sys/socket.h>

#include <barrier>
#include <thread>

#include "support/loopback.h"

namespace cppipc::client_impl_test {
namespace {

using namespace cppipc::test;
using Ref = LoopbackBroker::Ref;

// What calls of a session that was closed on this side say.
constexpr char kClosed[] = "session closed (an inherited socket); open another session";

class ClientImplTest : public BrokerTest {};

Ref ref_of(const Variant& value) {
  return std::dynamic_pointer_cast<RemoteObject>(value.as<ObjectPtr>());
}

TEST_F(ClientImplTest, OneServerObjectIsOneReferenceWhileItLives) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  EXPECT_EQ(ref_of(broker.call(probe, "itself")), probe);
  EXPECT_EQ(ref_of(broker.run("echo", arguments(probe))), probe);
  const auto list = broker.run("echo", arguments(List{{Variant(probe), Variant(probe)}}));
  for (const auto& item : list.as<List>().items) EXPECT_EQ(ref_of(item), probe);
  EXPECT_EQ(Probe::live, 1);
  EXPECT_EQ(broker.host().stats().live_objects, 1u);
}

TEST_F(ClientImplTest, AnObjectHasOneIdInAllSessions) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto another = broker.create("Probe");
  EXPECT_NE(probe->object_id(), another->object_id());
  EXPECT_EQ(ref_of(broker.call(probe, "itself"))->object_id(), probe->object_id());
  EXPECT_EQ(probe->client(), broker.client());
}

TEST_F(ClientImplTest, AResultKeepsItsObjectAliveAfterItsMakerIsDropped) {
  LoopbackBroker broker;
  auto probe = broker.create("Probe", arguments(1));
  const auto plus = ref_of(broker.call(probe, "plus", arguments(10)));
  EXPECT_EQ(Probe::live, 2);
  probe.reset();
  EXPECT_TRUE(eventually([] { return Probe::live == 1; }));
  EXPECT_EQ(broker.call(plus, "value"), Variant(11));
}

TEST_F(ClientImplTest, ObjectsInsideResultsAreReferencesToo) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe", arguments(100));
  auto many = broker.call(probe, "many", arguments(50));
  EXPECT_EQ(Probe::live, 51);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(broker.call(ref_of(many.as<List>().items[i]), "value"),
              Variant(static_cast<int>(100 + i)));
  }
  many = {};
  EXPECT_TRUE(eventually([] { return Probe::live == 1; }));
}

TEST_F(ClientImplTest, DroppedReferencesReachTheHostWithoutAnotherCall) {
  LoopbackBroker broker;
  for (int round = 0; round < 5; ++round) {
    auto probe = broker.create("Probe");
    probe.reset();
    EXPECT_TRUE(eventually([] { return Probe::live == 0; }, std::chrono::seconds(10)));
  }
}

TEST_F(ClientImplTest, ReferencesThatAreDroppedLaterReachTheHostToo) {
  LoopbackBroker broker;
  std::vector<Ref> probes;
  for (int i = 0; i < 20; ++i) probes.push_back(broker.create("Probe"));
  while (!probes.empty()) {
    probes.pop_back();
    const auto left = static_cast<int>(probes.size());
    EXPECT_TRUE(eventually([&] { return Probe::live == left; }, std::chrono::seconds(10)));
  }
}

TEST_F(ClientImplTest, ReferencesAreDroppedByManyThreadsWhileOthersCall) {
  LoopbackBroker broker;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto probe = broker.create("Probe");
        auto other = ref_of(broker.call(probe, "plus", arguments(1)));
        probe.reset();
        ASSERT_EQ(ref_of(broker.call(other, "itself")), other);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(ClientImplTest, AnObjectThatIsDroppedAndSentAtOnceIsNeverLost) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::atomic<bool> is_over{false};
  // One thread makes the reference come and go, the other gets it again and again.
  std::thread other([&] {
    while (!is_over) broker.call(probe, "itself");
  });
  const auto holder = broker.call(probe, "plus", arguments(1));
  for (int i = 0; i < 200; ++i) {
    const auto again = ref_of(broker.call(ref_of(holder), "itself"));
    ASSERT_EQ(broker.call(again, "value"), Variant(1));
  }
  is_over = true;
  other.join();
}

// Several threads of the host offer an object to one session for the first time at one time.
TEST_F(ClientImplTest, AnObjectThatManyThreadsAreGivenAtOnceIsOneReference) {
  constexpr std::size_t kThreads = 4;
  LoopbackBroker broker;
  const auto safe = broker.create("Safe");
  std::vector<Ref> parts(kThreads);
  std::barrier round(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 300; ++i) {
        round.arrive_and_wait();
        parts[thread] = ref_of(broker.call(safe, "part"));
        round.arrive_and_wait();
        EXPECT_EQ(parts[thread], parts[0]);
        round.arrive_and_wait();
        parts[thread].reset();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ClientImplTest, AReferenceOfAnotherSessionCannotBeUsed) {
  LoopbackBroker broker;
  const auto other = broker.connect();
  const auto mine = broker.create("Probe");
  const auto theirs = broker.create("Probe", {}, other);
  EXPECT_EQ(kind_of([&] { broker.call(theirs, "add"); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { broker.call(mine, "add_from", arguments(theirs)); }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { broker.run("echo", arguments(List{{Variant(theirs)}})); }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { broker.call(nullptr, "add"); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(broker.call(mine, "add_from", arguments(mine)), Variant(0));
}

TEST_F(ClientImplTest, ArgumentsThatAreTooLargeAreRefusedBeforeAnythingIsSent) {
  ConnectOptions options;
  options.message_bytes = 100'000;
  LoopbackBroker broker({}, std::move(options));
  // Let what the handshake left behind arrive first.
  broker.client()->ping()->wait(kWaitS);
  List numbers;
  for (int i = 0; i < 10'000; ++i) numbers.items.emplace_back(std::to_string(i));
  const auto before = broker.host().stats().bytes_inline;
  const auto error = error_of([&] { broker.run("echo", arguments(numbers)); });
  EXPECT_EQ(error.kind(), ErrorKind::kTooLarge);
  EXPECT_NE(std::string(error.what()).find("100,000"), std::string::npos) << error.what();
  broker.client()->ping()->wait(kWaitS);
  EXPECT_LT(broker.host().stats().bytes_inline - before, 1000u);
}

TEST_F(ClientImplTest, ResultsThatAreTooLargeAreRefusedByTheServer) {
  HostOptions options;
  options.limits.message_bytes = 100'000;
  LoopbackBroker broker(std::move(options));
  List numbers;
  for (int i = 0; i < 2'000; ++i) numbers.items.emplace_back(std::to_string(i));
  EXPECT_EQ(broker.run("echo", arguments(numbers)), Variant(numbers));
  const auto probe = broker.create("Probe");
  EXPECT_EQ(kind_of([&] { broker.call(probe, "many", arguments(5'000)); }), ErrorKind::kTooLarge);
  EXPECT_TRUE(eventually([] { return Probe::live == 1; }));
  EXPECT_EQ(broker.call(probe, "value"), Variant(0));
}

TEST_F(ClientImplTest, ClosingEndsTheSessionAndItsCalls) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto slow = broker.client()->call(probe, "poll", arguments("work"));
  ASSERT_TRUE(broker.stage.saw("work"));
  EXPECT_FALSE(broker.client()->is_closed());
  broker.client()->close();
  broker.client()->close();
  EXPECT_TRUE(broker.client()->is_closed());
  for (int i = 0; i < 2; ++i) {
    const auto error = error_of([&] { slow->wait(kWaitS); });
    EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
    EXPECT_STREQ(error.what(), kClosed);
  }
  EXPECT_STREQ(error_of([&] { broker.call(probe, "add"); }).what(), kClosed);
  EXPECT_STREQ(error_of([&] { broker.create("Probe"); }).what(), kClosed);
  EXPECT_STREQ(error_of([&] { broker.run("length"); }).what(), kClosed);
  EXPECT_STREQ(error_of([&] { broker.client()->ping()->wait(kWaitS); }).what(), kClosed);
  EXPECT_FALSE(slow->cancel());
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(ClientImplTest, ClosingWakesThreadsThatWait) {
  for (int round = 0; round < 10; ++round) {
    LoopbackBroker broker;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        EXPECT_EQ(kind_of([&] { broker.run("poll", arguments("work")); }),
                  ErrorKind::kConnectionLost);
      });
    }
    ASSERT_TRUE(broker.stage.saw("work", 3));
    broker.client()->close();
    for (auto& thread : threads) thread.join();
  }
}

TEST_F(ClientImplTest, ThreadsMayCloseAtOnceWhileOthersCall) {
  for (int round = 0; round < 20; ++round) {
    LoopbackBroker broker;
    std::atomic<int> calls{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        try {
          for (;; ++calls) broker.run("length", arguments("abc"));
        } catch (const Error& error) {
          EXPECT_STREQ(error.what(), kClosed);
        }
      });
    }
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        eventually([&] { return calls > 5; });
        broker.client()->close();
      });
    }
    for (auto& thread : threads) thread.join();
  }
}

TEST_F(ClientImplTest, ItMayBeClosedFromACallback) {
  LoopbackBroker broker;
  auto client = broker.connect();
  const auto call = client->run("wait", arguments("slow"));
  Gate closed;
  call->on_done([&] {
    client->close();
    closed.open();
  });
  broker.stage.open("slow");  // the watcher finds the reply, and closes
  EXPECT_TRUE(closed.wait());
  EXPECT_TRUE(call->wait(kWaitS).is_null());
}

TEST_F(ClientImplTest, TheLastShareMayBeDroppedAnywhere) {
  LoopbackBroker broker;
  for (int round = 0; round < 10; ++round) {
    auto client = broker.connect();
    const auto name = std::to_string(round);
    auto call = client->run("wait", arguments(name));
    std::weak_ptr<Client> weak = client;
    client.reset();
    EXPECT_FALSE(weak.expired());  // the call keeps it
    if (round % 2 == 0) {
      call.reset();  // the reply is the last to hold it
      broker.stage.open(name);
    } else {
      broker.stage.open(name);
      call->wait(kWaitS);
      call.reset();
    }
    EXPECT_TRUE(eventually([&] { return weak.expired(); }));
  }
}

TEST_F(ClientImplTest, ReferencesMayOutliveTheirClient) {
  LoopbackBroker broker;
  auto client = broker.connect();
  auto probe = broker.create("Probe", {}, client);
  client.reset();
  EXPECT_TRUE(eventually([&] { return probe->client() == nullptr; }));
  EXPECT_EQ(probe->type_name(), "Probe");
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
  EXPECT_EQ(kind_of([&] { broker.call(probe, "add"); }), ErrorKind::kInvalidArgument);
}

TEST_F(ClientImplTest, AServerThatGoesInTheMiddleOfACallIsNoticed) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("poll", arguments("work"));
  ASSERT_TRUE(broker.stage.saw("work"));
  std::thread end([&] { broker.end_host(); });
  EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
  EXPECT_EQ(kind_of([&] { broker.run("length", arguments("abc")); }), ErrorKind::kConnectionLost);
  end.join();
}

TEST_F(ClientImplTest, AServerThatGoesWhileNobodyWaitsIsNoticedToo) {
  LoopbackBroker broker;
  std::atomic<bool> is_done{false};
  const auto call = broker.client()->run("poll", arguments("work"));
  call->on_done([&] { is_done = true; });
  ASSERT_TRUE(broker.stage.saw("work"));
  broker.end_host();
  EXPECT_TRUE(eventually([&] { return is_done.load(); }));
}

TEST_F(ClientImplTest, TheLossIsExplainedOnceAndTheExplanationStays) {
  std::atomic<int> asked{0};
  ConnectOptions options;
  options.explain_loss = [&]() -> std::optional<Error> {
    ++asked;
    return Error(ErrorKind::kServerCrashed, "signal 11");
  };
  LoopbackBroker broker({}, std::move(options));
  const auto call = broker.client()->run("poll", arguments("work"));
  const auto probe = broker.create("Probe");
  ASSERT_TRUE(broker.stage.saw("work"));
  broker.end_host();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kServerCrashed);
    const auto error = error_of([&] { broker.call(probe, "add"); });
    EXPECT_EQ(error.kind(), ErrorKind::kServerCrashed);
    EXPECT_STREQ(error.what(), "signal 11");
  }
  EXPECT_EQ(asked, 1);
}

TEST_F(ClientImplTest, ALossWithoutExplanationSaysWhereAndWhatToDo) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  broker.end_host();
  const auto error = error_of([&] { broker.call(probe, "add"); });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_STREQ(error.what(),
               "the server closed the connection (an inherited socket); open another session");
}

TEST_F(ClientImplTest, ACloseOfOurOwnIsNotExplained) {
  std::atomic<int> asked{0};
  ConnectOptions options;
  options.explain_loss = [&]() -> std::optional<Error> {
    ++asked;
    return std::nullopt;
  };
  LoopbackBroker broker({}, std::move(options));
  broker.client()->close();
  EXPECT_STREQ(error_of([&] { broker.run("length"); }).what(), kClosed);
  EXPECT_EQ(asked, 0);
}

TEST_F(ClientImplTest, AnIdleClientMakesOneThreadAndFewDescriptors) {
  LoopbackBroker broker;
  const auto threads = running_threads();
  const auto descriptors = open_descriptors();
  std::vector<std::shared_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(broker.connect());
  EXPECT_LE(running_threads(), threads + 5 + 2);  // and at most two more of the host
  EXPECT_LE(open_descriptors(), descriptors + 5 * 4);
}

}  // namespace
}  // namespace cppipc::client_impl_test
