// SPDX-License-Identifier: Apache-2.0
// Threads that create, call, cancel and drop, while the session is closed or its server goes.
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "support/loopback.h"

namespace cppipc::races_test {
namespace {

using namespace cppipc::test;

constexpr int kThreads = 4;
constexpr int kRounds = 12;

class RacesTest : public BrokerTest {
 protected:
  // One random thing that a thread may do. Errors: whatever the end of the session brings.
  void act(Client& client, std::mt19937& random, LoopbackBroker::Ref& held) {
    switch (random() % 6) {
      case 0:
        held = std::dynamic_pointer_cast<RemoteObject>(
            client.create("Probe", {})->wait(kWaitS).as<ObjectPtr>());
        return;
      case 1:
        held.reset();
        return;
      case 2:
        if (held) client.call(held, "itself", {})->wait(kWaitS);
        return;
      case 3: {
        const auto call = client.create("Probe", {});
        call->cancel();
        return;
      }
      case 4:
        if (held) client.call(held, "add", arguments(1))->cancel();
        return;
      default:
        for (int i = 0; i < 5 && held; ++i) client.call(held, "add", arguments(1));
    }
  }
  // Lets threads act on a client until `end` has ended its session, or the server.
  void race(const std::shared_ptr<Client>& client, const std::function<void()>& end,
            unsigned seed) {
    std::atomic<int> acts{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        std::mt19937 random(seed * kThreads + i);
        LoopbackBroker::Ref held;
        try {
          for (;; ++acts) act(*client, random, held);
        } catch (const Error& error) {
          const bool is_end = error.kind() == ErrorKind::kConnectionLost ||
                              error.kind() == ErrorKind::kServerCrashed;
          EXPECT_TRUE(is_end) << error.what();
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return acts > 100 + static_cast<int>(seed % 7) * 10; }));
    end();
    for (auto& thread : threads) thread.join();
  }
};

TEST_F(RacesTest, TheSessionIsClosed) {
  LoopbackBroker broker;
  for (unsigned round = 0; round < kRounds; ++round) {
    const auto client = broker.connect();
    race(
        client, [&] { client->close(); }, round);
    EXPECT_TRUE(broker.host_has([](const HostStats& stats) {
      return stats.sessions == 1 && stats.live_objects == 0 && stats.calls_running == 0;
    }));
  }
  EXPECT_EQ(broker.run("echo", arguments(1)), Variant(1));
}

TEST_F(RacesTest, TheServerGoes) {
  for (unsigned round = 0; round < kRounds; ++round) {
    LoopbackBroker broker;
    race(
        broker.client(), [&] { broker.end_host(); }, round);
  }
}

TEST_F(RacesTest, TheConnectionBreaks) {
  LoopbackBroker broker;
  for (unsigned round = 0; round < kRounds; ++round) {
    auto socket = broker.connect_raw();
    const int fd = socket.get();
    const auto client = Client::adopt(socket.release(), {});
    race(
        client, [&] { ::shutdown(fd, SHUT_RDWR); }, round);
    client->close();
    EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.sessions == 1; }));
  }
}

TEST_F(RacesTest, ReferencesAreDroppedByManyThreadsWhileTheyArrive) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 300; ++n) {
        // The same object again and again: the last reference of one thread is dropped while
        // another one is on its way.
        const auto same = broker.call(probe, "itself");
        const auto made = broker.create("Probe", arguments(n));
        EXPECT_EQ(broker.call(made, "value"), Variant(n));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.live_objects == 1; }));
}

}  // namespace
}  // namespace cppipc::races_test
