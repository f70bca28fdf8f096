// SPDX-License-Identifier: Apache-2.0
#pragma once
// References to a server's objects, as a client has them.

#include <cppipc/client.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "rpc/cap.h"

namespace cppipc {

class ReferenceSource;

// A reference to a server object, which is the import of its capability at the same time: a
// server gives an object one capability while its session has any hold on it, so the peer's
// table of imports is what makes one object one reference. There may be millions, so every byte
// of it counts.
class Reference final : public RemoteObject, public Import {
 public:
  using Import::Import;

  std::string_view type_name() const override { return *type_.load(std::memory_order_acquire); }
  const std::array<std::uint8_t, 16>& object_id() const override { return id_; }
  std::shared_ptr<Client> client() const override;

 private:
  friend class ReferenceSource;
  // Of the source; null until the capability was in a value as an object, and then as id_ for ever.
  std::atomic<const std::string*> type_{nullptr};
  std::array<std::uint8_t, 16> id_;
};

// What the references of one client share; it may outlive the client.
class ReferenceSource final : public ImportSource {
 public:
  using ImportSource::ImportSource;

  // All imports of a client are references, to be ready if they turn out to be objects.
  std::shared_ptr<Import> make(std::uint32_t id) override;
  // Before the first reference is made.
  void set_client(std::weak_ptr<Client> client) { client_ = std::move(client); }
  std::shared_ptr<Client> client() const { return client_.lock(); }

  // The reference that `import`, one of these, is: an object of that type and id.
  // Threads: any, also for one import at one time.
  // Errors: kProtocol if it has another type or id already.
  std::shared_ptr<Reference> reference_of(const std::shared_ptr<Import>& import,
                                          std::string_view type,
                                          std::span<const std::uint8_t, 16> id);

 private:
  const std::string* known_locked(std::string_view type);

  std::weak_ptr<Client> client_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> types_;  // the names that were seen; none is ever removed
  std::size_t types_bytes_ = 0;
};

}  // namespace cppipc
