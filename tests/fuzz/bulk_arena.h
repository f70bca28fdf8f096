// SPDX-License-Identifier: Apache-2.0
// The memory that the bulk target's messages may refer to: arenas that a peer has registered, and
// blobs of this side. One for the process.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rpc/blob.h"
#include "rpc/memory_share.h"
#include "rpc/message_caps.h"
#include "support/peers.h"
#include "wire/bulk.h"

namespace cppipc::fuzz {

constexpr std::uint64_t kArenaBytes = 3 * 4096;
constexpr std::uint64_t kBlobBytes = 500;
constexpr std::uint64_t kCopiedBytesMax = 1 << 20;

[[noreturn]] inline void fail(const char* what) {
  std::cerr << what << std::endl;
  std::abort();
}

// Of what is copied, so that an announcement alone takes no memory.
class Budget final : public MemoryAccount {
 public:
  void charge(std::uint64_t bytes) override {
    if (bytes > kCopiedBytesMax - charged_) throw Error(ErrorKind::kQuotaExceeded, "too much");
    charged_ += bytes;
  }
  void discharge(std::uint64_t bytes) noexcept override { charged_ -= bytes; }
  std::uint64_t charged() const { return charged_; }

 private:
  std::uint64_t charged_ = 0;
};

// One side of a session: no objects, shared memory, and blobs that cannot be read in pieces.
class Side final : public ObjectMap {
 public:
  Side(std::shared_ptr<MemoryShare> share, bool is_giving)
      : share_(std::move(share)), is_giving_(is_giving) {}
  Cap cap_of(const ObjectPtr&) override { return {}; }
  std::array<std::uint8_t, 16> id_of(const ObjectPtr&) override { return {}; }
  ObjectPtr object_of(const Cap&, std::string_view, std::span<const std::uint8_t>) override {
    throw Error(ErrorKind::kProtocol, "there are no objects");
  }
  void wait(Waiter&) override {}  // the peer is gone: every reply is there
  void count_bulk(std::uint64_t) override {}
  std::shared_ptr<MemoryShare> memory() override { return share_; }
  std::shared_ptr<MemoryAccount> account() override { return budget_; }
  bool is_giving() const override { return is_giving_; }
  const Budget& budget() const { return *budget_; }

 private:
  const std::shared_ptr<MemoryShare> share_;
  const bool is_giving_;
  const std::shared_ptr<Budget> budget_ = std::make_shared<Budget>();
};

class Memory {
 public:
  static Memory& get() {
    static auto* memory = new Memory;  // for as long as the process lives
    return *memory;
  }

  const std::shared_ptr<Peer>& gone() const { return gone_; }
  Side& side(bool is_giving) { return is_giving ? host_ : client_; }
  // What the capabilities of a message stand for, by their index.
  const std::vector<Cap>& caps() const { return caps_; }
  // Whether the bytes lie in one of the arenas or blobs that may be written, or read.
  bool is_known(const std::byte* begin, std::size_t size, bool is_written) const {
    for (const auto& region : regions_) {
      const auto at = reinterpret_cast<std::uintptr_t>(begin);
      const auto from = reinterpret_cast<std::uintptr_t>(region.bytes.data());
      if (at < from || at - from > region.bytes.size()) continue;
      if (size <= region.bytes.size() - (at - from)) return region.is_writable || !is_written;
    }
    return false;
  }

 private:
  struct Region {
    std::span<const std::byte> bytes;
    bool is_writable = false;
  };

  Memory() {
    auto [one, other] = test::socket_pair();
    peer_ = std::make_shared<Peer>(std::move(one), 1 << 20, nullptr);
    raw_ = std::make_unique<test::RawSide>(std::move(other));
    peer_->offer(share_->servant());
    raw_->bootstrap(0);
    for (const std::uint64_t number : {1, 2}) register_arena(number, number == 2);
    auto [dead, unused] = test::socket_pair();
    gone_ = std::make_shared<Peer>(std::move(dead), 1 << 20, nullptr);
    gone_->disconnect(Error(ErrorKind::kConnectionLost, "the peer is gone"));
    caps_.emplace_back(source_->make(7));
    for (const Access access :
         {Access::kNone, Access::kLent, Access::kLentWritable, Access::kMoved, Access::kKept}) {
      add_blob(access);
    }
    caps_.emplace_back();
    caps_.emplace_back(share_->servant());
  }

  void register_arena(std::uint64_t number, bool is_writable) {
    const Descriptor memfd(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    struct stat status {};
    if (::ftruncate(memfd.get(), kArenaBytes) != 0 || ::fstat(memfd.get(), &status) != 0 ||
        ::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      fail("no arena");
    }
    const std::vector<char> content(kArenaBytes, 'a');
    if (::pwrite(memfd.get(), content.data(), content.size(), 0) < 0) fail("no content");
    capnp::MallocMessageBuilder builder;
    auto call = builder.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(static_cast<std::uint32_t>(number));
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    call.setInterfaceId(capnp::typeId<wire::Memory>());
    auto params = call.initParams().getContent().initAs<wire::Memory::RegisterParams>();
    params.setArena(number);
    params.setSizeBytes(kArenaBytes);
    params.setInode(status.st_ino);
    params.setIsWritable(is_writable);
    raw_->connection().send(builder, Connection::Flush::kNow, memfd.get());
    peer_->receive();
    const auto arena = share_->find(number);
    if (arena == nullptr) fail("the arena was not registered");
    regions_.push_back({{arena->at(0, kArenaBytes), kArenaBytes}, is_writable});
  }

  void add_blob(Access access) {
    auto bytes = uninitialised_memory(kBlobBytes);
    std::memset(bytes.get(), 'b', kBlobBytes);
    const std::span<const std::byte> span(bytes.get(), kBlobBytes);
    regions_.push_back({span, access != Access::kNone && access != Access::kKept});
    const std::uint64_t arena = access == Access::kNone ? 0 : 9;
    caps_.emplace_back(std::shared_ptr<Exported>(
        std::make_shared<Blob>(BlobSource{span, std::move(bytes), false}, Charge{},
                               BulkPlace{kBlobBytes, arena, 64, 0, access})));
  }

  const std::shared_ptr<MemoryShare> share_ = std::make_shared<MemoryShare>(MemoryLimits{});
  const std::shared_ptr<ImportSource> source_ = std::make_shared<ImportSource>(nullptr);
  std::shared_ptr<Peer> peer_;  // by which the arenas came
  std::unique_ptr<test::RawSide> raw_;
  std::shared_ptr<Peer> gone_;
  Side host_{share_, true};
  Side client_{share_, false};
  std::vector<Cap> caps_;
  std::vector<Region> regions_;
};

}  // namespace cppipc::fuzz
