// SPDX-License-Identifier: Apache-2.0
// Values that cross beside their message, in both directions and in pieces: memory is not shared.
#include <cstring>
#include <thread>

#include "support/loopback.h"

namespace cppipc::bulk_test {
namespace {

using namespace cppipc::test;

class BulkTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    broker_ = std::make_unique<LoopbackBroker>(by_value());
  }
  static HostOptions by_value() {
    HostOptions options;
    options.shares_memory = false;
    return options;
  }
  void TearDown() override {
    broker_.reset();
    BrokerTest::TearDown();
  }
  Variant echo(const Variant& value) { return broker_->run("echo", Arguments{{value}, {}}); }
  std::uint64_t copied() { return broker_->host().stats().bytes_copied; }

  std::unique_ptr<LoopbackBroker> broker_;
};

std::string text_of(std::size_t size) {
  std::string text(size, 'x');
  for (std::size_t i = 0; i < size; i += 97) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

AnyArray array_of(std::int64_t size) {
  AnyArray array = make_array(DType::of<double>(), {size});
  auto* elements = reinterpret_cast<double*>(array.data);
  for (std::int64_t i = 0; i < size; ++i) elements[i] = static_cast<double>(i);
  return array;
}

TEST_F(BulkTest, TextsAroundTheBoundaryComeBackEqual) {
  constexpr std::size_t kInline = 1 << 20;
  for (const std::size_t size : {kInline - 1, kInline, kInline + 1, 2 * kInline, 3 * kInline + 7}) {
    const auto before = copied();
    const Variant text(text_of(size));
    EXPECT_TRUE(echo(text) == text) << size;
    if (size == kInline) continue;
    EXPECT_EQ(copied() - before, size < kInline ? 0 : 2 * size) << size;
  }
}

TEST_F(BulkTest, BytesAndArraysOfFortyMebibytesComeBackEqual) {
  constexpr std::size_t kSize = 40 << 20;
  const Variant array(array_of(kSize / 8));
  EXPECT_TRUE(echo(array) == array);
  const Variant bytes(Bytes{text_of(kSize)});
  EXPECT_TRUE(echo(bytes) == bytes);
}

TEST_F(BulkTest, ManyLargeValuesInOneCallComeBackEqual) {
  List list;
  for (std::size_t i = 0; i < 8; ++i) list.items.emplace_back(text_of((1 << 20) + i + 1));
  list.items.emplace_back(array_of(300'000));
  const Variant value(std::move(list));
  EXPECT_TRUE(echo(value) == value);
}

TEST_F(BulkTest, ManyThreadsSendLargeValuesAtOnce) {
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < 3; ++i) {
        const Variant text(text_of((1 << 20) + 100'000 * thread + i));
        EXPECT_TRUE(echo(text) == text);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(BulkTest, ALargeValueDelaysNoOtherCall) {
  std::atomic<bool> is_over{false};
  std::thread large([&] {
    const Variant text(text_of(8 << 20));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(echo(text) == text);
    is_over = true;
  });
  int calls = 0;
  while (!is_over || calls < 10) {
    EXPECT_EQ(broker_->run("length", arguments("abc")), Variant(3));
    ++calls;
  }
  large.join();
}

TEST_F(BulkTest, ArgumentsAreLetGoAfterTheCall) {
  const auto owner = std::make_shared<std::vector<double>>(1'000'000);
  AnyArray array;
  array.dtype = DType::of<double>();
  array.shape = {1'000'000};
  array.strides = {8};
  array.data = reinterpret_cast<std::byte*>(owner->data());
  array.owner = owner;
  EXPECT_TRUE(broker_->run("echo", arguments(array)).as_array() == array);
  array = {};
  EXPECT_TRUE(eventually([&] { return owner.use_count() == 1; }));
}

TEST_F(BulkTest, AResultThatIsNeverTakenIsLetGo) {
  const auto owner = std::make_shared<std::vector<double>>(1'000'000);
  {
    const auto call = broker_->client()->run("text", arguments(5'000'000));
    EXPECT_TRUE(eventually([&] { return call->is_done(); }));
  }
  // The host waits for what has still to be fetched.
  EXPECT_TRUE(broker_->host().stop(kDeadline));
}

TEST_F(BulkTest, ASessionMayEndWhileItsArgumentsAreBeingRead) {
  for (int round = 0; round < 5; ++round) {
    const auto client = broker_->connect();
    const auto call = client->run("echo", arguments(text_of(20 << 20)));
    eventually([&] { return copied() > 0 || call->is_done(); }, std::chrono::milliseconds(3));
    client->close();
    EXPECT_EQ(kind_of([&] { call->wait(kWaitS); }), ErrorKind::kConnectionLost);
  }
  EXPECT_TRUE(broker_->host_has([](const HostStats& stats) { return stats.calls_running == 0; }));
}

TEST_F(BulkTest, TheHostMayEndWhileAResultIsBeingRead) {
  for (int round = 0; round < 5; ++round) {
    broker_ = std::make_unique<LoopbackBroker>();
    const auto call = broker_->client()->run("text", arguments(30 << 20));
    EXPECT_TRUE(eventually([&] { return call->is_done(); }));
    std::thread end([&] { broker_->end_host(); });
    try {
      call->wait(kWaitS);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << error.what();
    }
    end.join();
  }
}

TEST_F(BulkTest, AnInterruptMayEndAFetchAndTheSessionGoesOn) {
  struct Interrupted {};
  std::atomic<bool> is_interrupted{false};
  ConnectOptions options;
  options.on_interrupt = [&] {
    if (is_interrupted) throw Interrupted{};
  };
  Gate gate;
  HostOptions host_options = by_value();
  host_options.session_ended = [&](std::uint64_t id, const std::string&) {
    if (id == 2) gate.wait();  // nothing is read or answered meanwhile
  };
  broker_ = std::make_unique<LoopbackBroker>(std::move(host_options), std::move(options));
  const auto call = broker_->client()->run("text", arguments(5'000'000));
  EXPECT_TRUE(eventually([&] { return call->is_done(); }));
  broker_->connect()->close();
  EXPECT_TRUE(broker_->host_has([](const HostStats& stats) { return stats.sessions == 1; }));
  is_interrupted = true;
  EXPECT_THROW(call->wait(kWaitS), Interrupted);
  is_interrupted = false;
  gate.open();
  EXPECT_EQ(broker_->run("length", arguments("abc")), Variant(3));
  // The result is still there for the next who asks.
  EXPECT_EQ(call->wait(kWaitS).as<std::string>().size(), 5'000'000u);
}

}  // namespace
}  // namespace cppipc::bulk_test
