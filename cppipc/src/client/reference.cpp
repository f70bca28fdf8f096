// SPDX-License-Identifier: Apache-2.0
#include "client/reference.h"

#include <cppipc/error.h>

#include <algorithm>

namespace cppipc {
namespace {

// Of all names of types that a server may use. No honest one comes near it.
constexpr std::size_t kTypesBytes = 4 << 20;
constexpr std::size_t kBytesPerType = 100;

}  // namespace

std::shared_ptr<Client> Reference::client() const {
  return static_cast<const ReferenceSource*>(connection())->client();
}

std::shared_ptr<Import> ReferenceSource::make(std::uint32_t id) {
  return std::make_shared<Reference>(shared_from_this(), id);
}

const std::string* ReferenceSource::known_locked(std::string_view type) {
  const auto known = types_.find(type);
  if (known != types_.end()) return &*known;
  types_bytes_ += type.size() + kBytesPerType;
  if (types_bytes_ > kTypesBytes) {
    throw Error(ErrorKind::kProtocol, "the server sent objects of too many types");
  }
  return &*types_.emplace(type).first;
}

std::shared_ptr<Reference> ReferenceSource::reference_of(const std::shared_ptr<Import>& import,
                                                         std::string_view type,
                                                         std::span<const std::uint8_t, 16> id) {
  auto reference = std::static_pointer_cast<Reference>(import);
  if (reference->type_.load(std::memory_order_acquire) == nullptr) {
    std::lock_guard lock(mutex_);
    if (reference->type_.load(std::memory_order_relaxed) == nullptr) {
      const std::string* known = known_locked(type);
      std::copy(id.begin(), id.end(), reference->id_.begin());
      reference->type_.store(known, std::memory_order_release);
      return reference;
    }
  }
  if (reference->type_name() != type || !std::ranges::equal(reference->id_, id)) {
    throw Error(ErrorKind::kProtocol, "the server sent one object under two types or ids");
  }
  return reference;
}

}  // namespace cppipc
