// SPDX-License-Identifier: Apache-2.0
#pragma once
// A peer that shares memory, against a test that speaks the protocol by hand: what it registers,
// and what it says of bytes in there.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/memory_share.h"
#include "rpc/message_caps.h"
#include "support/peers.h"
#include "wire/marshal.h"

namespace cppipc::test {

inline constexpr std::uint64_t kArenaBytes = 1 << 16;
inline constexpr int kArenaSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// A memfd of a test's making. Owns: the descriptor and a mapping, if it has a size.
class RawArena {
 public:
  explicit RawArena(std::uint64_t size = kArenaBytes, int seals = kArenaSeals)
      : fd_(::memfd_create("raw", MFD_CLOEXEC | MFD_ALLOW_SEALING)), size_(size) {
    EXPECT_EQ(::ftruncate(fd_.get(), static_cast<off_t>(size)), 0);
    if (size > 0) {
      data_ = static_cast<std::byte*>(
          ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
      EXPECT_NE(data_, MAP_FAILED);
    }
    if (seals != 0) {
      EXPECT_EQ(::fcntl(fd_.get(), F_ADD_SEALS, seals), 0);
    }
  }
  ~RawArena() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  RawArena(const RawArena&) = delete;
  RawArena& operator=(const RawArena&) = delete;

  int fd() const { return fd_.get(); }
  std::byte* data() { return data_; }
  std::uint64_t size() const { return size_; }
  static std::uint64_t inode_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
  }
  std::uint64_t inode() const { return inode_of(fd()); }

 private:
  Descriptor fd_;
  std::uint64_t size_;
  std::byte* data_ = nullptr;
};

// What values mean to the peer under test: no objects, and its memory.
class SharedThings final : public ObjectMap {
 public:
  SharedThings(std::shared_ptr<MemoryShare> share, bool is_giving)
      : share_(std::move(share)), is_giving_(is_giving) {}
  Cap cap_of(const ObjectPtr&) override { return {}; }
  std::array<std::uint8_t, 16> id_of(const ObjectPtr&) override { return {}; }
  ObjectPtr object_of(const Cap&, std::string_view, std::span<const std::uint8_t>) override {
    throw Error(ErrorKind::kProtocol, "there are no objects");
  }
  void wait(Waiter&) override { throw Error(ErrorKind::kTimeout, "the bytes are read by pieces"); }
  void count_bulk(std::uint64_t) override {}
  std::shared_ptr<MemoryShare> memory() override { return share_; }
  bool is_giving() const override { return is_giving_; }

 private:
  const std::shared_ptr<MemoryShare> share_;
  const bool is_giving_;
};

// What a LargeBytes of a hand-written message says.
struct RawPlace {
  std::uint64_t size = 0;
  std::uint64_t arena = 0;
  std::uint64_t offset = 0;
  std::uint64_t begin = 0;
  int access = static_cast<int>(Access::kLent);
};

class MemoryPeer {
 public:
  explicit MemoryPeer(MemoryLimits limits = {}, bool is_giving = true)
      : MemoryPeer(limits, is_giving, socket_pair()) {}
  ~MemoryPeer() {
    calls.clear();
    peer->disconnect(Error(ErrorKind::kConnectionLost, "the test is over"));
    share->close();
  }

  // Registers, and gives what the fault says; nullopt if there is none.
  std::optional<Error> register_arena(std::uint64_t arena, std::uint64_t size, int fd,
                                      std::uint64_t inode, bool is_writable = false) {
    send_register(arena, size, fd, inode, is_writable);
    return registered();
  }
  std::optional<Error> register_arena(std::uint64_t number, const RawArena& arena,
                                      bool is_writable = false) {
    return register_arena(number, arena.size(), arena.fd(), arena.inode(), is_writable);
  }
  void send_register(std::uint64_t arena, std::uint64_t size, int fd, std::uint64_t inode,
                     bool is_writable = false) {
    send(fd, [&](capnp::rpc::Call::Builder call) {
      call.setInterfaceId(capnp::typeId<wire::Memory>());
      auto params = call.initParams().getContent().initAs<wire::Memory::RegisterParams>();
      params.setArena(arena);
      params.setSizeBytes(size);
      params.setInode(inode);
      params.setIsWritable(is_writable);
    });
  }
  std::optional<Error> registered() {
    const auto message = returned();
    if (!message) return Error(ErrorKind::kConnectionLost, "no answer");
    auto results = RawSide::root(message).getReturn().getResults();
    // Nobody calls the mapping: it is enough that something stands for it.
    auto hooks = kj::heapArrayBuilder<kj::Maybe<kj::Own<capnp::ClientHook>>>(1);
    hooks.add(capnp::newBrokenCap("a mapping"));
    capnp::ReaderCapabilityTable table(hooks.finish());
    const auto content = table.imbue(results.getContent()).getAs<wire::Memory::RegisterResults>();
    if (!content.hasFault()) {
      last_mapping = results.getCapTable()[0].getSenderHosted();
      return std::nullopt;
    }
    return read_fault(content.getFault());
  }

  // The value of bytes at a place, as the peer under test reads it. Their blob is one of ours, or
  // with `export_id` one of the peer's own.
  Variant bytes_at(const RawPlace& place, std::optional<std::uint32_t> export_id = {}) {
    return value_of(export_id, [&](wire::Variant::Builder value, auto blob) {
      fill(value.initLargeBytes(), place, blob);
    });
  }
  AnyArray array_at(const RawPlace& place, std::vector<std::int64_t> shape,
                    std::vector<std::int64_t> strides = {}, std::uint64_t start = 0,
                    std::optional<std::uint32_t> export_id = {}) {
    const Variant read = value_of(export_id, [&](wire::Variant::Builder value, auto blob) {
      auto array = value.initArray();
      array.setDtype("|u1");
      array.setCode('B');
      array.setItemsize(1);
      auto lengths = array.initShape(static_cast<unsigned>(shape.size()));
      for (unsigned i = 0; i < shape.size(); ++i) lengths.set(i, shape[i]);
      auto steps = array.initStrides(static_cast<unsigned>(strides.size()));
      for (unsigned i = 0; i < strides.size(); ++i) steps.set(i, strides[i]);
      array.setStart(start);
      fill(array.getContent().initLarge(), place, blob);
    });
    return *read.as<std::shared_ptr<const AnyArray>>();
  }
  // What the peer under test calls its blob when it has sent it to us.
  std::uint32_t give(const std::shared_ptr<Exported>& blob) {
    send(-1, [&](capnp::rpc::Call::Builder call) { call.setInterfaceId(kInterface); });
    pump();
    answer(calls.front(), "blob", Cap(blob));
    calls.pop_front();
    const auto message = returned();
    return RawSide::root(message).getReturn().getResults().getCapTable()[0].getSenderHosted();
  }
  void drop(std::uint32_t id) {
    raw.release(id, 1);
    pump();
  }
  void pump() {
    for (int i = 0; i < 3; ++i) {
      raw.connection().flush();
      peer->receive();
      peer->carry_out_let_go();
      peer->connection().flush();
    }
  }

  std::shared_ptr<MemoryShare> share;
  std::shared_ptr<Peer> peer;
  RawSide raw;
  SharedThings things;
  std::deque<IncomingCall> calls;
  std::uint32_t last_mapping = 0;  // the export of the latest that was registered

 private:
  MemoryPeer(MemoryLimits limits, bool is_giving, std::pair<Descriptor, Descriptor> sockets)
      : share(std::make_shared<MemoryShare>(limits)),
        peer(std::make_shared<Peer>(std::move(sockets.first), kMessageBytes, nullptr)),
        raw(std::move(sockets.second)),
        things(share, is_giving),
        memory_(share->servant()) {
    peer->offer(std::make_shared<Servant>([this](IncomingCall call) {
      if (call.interface_id() == capnp::typeId<wire::Memory>())
        return memory_->call(std::move(call));
      calls.push_back(std::move(call));
    }));
    raw.bootstrap(0);
    pump();
    raw.next();
  }

  static Error read_fault(wire::Fault::Reader fault) {
    const auto text = fault.getMessage();
    return Error(static_cast<ErrorKind>(fault.getKind()),
                 std::string(reinterpret_cast<const char*>(text.begin()), text.size()));
  }
  template <class Fill>
  void send(int fd, Fill&& fill_call) {
    capnp::MallocMessageBuilder builder;
    auto call = builder.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(++question_);
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    fill_call(call);
    raw.connection().send(builder, Connection::Flush::kNow, fd);
  }
  std::unique_ptr<IncomingMessage> returned() {
    pump();
    while (auto message = raw.next()) {
      const auto root = RawSide::root(message);
      if (root.isReturn() && root.getReturn().getAnswerId() == question_) return message;
    }
    return nullptr;
  }
  static void fill(wire::LargeBytes::Builder large, const RawPlace& place,
                   capnp::Capability::Client& blob) {
    large.setSize(place.size);
    large.setBlob(blob.castAs<wire::Blob>());
    large.setArena(place.arena);
    large.setOffset(place.offset);
    large.setBegin(place.begin);
    large.setAccess(static_cast<std::uint8_t>(place.access));
  }
  template <class Fill>
  Variant value_of(std::optional<std::uint32_t> export_id, Fill&& fill_value) {
    send(-1, [&](capnp::rpc::Call::Builder call) {
      call.setInterfaceId(kInterface);
      auto params = call.initParams();
      capnp::BuilderCapabilityTable table;
      capnp::Capability::Client blob(capnp::newBrokenCap("a blob"));
      fill_value(table.imbue(params.getContent()).initAs<wire::Variant>(), blob);
      auto cap = params.initCapTable(1)[0];
      if (export_id) {
        cap.setReceiverHosted(*export_id);
      } else {
        cap.setSenderHosted(1000 + question_);
      }
    });
    pump();
    if (calls.empty()) throw Error(ErrorKind::kConnectionLost, "the call did not arrive");
    IncomingCall call = std::move(calls.front());
    calls.pop_front();
    IncomingMessageCaps caps(call.peer(), call.caps(), things);
    return unmarshal(caps.imbue(call.params()).getAs<wire::Variant>(), caps);
  }

  std::shared_ptr<Exported> memory_;
  std::uint32_t question_ = 0;
};

}  // namespace cppipc::test
