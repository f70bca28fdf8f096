// SPDX-License-Identifier: Apache-2.0
// Many threads on one peer, with one that reads on each side.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <thread>

#include "rpc/poller.h"
#include "rpc/waiter.h"
#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::peer_threads_test {
namespace {

using test::answer;
using test::eventually;
using test::Servant;
using test::text_of;

using PeerThreads = test::LeakCheck;

struct WaitedReply final : PendingReply {
  void on_return(Returned reply) override {
    returned = std::move(reply);
    waiter.finish();
  }
  bool wait() {
    const auto until = std::chrono::steady_clock::now() + test::kDeadline;
    while (!waiter.is_done() && std::chrono::steady_clock::now() < until) {
      waiter.sleep(std::chrono::seconds(1));
    }
    return waiter.is_done();
  }
  Waiter waiter;
  Returned returned;
};

// A peer and a thread that reads for it. Owns both.
class ReadPeer {
 public:
  explicit ReadPeer(Descriptor socket, std::shared_ptr<Exported> bootstrap = nullptr)
      : poller(std::make_shared<Poller>()),
        peer(std::make_shared<Peer>(std::move(socket), test::kMessageBytes,
                                    std::make_shared<ImportSource>(poller))) {
    if (bootstrap) peer->offer(bootstrap);
    poller->add(peer->connection().fd(), 1);
    reader_ = std::thread([this] { read(); });
  }
  ~ReadPeer() {
    is_over_ = true;
    poller->wake();
    reader_.join();
    peer->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
  }

  std::shared_ptr<Poller> poller;
  std::shared_ptr<Peer> peer;

 private:
  void read() {
    std::array<PollEvent, 4> events;
    while (!is_over_) {
      peer->let_go().arm();
      peer->carry_out_let_go();
      const bool is_flushed = peer->connection().flush();
      poller->want_write(peer->connection().fd(), 1, !is_flushed);
      if (!peer->let_go().is_empty()) continue;
      const auto count = poller->wait(events, 1000);
      for (std::size_t i = 0; i < count; ++i) {
        if (events[i].is_ended) peer->connection().expect_end();
        if (peer->is_disconnected() || peer->receive() == Connection::State::kEnded) {
          peer->disconnect(Error(ErrorKind::kConnectionLost, "the peer is gone"));
        }
      }
    }
  }

  std::atomic<bool> is_over_{false};
  std::thread reader_;
};

// The bootstrap capability, waited for.
std::shared_ptr<Import> target_of(Peer& peer) {
  const auto reply = std::make_shared<WaitedReply>();
  peer.ask_bootstrap(reply);
  EXPECT_TRUE(reply->wait());
  return std::get<std::shared_ptr<Import>>(reply->returned.caps.at(0));
}

std::shared_ptr<WaitedReply> send(Peer& peer, const std::shared_ptr<Import>& target,
                                  const std::string& text, Cap cap = {}) {
  auto builder = peer.begin_call(target, test::kInterface, 7, 32);
  auto params = builder.params<wire::Reference>();
  params.setType(text);
  if (!std::holds_alternative<std::monostate>(cap)) {
    params.setObject(builder.message().add(std::move(cap)).castAs<wire::Object>());
  }
  auto reply = std::make_shared<WaitedReply>();
  peer.send(std::move(builder), reply, Connection::Flush::kNow);
  return reply;
}

std::string text_of(WaitedReply& reply) {
  if (reply.returned.error) return reply.returned.error->what();
  return reply.returned.content().getAs<wire::Reference>().getType().cStr();
}

TEST_F(PeerThreads, ManyThreadsCallAtOnceAndGetTheirOwnReplies) {
  auto [one, other] = test::socket_pair();
  ReadPeer server(std::move(other), std::make_shared<Servant>([](IncomingCall incoming) {
                    answer(incoming, "re: " + text_of(incoming));
                  }));
  ReadPeer client(std::move(one));
  const auto target = target_of(*client.peer);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const auto text = std::to_string(thread) + "/" + std::to_string(i);
        const auto reply = send(*client.peer, target, text);
        ASSERT_TRUE(reply->wait());
        ASSERT_EQ(text_of(*reply), "re: " + text);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(client.peer->questions_open(), 0u);
}

TEST_F(PeerThreads, AnswersMayComeFromManyThreads) {
  std::mutex mutex;
  std::vector<IncomingCall> calls;
  auto [one, other] = test::socket_pair();
  ReadPeer server(std::move(other), std::make_shared<Servant>([&](IncomingCall incoming) {
                    std::lock_guard lock(mutex);
                    calls.push_back(std::move(incoming));
                  }));
  ReadPeer client(std::move(one));
  const auto target = target_of(*client.peer);
  std::vector<std::shared_ptr<WaitedReply>> replies;
  for (int i = 0; i < 200; ++i) replies.push_back(send(*client.peer, target, std::to_string(i)));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return calls.size() == replies.size();
  }));
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = thread; i < calls.size(); i += 4) {
        if (i % 10 == 0) {
          calls[i].fail("tenth");
        } else {
          answer(calls[i], text_of(calls[i]));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < replies.size(); ++i) {
    ASSERT_TRUE(replies[i]->wait());
    EXPECT_EQ(text_of(*replies[i]), i % 10 == 0 ? "tenth" : std::to_string(i));
  }
}

TEST_F(PeerThreads, OneObjectGivenAndDroppedByManyThreadsIsReleasedAtTheEnd) {
  const auto object =
      std::make_shared<Servant>([](IncomingCall incoming) { answer(incoming, "alive"); });
  auto [one, other] = test::socket_pair();
  {
    ReadPeer server(std::move(other), std::make_shared<Servant>([&](IncomingCall incoming) {
                      answer(incoming, "here", object);
                    }));
    ReadPeer client(std::move(one));
    const auto target = target_of(*client.peer);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          const auto reply = send(*client.peer, target, "get");
          ASSERT_TRUE(reply->wait());
          const auto import = std::get<std::shared_ptr<Import>>(reply->returned.caps.at(0));
          const auto alive = send(*client.peer, import, "alive?");
          ASSERT_TRUE(alive->wait());
          ASSERT_EQ(text_of(*alive), "alive");
        }
      });
    }
    for (auto& thread : threads) thread.join();
    // Without another call: the dropped references wake the reader.
    EXPECT_TRUE(eventually([&] { return object.use_count() == 1; }));
  }
}

TEST_F(PeerThreads, CapabilitiesOfTheCallerAreReleasedByTheCallee) {
  auto [one, other] = test::socket_pair();
  ReadPeer server(std::move(other), std::make_shared<Servant>(
                                        [](IncomingCall incoming) { answer(incoming, "thanks"); }));
  ReadPeer client(std::move(one));
  const auto target = target_of(*client.peer);
  std::vector<std::shared_ptr<Servant>> arguments;
  for (int i = 0; i < 100; ++i) {
    arguments.push_back(std::make_shared<Servant>());
    ASSERT_TRUE(send(*client.peer, target, "take", arguments.back())->wait());
  }
  EXPECT_TRUE(eventually([&] {
    for (const auto& argument : arguments) {
      if (argument.use_count() != 1) return false;
    }
    return true;
  }));
}

TEST_F(PeerThreads, EveryCallIsAnsweredOnceWhenTheConnectionBreaksInBetween) {
  for (int round = 0; round < 20; ++round) {
    auto [one, other] = test::socket_pair();
    std::atomic<int> served{0};
    std::latch is_going(1);
    ReadPeer server(std::move(other), std::make_shared<Servant>([&](IncomingCall incoming) {
                      if (++served == 20) is_going.count_down();
                      answer(incoming, "ok");
                    }));
    ReadPeer client(std::move(one));
    const auto target = target_of(*client.peer);
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&] {
        for (;;) {
          const auto reply = send(*client.peer, target, "x");
          ASSERT_TRUE(reply->wait());
          if (!reply->returned.error) continue;
          EXPECT_EQ(reply->returned.error->kind(), ErrorKind::kConnectionLost);
          ++lost;
          return;
        }
      });
    }
    is_going.wait();
    server.peer->disconnect(Error(ErrorKind::kConnectionLost, "pulled"));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lost, 3);
  }
}

TEST_F(PeerThreads, RepliesLargerThanTheSocketTakesArriveWhole) {
  auto [one, other] = test::socket_pair();
  const std::string large(3 << 20, 'x');
  ReadPeer server(std::move(other), std::make_shared<Servant>(
                                        [&](IncomingCall incoming) { answer(incoming, large); }));
  ReadPeer client(std::move(one));
  const auto target = target_of(*client.peer);
  std::vector<std::shared_ptr<WaitedReply>> replies;
  for (int i = 0; i < 4; ++i) replies.push_back(send(*client.peer, target, large));
  for (const auto& reply : replies) {
    ASSERT_TRUE(reply->wait());
    EXPECT_TRUE(text_of(*reply) == large);
  }
}

}  // namespace
}  // namespace cppipc::peer_threads_test
