// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the two sides of a session know of each other's memory.
//
// Each side registers an arena with the other when it first sends something that lies there: one
// small call, with the arena's descriptor. It does not wait for the answer, because every value
// has a blob beside its place in the arena: who has not mapped the arena reads the blob.

#include <cppipc/shared_pool.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "memory/arena.h"
#include "memory/mapped_arena.h"
#include "rpc/cap.h"
#include "rpc/peer.h"

namespace cppipc {

// What is larger goes beside the message if memory is shared: below, to copy it twice more is
// cheaper than to keep account of it.
inline constexpr std::uint64_t kSharedInlineBytes = 32 << 10;

struct MemoryLimits {
  // Of what the peer may have mapped here, be it registered still or only used by values.
  std::size_t arenas = 256;
  std::uint64_t bytes = ~std::uint64_t{0};
  // Free memory for copies that stays warm for the next ones.
  std::uint64_t retained_bytes = 128ull << 20;
};

// Owns: the mappings of the peer's arenas, as far as the peer wants them; our pool of memory to be
// given to the peer. Threads: any.
class MemoryShare final : public std::enable_shared_from_this<MemoryShare> {
 public:
  explicit MemoryShare(MemoryLimits limits) : limits_(limits) {}
  ~MemoryShare();

  // Our Memory, to be offered to the peer.
  std::shared_ptr<Exported> servant();
  // From now on memory is shared with the peer, whose Memory `remote` is.
  void open(std::shared_ptr<Peer> peer, std::shared_ptr<Import> remote);
  bool is_open() const;
  // The peer has ended the connection: nothing is registered any more, but what is mapped stays for
  // replies that have come and were not read yet. Call it before the peer is disconnected.
  void end();
  // The same, and what is mapped stays only as long as values are in it.
  void close();

  // Makes an arena of ours known to the peer, which is what the next message may refer to. False if
  // the peer has refused it before, or memory is not shared.
  bool offer(const std::shared_ptr<Arena>& arena);
  // Where copies for the peer are made; null if memory is not shared.
  std::shared_ptr<SharedPool> pool();
  // How many arenas the peer was sent.
  std::size_t offered() const;

  // An arena of the peer's; null if it is not mapped here.
  std::shared_ptr<MappedArena> find(std::uint64_t arena) const;
  // How many of the peer's arenas are mapped here.
  std::size_t mapped() const;

 private:
  friend class MappingServant;
  friend class MemoryServant;
  struct OfferReply;
  class Counted;
  // What the peer's arenas take here. Outlives the share: so may the values in them.
  struct Usage {
    std::mutex mutex;
    std::size_t arenas = 0;
    std::uint64_t bytes = 0;
  };
  // Maps an arena whose descriptor has come. Errors: kQuotaExceeded; kProtocol; kOutOfMemory.
  std::shared_ptr<Exported> map(std::uint64_t arena, std::uint64_t size_bytes, Descriptor memfd,
                                bool is_writable);
  void unmap(std::uint64_t arena);

  const MemoryLimits limits_;
  std::mutex offer_mutex_;  // taken first
  mutable std::mutex mutex_;
  bool is_ended_ = false;
  std::shared_ptr<Peer> peer_;  // null while memory is not shared
  std::shared_ptr<Import> remote_;
  std::shared_ptr<SharedPool> pool_;
  // Ours: those that are registered, as far as we know, and those that the peer refused.
  struct Offered {
    std::weak_ptr<Arena> arena;
    bool is_refused = false;
  };
  std::unordered_map<std::uint64_t, Offered> offered_;
  // The peer's.
  std::unordered_map<std::uint64_t, std::shared_ptr<MappedArena>> mapped_;
  const std::shared_ptr<Usage> usage_ = std::make_shared<Usage>();
};

}  // namespace cppipc
