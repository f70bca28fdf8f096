// SPDX-License-Identifier: Apache-2.0
// Both sides at once, from many threads, with little and with much.
#include <poll.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include "support/tls_peers.h"
#include "tls/stream.h"

namespace cppipc::crossing_test {
namespace {

using test::Filled;
using test::receive;
using test::Received;

class CrossingTest : public test::TlsTest {
 protected:
  void SetUp() override {
    TlsTest::SetUp();
    auto [ours, theirs] = test::socket_pair();
    auto server_channel = accept(theirs.get(), server_options());
    auto client_channel = connector(ours.get(), client_options());
    server_ = std::make_unique<Connection>(std::move(theirs), test::kMessageBytes,
                                           std::move(server_channel));
    while (client_channel->shake_hands() != Channel::Step::kDone) {
      server_->receive([](std::unique_ptr<IncomingMessage>) {});
    }
    server_->receive([](std::unique_ptr<IncomingMessage>) {});
    client_ = std::make_unique<Connection>(std::move(ours), test::kMessageBytes,
                                           std::move(client_channel));
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
    TlsTest::TearDown();
  }

  // Reads and sends on until so many messages have come and all of one's own are gone, of which
  // `senders` send more.
  static void exchange(Connection& connection, Received& received, std::size_t wanted,
                       const std::atomic<int>& senders) {
    const auto until = std::chrono::steady_clock::now() + 2 * test::kDeadline;
    while (received.size() < wanted || senders != 0 || connection.has_queued()) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << received.size() << " of " << wanted;
      pollfd ready{connection.fd(), POLLIN, 0};
      if (!connection.flush()) ready.events |= POLLOUT;
      ::poll(&ready, 1, 10);
      ASSERT_NE(receive(connection, received), Connection::State::kEnded);
    }
  }

  std::unique_ptr<Connection> server_;
  std::unique_ptr<Connection> client_;
};

TEST_F(CrossingTest, MessagesOfEverySizeCrossBothWaysAtOnce) {
  const std::array<std::size_t, 14> sizes{1,       100,     16'383,    16'384,  16'385,
                                          65'536,  131'072, 131'080,   200'000, 1'000'003,
                                          5 << 20, 1,       64u << 20, 2};
  Received there, back, expected_there, expected_back;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    expected_there.emplace_back(sizes[i], i + 1);
    expected_back.emplace_back(sizes[i], i + 101);
  }
  const auto run = [&](Connection& connection, int offset, Received& received) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      connection.send(
          Filled(sizes[i], static_cast<unsigned char>(i + 1 + static_cast<std::size_t>(offset)))
              .builder(),
          Connection::Flush::kNow);
      receive(connection, received);
    }
    exchange(connection, received, sizes.size(), 0);
  };
  std::thread other([&] { run(*server_, 100, back); });
  run(*client_, 0, there);
  other.join();
  EXPECT_EQ(there, expected_back);
  EXPECT_EQ(back, expected_there);
}

TEST_F(CrossingTest, ManyThreadsSendOnBothSidesWhileBothRead) {
  constexpr int kThreads = 4, kEach = 200;
  std::atomic<int> senders{2 * kThreads};
  const auto send_all = [&](Connection& connection, int thread) {
    for (int i = 0; i < kEach; ++i) {
      const std::size_t size = i % 50 == 0 ? 100'000 : static_cast<std::size_t>(1 + i % 900);
      connection.send(Filled(size, static_cast<unsigned char>(thread + 1)).builder(),
                      i % 3 == 0 ? Connection::Flush::kLater : Connection::Flush::kNow);
    }
    --senders;
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] { send_all(*client_, thread); });
    threads.emplace_back([&, thread] { send_all(*server_, thread); });
  }
  Received there, back;
  threads.emplace_back([&] { exchange(*server_, back, kThreads * kEach, senders); });
  exchange(*client_, there, kThreads * kEach, senders);
  for (auto& thread : threads) thread.join();
  for (const Received* received : {&there, &back}) {
    std::array<int, kThreads + 1> counts{};
    for (const auto& [size, fill] : *received) {
      ASSERT_GT(fill, 0);
      const int i = counts.at(static_cast<std::size_t>(fill))++;
      // Each sender's messages stay in order.
      EXPECT_EQ(size, i % 50 == 0 ? 100'000 : static_cast<std::size_t>(1 + i % 900));
    }
    for (int thread = 1; thread <= kThreads; ++thread) EXPECT_EQ(counts.at(thread), kEach);
  }
}

// The code of the library itself, with new keys after every message.
TEST_F(CrossingTest, NewKeysOnTheWayChangeNothing) {
  auto [ours, theirs] = test::socket_pair();
  auto server_channel = accept(theirs.get(), server_options());
  auto context = tls::make_client_context(client_options());
  tls::Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  auto channel = std::make_unique<tls::Stream>(std::move(ssl), ours.get(), tls::About{});
  channel->set_rekey_bytes(1);
  Connection server(std::move(theirs), test::kMessageBytes, std::move(server_channel));
  while (channel->shake_hands() != Channel::Step::kDone) {
    server.receive([](std::unique_ptr<IncomingMessage>) {});
  }
  Connection client(std::move(ours), test::kMessageBytes, std::move(channel));
  Received received, answers;
  for (int i = 1; i <= 100; ++i) {
    client.send(Filled(30'000, static_cast<unsigned char>(i)).builder(), Connection::Flush::kNow);
    server.send(Filled(10, static_cast<unsigned char>(i)).builder(), Connection::Flush::kNow);
    ASSERT_TRUE(test::eventually([&] {
      receive(server, received);
      receive(client, answers);
      client.flush();
      return received.size() == static_cast<std::size_t>(i) && answers.size() == received.size();
    }));
    EXPECT_EQ(received.back(), std::pair(std::size_t{30'000}, i));
  }
  client.shutdown();
  server.expect_end();
  EXPECT_EQ(receive(server, received), Connection::State::kEnded);
}

// A peer that sends new keys without end, and nothing else.
TEST_F(CrossingTest, AFloodOfControlMessagesEndsTheConnection) {
  auto [ours, theirs] = test::socket_pair();
  auto context = tls::make_client_context(client_options());
  tls::Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_fd(ssl.get(), ours.get());
  auto channel = accept(theirs.get(), server_options());
  Connection server(std::move(theirs), test::kMessageBytes, std::move(channel));
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  std::thread flood([&] {  // blocks while the socket is full, until the other side is gone
    while (SSL_do_handshake(ssl.get()) == 1 &&
           SSL_key_update(ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
    }
  });
  ErrorKind kind = ErrorKind::kRemote;
  EXPECT_TRUE(test::eventually([&] {
    try {
      server.receive([](std::unique_ptr<IncomingMessage>) {});
      return false;
    } catch (const Error& error) {
      kind = error.kind();
      return true;
    }
  }));
  server.shutdown();
  flood.join();
  std::signal(SIGPIPE, before);
  EXPECT_EQ(kind, ErrorKind::kProtocol);
}

}  // namespace
}  // namespace cppipc::crossing_test
