// SPDX-License-Identifier: Apache-2.0
// Functions of a client that its server calls.
#include <sys/socket.h>

#include <cppipc/convert.h>

#include <atomic>
#include <functional>
#include <future>
#include <random>
#include <thread>

#include "support/loopback.h"

namespace cppipc::callback_test {
namespace {

using namespace cppipc::test;

constexpr int kThreads = 4;
constexpr int kRounds = 12;

template <class F>
Variant function(F f) {
  return to_variant(std::function(std::move(f)));
}

class CallbackTest : public BrokerTest {};

TEST_F(CallbackTest, ItRunsOnTheThreadThatWaits) {
  LoopbackBroker broker;
  std::thread::id ran_on;
  const auto f = function([&](std::int64_t x) {
    ran_on = std::this_thread::get_id();
    return x + 1;
  });
  CallOptions options;
  options.is_awaited = true;
  EXPECT_EQ(broker.client()->run("call", arguments(f, 1), options)->wait(kWaitS), Variant(2));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_F(CallbackTest, ItRunsOnAThreadOfItsOwnIfNoneWaits) {
  LoopbackBroker broker;
  std::promise<std::thread::id> ran_on;
  const auto f = function([&] { ran_on.set_value(std::this_thread::get_id()); });
  const auto call = broker.client()->run("call", arguments(f));
  EXPECT_NE(ran_on.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(call->wait(kWaitS), Variant());
}

TEST_F(CallbackTest, ItRunsWhereTheClientIsToldTo) {
  std::atomic<int> given{0};
  ConnectOptions options;
  std::vector<std::jthread> threads;
  options.run_callback = [&](std::function<void()> call) {
    ++given;
    threads.emplace_back(std::move(call));
  };
  LoopbackBroker broker({}, std::move(options));
  std::promise<void> ran;
  const auto call = broker.client()->run("call", arguments(function([&] { ran.set_value(); })));
  ran.get_future().wait();
  call->wait(kWaitS);
  EXPECT_EQ(given, 1);
}

// The thread that waits for the call runs one of two functions; the other comes only if somebody
// reads meanwhile.
TEST_F(CallbackTest, WhileItRunsSomebodyElseReads) {
  LoopbackBroker broker;
  for (int i = 0; i < 20; ++i) {
    std::promise<void> beside_ran;
    auto is_told = beside_ran.get_future();
    const auto f = function([&] {
      if (is_told.wait_for(std::chrono::duration<double>(kWaitS)) != std::future_status::ready) {
        throw std::runtime_error("nobody has read");
      }
    });
    const auto beside = function([&] { beside_ran.set_value(); });
    CallOptions options;
    options.is_awaited = true;
    const auto call = broker.client()->run("call_beside", arguments(f, beside), options);
    EXPECT_EQ(call->wait(kWaitS), Variant());
  }
}

TEST_F(CallbackTest, ItComesHomeAsItself) {
  LoopbackBroker broker;
  const auto f = function([] { return 1; });
  EXPECT_EQ(broker.run("echo", arguments(f)), f);
  EXPECT_EQ(broker.run("echo", arguments(List{{f, f}})), Variant(List{{f, f}}));
  EXPECT_NE(broker.run("echo", arguments(function([] { return 1; }))), f);
  const Variant named = CallablePtr(std::make_shared<NamedFunction>("echo"));
  EXPECT_EQ(broker.run("echo", arguments(named)), named);
  EXPECT_EQ(broker.run("call", arguments(named, 5)), Variant(5));
  const Variant unknown = CallablePtr(std::make_shared<NamedFunction>("no such"));
  EXPECT_EQ(kind_of([&] { broker.run("echo", arguments(unknown)); }), ErrorKind::kUnknownName);
}

TEST_F(CallbackTest, NestedCallsEnterWhatIsHeld) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::function<std::int64_t(ObjectPtr, std::int64_t)> down;
  down = [&](const ObjectPtr& object, std::int64_t depth) -> std::int64_t {
    broker.call(probe, "add", arguments(1));
    if (depth == 0) return 0;
    const auto result = broker.run("call", arguments(to_variant(down), object, depth - 1));
    return 1 + result.as<std::int64_t>();
  };
  EXPECT_EQ(broker.run("call", arguments(to_variant(down), probe, 100)), Variant(100));
  EXPECT_EQ(broker.call(probe, "add", arguments(0)), Variant(101));
}

TEST_F(CallbackTest, ErrorsComeWithTheirKind) {
  LoopbackBroker broker;
  const auto f = function([] { throw std::out_of_range("of the function"); });
  const Error error = error_of([&] { broker.run("call", arguments(f)); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutOfRange);
  EXPECT_EQ(error.text(), "of the function");
  EXPECT_EQ(kind_of([&] { broker.run("call", arguments(function([](int) {}))); }),
            ErrorKind::kWrongType);
}

TEST_F(CallbackTest, ItIsDroppedWhenTheServerDropsIt) {
  LoopbackBroker broker;
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> weak = alive;
  broker.run("call", arguments(function([alive] { return *alive; })));
  broker.run("echo", arguments(function([alive] { return *alive; })));
  alive.reset();
  EXPECT_TRUE(eventually([&] { return weak.expired(); }));
}

TEST_F(CallbackTest, TheServerSeesAtOnceThatItsClientIsGone) {
  LoopbackBroker broker;
  std::promise<void> begun, go_on;
  auto socket = broker.connect_raw();
  const int fd = socket.get();
  const auto client = Client::adopt(socket.release(), {});
  const auto call = client->run("call", arguments(function([&] {
                                  begun.set_value();
                                  go_on.get_future().wait();
                                })));
  begun.get_future().wait();
  ::shutdown(fd, SHUT_RDWR);
  EXPECT_TRUE(broker.host_has(
      [](const HostStats& stats) { return stats.calls_running == 0 && stats.sessions == 1; }));
  go_on.set_value();
  EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
  client->close();
}

TEST_F(CallbackTest, ItMayCloseItsOwnClient) {
  LoopbackBroker broker;
  for (const bool is_awaited : {true, false}) {
    const auto client = broker.connect();
    // Shared: the call ends before the function does, which may run on another thread.
    const auto closed = std::make_shared<std::promise<void>>();
    const auto is_closed = closed->get_future();
    const auto call = client->run("call", arguments(function([&client, closed] {
                                    client->close();
                                    closed->set_value();
                                  })));
    if (!is_awaited) is_closed.wait();
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
    is_closed.wait();
  }
}

TEST_F(CallbackTest, ItsNumberIsLimited) {
  HostOptions options;
  options.limits.callbacks_in_flight = 2;
  LoopbackBroker broker(std::move(options));
  std::function<void(std::int64_t)> down;
  down = [&](std::int64_t depth) {
    if (depth > 0) broker.run("call", arguments(to_variant(down), depth - 1));
  };
  broker.run("call", arguments(to_variant(down), 1));
  EXPECT_EQ(kind_of([&] { broker.run("call", arguments(to_variant(down), 2)); }),
            ErrorKind::kQuotaExceeded);
  broker.run("call", arguments(to_variant(down), 1));
}

TEST_F(CallbackTest, WatchersAreTold) {
  LoopbackBroker broker;
  std::mutex mutex;
  std::vector<std::string> texts;
  const auto watcher = function(
      [&](const std::string& name, std::optional<double> fraction, const std::string& text) {
        const std::lock_guard lock(mutex);
        texts.push_back(name + ": " + text + (fraction ? " with a fraction" : ""));
      });
  const auto number =
      broker.client()->watch("lo", watcher.as<CallablePtr>())->wait(kWaitS).as<std::int64_t>();
  broker.run("log", arguments("one"));
  broker.run("echo", arguments(1));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return texts.size() == 1;
  }));
  broker.client()->unwatch(static_cast<std::uint64_t>(number))->wait(kWaitS);
  broker.run("log", arguments("two"));
  EXPECT_EQ(texts, (std::vector<std::string>{"log: one"}));
}

// Takes no message before go() is called. Must outlive the broker.
class SlowWatcher {
 public:
  void watch(LoopbackBroker& broker, const std::string& prefix) {
    const auto watcher =
        function([this](const std::string&, std::optional<double>, const std::string& text) {
          gone_.wait();
          const std::lock_guard lock(mutex_);
          texts_.push_back(text);
        });
    broker.client()->watch(prefix, watcher.as<CallablePtr>())->wait(kWaitS);
  }
  void go() { go_.set_value(); }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  std::promise<void> go_;
  const std::shared_future<void> gone_ = go_.get_future().share();
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

TEST_F(CallbackTest, ASlowWatcherIsToldEverythingInOrder) {
  constexpr int kLines = 20'000;
  SlowWatcher watcher;
  LoopbackBroker broker;
  watcher.watch(broker, "log");
  std::vector<std::string> expected;
  for (int i = 0; i < kLines; ++i) {
    expected.push_back(std::to_string(i));
    broker.run("log", arguments(expected.back()));  // which no watcher delays
  }
  watcher.go();
  EXPECT_TRUE(eventually([&] { return watcher.texts().size() == kLines; }));
  EXPECT_EQ(watcher.texts(), expected);
}

TEST_F(CallbackTest, AWatcherIsToldHowManyMessagesItHasLost) {
  constexpr int kLines = 6'000;
  SlowWatcher watcher;
  LoopbackBroker broker;
  watcher.watch(broker, "log");
  for (int i = 0; i < kLines; ++i) broker.run("log", arguments(std::string(4'000, 'x')));
  broker.run("log", arguments("the last one"));
  watcher.go();
  EXPECT_TRUE(eventually([&] {
    const auto texts = watcher.texts();
    return !texts.empty() && texts.back() == "the last one";
  }));
  const auto texts = watcher.texts();
  const auto lost = std::ranges::find_if(
      texts, [](const std::string& text) { return text.find("were lost") != text.npos; });
  ASSERT_NE(lost, texts.end());
  // Sixteen were on their way before any was lost.
  EXPECT_EQ(lost - texts.begin(), 16);
  EXPECT_EQ(std::stoul(*lost) + texts.size() - 1, kLines + 1u);
}

// Threads that call, are called back, cancel and drop, until `end` ends their session.
void race(const std::shared_ptr<Client>& client, const std::function<void()>& end, unsigned seed) {
  std::atomic<int> acts{0};
  const auto inner = function([&](std::int64_t x) { return x + ++acts; });
  const auto outer = function(
      [&](std::int64_t x) { return client->run("call", arguments(inner, x))->wait(kWaitS); });
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(seed * kThreads + i);
      try {
        for (;;) {
          CallOptions options;
          options.is_awaited = random() % 2 == 0;
          const auto call = client->run("call", arguments(outer, 1), options);
          if (!options.is_awaited && random() % 3 == 0) {
            call->cancel();
          } else if (!options.is_awaited && random() % 3 == 0) {
            EXPECT_TRUE(eventually([&] { return call->is_done(); }));
          } else {
            call->wait(kWaitS);
          }
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << error.what();
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return acts > 50 + static_cast<int>(seed % 7) * 10; }));
  end();
  for (auto& thread : threads) thread.join();
  client->close();
}

TEST_F(CallbackTest, RacesAgainstTheEndOfTheSession) {
  LoopbackBroker broker;
  for (unsigned round = 0; round < kRounds; ++round) {
    const auto client = broker.connect();
    race(
        client, [&] { client->close(); }, round);
    EXPECT_TRUE(broker.host_has([](const HostStats& stats) {
      return stats.sessions == 1 && stats.live_objects == 0 && stats.calls_running == 0;
    }));
  }
}

TEST_F(CallbackTest, RacesAgainstABrokenConnection) {
  LoopbackBroker broker;
  for (unsigned round = 0; round < kRounds; ++round) {
    auto socket = broker.connect_raw();
    const int fd = socket.get();
    const auto client = Client::adopt(socket.release(), {});
    race(
        client, [&] { ::shutdown(fd, SHUT_RDWR); }, round);
  }
}

TEST_F(CallbackTest, RacesAgainstTheEndOfTheServer) {
  for (unsigned round = 0; round < kRounds; ++round) {
    LoopbackBroker broker;
    race(
        broker.client(), [&] { broker.end_host(); }, round);
  }
}

}  // namespace
}  // namespace cppipc::callback_test
