// SPDX-License-Identifier: Apache-2.0
// One call as its callers see it: waiting, callbacks, interrupts, and many threads at it.
#include <atomic>
#include <semaphore>
#include <thread>

#include "support/loopback.h"

namespace cppipc::client_call_test {
namespace {

using namespace cppipc::test;

class ClientCallTest : public BrokerTest {};

TEST_F(ClientCallTest, AResultCanBeTakenManyTimes) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("length", arguments("abc"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call->wait(kWaitS), Variant(3));
  EXPECT_TRUE(call->is_done());
  EXPECT_GT(call->id(), 0u);
}

TEST_F(ClientCallTest, AnErrorIsThrownEachTime) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("fail", arguments("Error"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kStaleReference);
  }
}

TEST_F(ClientCallTest, EachWaitTellsThatItReturns) {
  std::atomic<int> returns{0};
  ConnectOptions options;
  options.on_return = [&] { ++returns; };
  LoopbackBroker broker({}, options);
  const int before = returns;
  const auto call = broker.client()->run("length", arguments("abc"));
  EXPECT_EQ(returns, before);
  call->wait(kWaitS);
  EXPECT_EQ(returns, before + 1);
  const auto slow = broker.client()->run("wait", arguments("slow"));
  EXPECT_EQ(kind_of([&] { slow->wait(0.0); }), ErrorKind::kTimeout);
  EXPECT_EQ(returns, before + 2);
  broker.stage.open("slow");
}

TEST_F(ClientCallTest, ManyThreadsWaitForOneCall) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("wait", arguments("slow"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(call->wait(kWaitS).is_null()); });
  }
  ASSERT_TRUE(broker.stage.saw("slow"));
  broker.stage.open("slow");
  for (auto& thread : threads) thread.join();
}

TEST_F(ClientCallTest, ManyThreadsTakeOneLargeResult) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("text", arguments(5'000'000));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(call->wait(kWaitS).as<std::string>().size(), 5'000'000u); });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ClientCallTest, ManyThreadsShareOneClient) {
  LoopbackBroker broker;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      const auto probe = broker.create("Probe", arguments(thread));
      for (int i = 1; i <= 200; ++i) {
        ASSERT_EQ(broker.call(probe, "add"), Variant(thread + i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ClientCallTest, CallsAreSentWithoutWaiting) {
  LoopbackBroker broker;
  std::vector<CallPtr> calls;
  for (int i = 0; i < 2000; ++i) {
    calls.push_back(broker.client()->run("echo", arguments(i)));
  }
  for (int i = 1999; i >= 0; --i) {
    ASSERT_EQ(calls[static_cast<std::size_t>(i)]->wait(kWaitS), Variant(i));
  }
}

TEST_F(ClientCallTest, ACallNobodyWaitsForIsDoneNevertheless) {
  LoopbackBroker broker;
  const auto call = broker.client()->run("length", arguments("abc"));
  EXPECT_TRUE(eventually([&] { return call->is_done(); }));
}

TEST_F(ClientCallTest, ACallIsDoneAlsoWhenTheThreadThatReadHasLeft) {
  LoopbackBroker broker;
  const auto slow = broker.client()->run("wait", arguments("slow"));
  const auto short_wait = broker.client()->run("wait", arguments("other"));
  EXPECT_EQ(kind_of([&] { short_wait->wait(0.02); }), ErrorKind::kTimeout);
  broker.stage.open("slow");
  EXPECT_TRUE(eventually([&] { return slow->is_done(); }));
  broker.stage.open("other");
  EXPECT_TRUE(eventually([&] { return short_wait->is_done(); }));
}

TEST_F(ClientCallTest, ADroppedCallRunsToItsEnd) {
  LoopbackBroker broker;
  broker.client()->run("wait", arguments("slow"));
  ASSERT_TRUE(broker.stage.saw("slow"));
  broker.stage.open("slow");
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.calls == 1; }));
}

TEST_F(ClientCallTest, TheCallbackRunsOnceWhenTheCallIsDone) {
  LoopbackBroker broker;
  std::atomic<int> runs{0};
  const auto call = broker.client()->run("wait", arguments("slow"));
  call->on_done([&] { ++runs; });
  call->on_done([&] { ++runs; });
  EXPECT_EQ(runs, 0);
  broker.stage.open("slow");
  EXPECT_TRUE(eventually([&] { return runs == 2; }));  // with nobody waiting
  EXPECT_TRUE(call->is_done());
  call->on_done([&] { ++runs; });
  EXPECT_EQ(runs, 3);
  call->wait(kWaitS);
  EXPECT_EQ(runs, 3);
}

TEST_F(ClientCallTest, TheCallbackRunsForACancelAndForAnEndToo) {
  LoopbackBroker broker;
  std::atomic<int> runs{0};
  const auto cancelled = broker.client()->run("poll", arguments("work"));
  cancelled->on_done([&] { ++runs; });
  cancelled->cancel();
  EXPECT_EQ(runs, 1);
  const auto lost = broker.client()->run("poll", arguments("work"));
  lost->on_done([&] { ++runs; });
  broker.client()->close();
  EXPECT_EQ(runs, 2);
}

TEST_F(ClientCallTest, TheCallbackMaySendCalls) {
  LoopbackBroker broker;
  std::atomic<int> left{50};
  CallPtr last;
  std::mutex mutex;
  std::binary_semaphore over(0);
  std::function<void()> next = [&] {
    if (--left == 0) return over.release();
    auto call = broker.client()->run("length", arguments("abc"));
    call->on_done(next);
    std::lock_guard lock(mutex);
    last = std::move(call);
  };
  next();
  EXPECT_TRUE(over.try_acquire_for(kDeadline));
  std::lock_guard lock(mutex);
  last.reset();
}

TEST_F(ClientCallTest, TheInterruptEndsTheWaitAndCancelsAnAwaitedCall) {
  struct Interrupted {};
  std::atomic<bool> is_interrupted{false};
  ConnectOptions options;
  options.on_interrupt = [&] {
    if (is_interrupted) throw Interrupted{};
  };
  LoopbackBroker broker({}, std::move(options));
  const auto call =
      broker.client()->run("poll", arguments("work"), {.timeout_s = {}, .is_awaited = true});
  std::thread interrupter([&] {
    EXPECT_TRUE(broker.stage.saw("work"));
    is_interrupted = true;
  });
  EXPECT_THROW(call->wait(kWaitS), Interrupted);
  interrupter.join();
  is_interrupted = false;
  EXPECT_TRUE(broker.stage.saw("work cancelled"));
  EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kCancelled);
  // The session goes on.
  EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
}

TEST_F(ClientCallTest, TheInterruptEndsTheWaitAndLeavesAnotherCallAlone) {
  struct Interrupted {};
  std::atomic<bool> is_interrupted{false};
  ConnectOptions options;
  LoopbackBroker broker;
  options.on_interrupt = [&] {
    if (is_interrupted) throw Interrupted{};
  };
  const auto client = broker.connect(std::move(options));
  const auto call = client->run("wait", arguments("slow"));
  is_interrupted = true;
  EXPECT_THROW(call->wait(kWaitS), Interrupted);
  EXPECT_THROW(call->wait(kWaitS), Interrupted);
  EXPECT_FALSE(call->is_done());
  is_interrupted = false;
  broker.stage.open("slow");
  EXPECT_TRUE(call->wait(kWaitS).is_null());
  client->close();
}

TEST_F(ClientCallTest, AnInterruptOfOneThreadLeavesOthersAlone) {
  struct Interrupted {};
  thread_local bool is_interrupted = false;
  ConnectOptions options;
  options.on_interrupt = [] {
    if (is_interrupted) throw Interrupted{};
  };
  LoopbackBroker broker({}, std::move(options));
  const auto slow = broker.client()->run("wait", arguments("slow"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(slow->wait(kWaitS).is_null()); });
  }
  threads.emplace_back([&] {
    is_interrupted = true;
    const auto call = broker.client()->run("wait", arguments("slow"));
    EXPECT_THROW(call->wait(kWaitS), Interrupted);
    broker.stage.open("slow");
  });
  for (auto& thread : threads) thread.join();
}

TEST_F(ClientCallTest, TheInterruptMayCallTheServer) {
  std::shared_ptr<Client> client;
  std::atomic<int> answers{0};
  ConnectOptions options;
  options.on_interrupt = [&] {
    if (!client || answers > 0) return;
    ++answers;  // before the call, which is interrupted as well
    EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
    ++answers;
  };
  LoopbackBroker broker;
  client = broker.connect(std::move(options));
  const auto call = client->run("wait", arguments("slow"), {.timeout_s = {}, .is_awaited = true});
  std::thread opener([&] {
    EXPECT_TRUE(eventually([&] { return answers == 2; }));
    broker.stage.open("slow");
  });
  EXPECT_TRUE(call->wait(kWaitS).is_null());
  opener.join();
  client->close();
}

TEST_F(ClientCallTest, ASlowInterruptDelaysNoOtherThread) {
  thread_local bool is_slow = false;
  Gate gate;
  std::atomic<int> inside{0};
  ConnectOptions options;
  options.on_interrupt = [&] {
    if (!is_slow) return;
    ++inside;
    EXPECT_TRUE(gate.wait());
  };
  LoopbackBroker broker({}, std::move(options));
  const auto slow =
      broker.client()->run("wait", arguments("slow"), {.timeout_s = {}, .is_awaited = true});
  std::thread waiting([&] {
    is_slow = true;
    slow->wait(kWaitS);
  });
  ASSERT_TRUE(eventually([&] { return inside == 1; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  broker.stage.open("slow");
  gate.open();
  waiting.join();
}

TEST_F(ClientCallTest, ManyWaitersComeAndGoInEveryOrder) {
  LoopbackBroker broker;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 60; ++i) {
        const auto name = std::to_string(thread) + "/" + std::to_string(i);
        const auto call = broker.client()->run("wait", arguments(name));
        if (i % 3 == 0) {
          EXPECT_EQ(kind_of([&] { call->wait(0.001); }), ErrorKind::kTimeout);
        }
        if (i % 5 == 0) call->cancel();
        broker.stage.open(name);
        if (i % 5 == 0) {
          EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kCancelled);
        } else {
          EXPECT_TRUE(call->wait(kWaitS).is_null());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace cppipc::client_call_test
