// SPDX-License-Identifier: Apache-2.0
// A client that shares memory and lies about it, spoken by hand: it gets faults, and nobody else
// notices.
#include <atomic>
#include <cstring>
#include <thread>

#include "support/loopback.h"
#include "support/memory_peers.h"

namespace cppipc::hostile_memory_test {
namespace {

using namespace cppipc::test;

class HostileClient {
 public:
  explicit HostileClient(LoopbackBroker& broker) : raw(broker.connect_raw()) {
    raw.bootstrap(0);
    RawArena probe(1);
    const auto question = send(probe.fd(), [&](capnp::rpc::Call::Builder call) {
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      call.setInterfaceId(capnp::typeId<wire::Broker>());
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Broker::OpenParams>();
      params.setProtocol(wire::PROTOCOL);
      params.setMessageBytes(8 << 20);
      params.setInlineBytes(1 << 20);
      params.setProbe(probe.inode());
      params.setMemory(placeholder().castAs<wire::Memory>());
      payload.initCapTable(1)[0].setSenderHosted(1);
    });
    const auto message = returned(question);
    const auto table = RawSide::root(message).getReturn().getResults().getCapTable();
    EXPECT_EQ(table.size(), 2u) << "the host shares no memory";
    session_ = table[0].getSenderHosted();
    memory_ = table[1].getSenderHosted();
  }

  void register_arena(std::uint64_t number, std::uint64_t size, int fd, std::uint64_t inode) {
    returned(send(fd, [&](capnp::rpc::Call::Builder call) {
      call.initTarget().setImportedCap(memory_);
      call.setInterfaceId(capnp::typeId<wire::Memory>());
      auto params = call.initParams().getContent().initAs<wire::Memory::RegisterParams>();
      params.setArena(number);
      params.setSizeBytes(size);
      params.setInode(inode);
      params.setIsWritable(true);
    }));
  }
  // What echo() says of bytes at a place: their size, or minus the fault's kind.
  std::int64_t echo(const RawPlace& place) {
    const auto message = returned(send(-1, [&](capnp::rpc::Call::Builder call) {
      call.initTarget().setImportedCap(session_);
      call.setInterfaceId(capnp::typeId<wire::Session>());
      call.setMethodId(2);
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Session::RunParams>();
      params.initCall().setId(call.getQuestionId());
      params.setFunction("echo");
      auto large = params.initArguments().initValues(1)[0].initLargeBytes();
      large.setSize(place.size);
      large.setBlob(placeholder().castAs<wire::Blob>());
      large.setArena(place.arena);
      large.setOffset(place.offset);
      large.setBegin(place.begin);
      large.setAccess(static_cast<std::uint8_t>(place.access));
      payload.initCapTable(1)[0].setSenderHosted(1000 + call.getQuestionId());
    }));
    const auto content = RawSide::root(message).getReturn().getResults().getContent();
    const auto outcome = content.getAs<wire::Session::RunResults>().getOutcome();
    if (outcome.isFault()) return -static_cast<std::int64_t>(outcome.getFault().getKind());
    return static_cast<std::int64_t>(outcome.getValue().getBytes().size());
  }

  RawSide raw;

 private:
  static capnp::Capability::Client placeholder() {
    return capnp::Capability::Client(capnp::newBrokenCap("a capability"));
  }
  template <class Fill>
  std::uint32_t send(int fd, Fill&& fill) {
    capnp::MallocMessageBuilder builder;
    auto call = builder.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(++question_);
    fill(call);
    raw.connection().send(builder, Connection::Flush::kNow, fd);
    return question_;
  }
  std::unique_ptr<IncomingMessage> returned(std::uint32_t question) {
    std::unique_ptr<IncomingMessage> found;
    EXPECT_TRUE(eventually([&] {
      raw.connection().flush();
      while ((found = raw.next()) != nullptr) {
        const auto root = RawSide::root(found);
        if (root.isReturn() && root.getReturn().getAnswerId() == question) return true;
      }
      return false;
    }));
    return found;
  }

  std::uint32_t question_ = 0;
  std::uint32_t session_ = 0;
  std::uint32_t memory_ = 0;
};

class HostileMemoryTest : public BrokerTest {
 protected:
  static constexpr std::int64_t kProtocolFault = -static_cast<std::int64_t>(ErrorKind::kProtocol);

  static void expect_served(LoopbackBroker& broker) {
    EXPECT_EQ(broker.run("length", arguments("abc")), Variant(3));
  }
};

TEST_F(HostileMemoryTest, PlacesThatCannotBeAreFaultsOfTheirCalls) {
  LoopbackBroker broker;
  HostileClient client(broker);
  RawArena arena;
  client.register_arena(1, arena.size(), arena.fd(), arena.inode());
  EXPECT_EQ(client.echo({1000, 1, 5000, 0}), 1000);
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  for (const RawPlace& place : {RawPlace{1, 1, kArenaBytes, 0}, RawPlace{kArenaBytes + 1, 1, 0, 0},
                                RawPlace{8, 1, kMost, 0}, RawPlace{kMost, 1, 0, 0},
                                RawPlace{1, 1, 1, 2}, RawPlace{1, 1, 0, 0, 77}}) {
    EXPECT_EQ(client.echo(place), kProtocolFault);
    expect_served(broker);
  }
  EXPECT_EQ(client.echo({1000, 1, 5000, 0}), 1000);  // the session goes on
}

TEST_F(HostileMemoryTest, AFloodOfArenasStaysWithinTheLimits) {
  HostOptions options;
  options.limits.arenas = 4;
  LoopbackBroker broker(std::move(options));
  HostileClient client(broker);
  RawArena arena;
  const auto before = open_descriptors();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    client.register_arena(i, arena.size(), arena.fd(), arena.inode());
  }
  EXPECT_LE(open_descriptors(), before + 9);  // four arenas, four that nobody took, our own
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.arenas <= 5; }));
  expect_served(broker);
}

TEST_F(HostileMemoryTest, BytesMayChangeAndVanishWhileTheyAreRead) {
  LoopbackBroker broker;
  HostileClient client(broker);
  RawArena arena(1 << 20);
  client.register_arena(1, arena.size(), arena.fd(), arena.inode());
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    for (unsigned i = 0; !is_over; ++i) {
      std::memset(arena.data(), static_cast<int>(i), 1 << 16);
      ::fallocate(arena.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20);
      EXPECT_NE(::ftruncate(arena.fd(), 0), 0);
    }
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.echo({20'000, 1, 1000, 0}), 20'000);
  is_over = true;
  writer.join();
  expect_served(broker);
}

TEST_F(HostileMemoryTest, AClientThatVanishesLeavesNothingMapped) {
  LoopbackBroker broker;
  const auto before = open_descriptors();
  {
    HostileClient client(broker);
    RawArena arena;
    client.register_arena(1, arena.size(), arena.fd(), arena.inode());
    client.echo({1000, 1, 5000, 0});
  }
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }));
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.arenas == 0; }));
  expect_served(broker);
}

}  // namespace
}  // namespace cppipc::hostile_memory_test
