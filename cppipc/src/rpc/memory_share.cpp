// SPDX-License-Identifier: Apache-2.0
#include "rpc/memory_share.h"

#include <cppipc/broker.capnp.h>

#include <string>
#include <utility>

#include "memory/pool.h"
#include "rpc/incoming.h"
#include "wire/marshal.h"

namespace cppipc {
namespace {

constexpr std::uint16_t kRegisterMethod = 0;
constexpr std::uint64_t kRegisterWords = 16;

}  // namespace

// What a peer holds for one of its arenas that is mapped here.
class MappingServant final : public Exported {
 public:
  MappingServant(std::weak_ptr<MemoryShare> share, std::uint64_t arena)
      : share_(std::move(share)), arena_(arena) {}
  void call(IncomingCall call) override { call.fail("a mapping has no methods", true); }
  void released() override {
    if (const auto share = share_.lock()) share->unmap(arena_);
  }

 private:
  const std::weak_ptr<MemoryShare> share_;
  const std::uint64_t arena_;
};

class MemoryServant final : public Exported {
 public:
  explicit MemoryServant(std::weak_ptr<MemoryShare> share) : share_(std::move(share)) {}

  void call(IncomingCall call) override {
    const auto share = share_.lock();
    if (!share) return call.fail("the session is over");
    if (call.interface_id() != capnp::typeId<wire::Memory>() ||
        call.method_id() != kRegisterMethod) {
      return call.fail("memory can only be registered", true);
    }
    const auto params = call.params().getAs<wire::Memory::RegisterParams>();
    auto reply = call.begin_reply(kRegisterWords);
    auto results = reply.results<wire::Memory::RegisterResults>();
    try {
      auto mapping = share->map(params.getArena(), params.getSizeBytes(),
                                call.peer()->connection().take_descriptor(params.getInode()),
                                params.getIsWritable());
      results.setMapping(reply.message().add(std::move(mapping)).castAs<wire::Mapping>());
    } catch (const Error& error) {
      marshal(error, results.initFault());
    }
    call.reply(std::move(reply));
  }

 private:
  const std::weak_ptr<MemoryShare> share_;
};

// Owns: a share of neither the arena nor the session.
struct MemoryShare::OfferReply final : PendingReply {
  OfferReply(std::weak_ptr<MemoryShare> to, const std::shared_ptr<Arena>& offered)
      : share(std::move(to)), arena(offered), id(offered->id()) {}

  void on_return(Returned reply) override {
    const auto self = share.lock();
    const auto kept = arena.lock();
    if (!self || !kept) return;
    const auto* mapping =
        reply.caps.empty() ? nullptr : std::get_if<std::shared_ptr<Import>>(&reply.caps.front());
    if (!reply.error && mapping != nullptr) {
      kept->attach(self.get(), *mapping);
      // The session may have ended in the meantime, which detaches.
      if (!self->is_open()) kept->detach(self.get());
      return;
    }
    std::lock_guard lock(self->mutex_);
    self->offered_[id].is_refused = true;
  }

  const std::weak_ptr<MemoryShare> share;
  const std::weak_ptr<Arena> arena;
  const std::uint64_t id;
};

// An arena of the peer's that counts until nobody uses it, as does its room before it is mapped.
class MemoryShare::Counted {
 public:
  // Errors: kQuotaExceeded.
  Counted(std::shared_ptr<Usage> usage, std::uint64_t size_bytes, const MemoryLimits& limits)
      : usage_(std::move(usage)), size_bytes_(size_bytes) {
    std::lock_guard lock(usage_->mutex);
    if (usage_->arenas >= limits.arenas || size_bytes > limits.bytes - usage_->bytes) {
      throw Error(ErrorKind::kQuotaExceeded, "the session has " + std::to_string(usage_->arenas) +
                                                 " arenas of " + std::to_string(usage_->bytes) +
                                                 " bytes in use, which is its limit");
    }
    ++usage_->arenas;
    usage_->bytes += size_bytes;
  }
  ~Counted() {
    arena.reset();
    std::lock_guard lock(usage_->mutex);
    --usage_->arenas;
    usage_->bytes -= size_bytes_;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::shared_ptr<MappedArena> arena;

 private:
  const std::shared_ptr<Usage> usage_;
  const std::uint64_t size_bytes_;
};

MemoryShare::~MemoryShare() { close(); }

std::shared_ptr<Exported> MemoryShare::servant() {
  return std::make_shared<MemoryServant>(weak_from_this());
}

void MemoryShare::open(std::shared_ptr<Peer> peer, std::shared_ptr<Import> remote) {
  std::lock_guard lock(mutex_);
  peer_ = std::move(peer);
  remote_ = std::move(remote);
}

bool MemoryShare::is_open() const {
  std::lock_guard lock(mutex_);
  return peer_ != nullptr;
}

void MemoryShare::close() {
  end();
  std::unordered_map<std::uint64_t, std::shared_ptr<MappedArena>> mapped;
  std::lock_guard lock(mutex_);
  mapped.swap(mapped_);
}

void MemoryShare::end() {
  std::unordered_map<std::uint64_t, Offered> offered;
  std::shared_ptr<Peer> peer;
  std::shared_ptr<Import> remote;
  std::shared_ptr<SharedPool> pool;
  {
    std::lock_guard lock(mutex_);
    peer.swap(peer_);
    remote.swap(remote_);
    pool.swap(pool_);
    offered.swap(offered_);
    is_ended_ = true;
  }
  // Who still has a share of it, such as the limits of a session that was closed, needs it no more.
  if (pool) pool->retain_nothing();
  for (const auto& [id, entry] : offered) {
    if (const auto arena = entry.arena.lock()) arena->detach(this);
  }
}

bool MemoryShare::offer(const std::shared_ptr<Arena>& arena) {
  if (arena->is_inherited()) return false;
  // Sent with this lock held: whoever finds the arena registered sends after it.
  std::lock_guard order(offer_mutex_);
  std::shared_ptr<Peer> peer;
  std::shared_ptr<Import> remote;
  {
    std::lock_guard lock(mutex_);
    if (!peer_) return false;
    const auto [entry, is_new] = offered_.try_emplace(arena->id());
    if (!is_new) return !entry->second.is_refused;
    entry->second.arena = arena;
    std::erase_if(offered_, [](const auto& known) { return known.second.arena.expired(); });
    peer = peer_;
    remote = remote_;
  }
  auto call = peer->begin_call(std::move(remote), capnp::typeId<wire::Memory>(), kRegisterMethod,
                               kRegisterWords);
  auto params = call.params<wire::Memory::RegisterParams>();
  params.setArena(arena->id());
  params.setSizeBytes(arena->size());
  params.setInode(arena->inode());
  params.setIsWritable(arena->access() == ArenaAccess::kWrite);
  peer->send(std::move(call), std::make_shared<OfferReply>(weak_from_this(), arena),
             Connection::Flush::kLater, arena->fd());
  return true;
}

std::shared_ptr<SharedPool> MemoryShare::pool() {
  std::lock_guard lock(mutex_);
  if (!peer_) return nullptr;
  if (!pool_) {
    SharedPoolOptions options;
    options.is_writable = options.is_given = true;
    options.retained_bytes = limits_.retained_bytes;
    pool_ = std::make_shared<Pool>(options);
  }
  return pool_;
}

std::size_t MemoryShare::offered() const {
  std::lock_guard lock(mutex_);
  return offered_.size();
}

std::shared_ptr<Exported> MemoryShare::map(std::uint64_t arena, std::uint64_t size_bytes,
                                           Descriptor memfd, bool is_writable) {
  if (!memfd) throw Error(ErrorKind::kNotSupported, "no such descriptor came with the message");
  std::lock_guard lock(mutex_);
  if (arena == 0 || mapped_.contains(arena)) {
    throw Error(ErrorKind::kProtocol, "two arenas have one number");
  }
  const auto counted = std::make_shared<Counted>(usage_, size_bytes, limits_);
  counted->arena = MappedArena::map(memfd.release(), size_bytes, is_writable);
  mapped_.emplace(arena, std::shared_ptr<MappedArena>(counted, counted->arena.get()));
  return std::make_shared<MappingServant>(weak_from_this(), arena);
}

void MemoryShare::unmap(std::uint64_t arena) {
  std::shared_ptr<MappedArena> gone;
  std::lock_guard lock(mutex_);
  const auto found = mapped_.find(arena);
  if (found == mapped_.end() || is_ended_) return;
  gone = std::move(found->second);
  mapped_.erase(found);
}

std::shared_ptr<MappedArena> MemoryShare::find(std::uint64_t arena) const {
  std::lock_guard lock(mutex_);
  const auto found = mapped_.find(arena);
  return found == mapped_.end() ? nullptr : found->second;
}

std::size_t MemoryShare::mapped() const {
  std::lock_guard lock(mutex_);
  return mapped_.size();
}

}  // namespace cppipc
