// SPDX-License-Identifier: Apache-2.0
// Any bytes as a value that refers to shared memory: arrays, bytes and texts in a peer's arenas or
// in blobs of this side, as a host and as a client read them. What comes out lies within that
// memory, and can be written only where the peer has allowed it.

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "fuzz/bulk_arena.h"
#include "rpc/message.h"
#include "wire/marshal.h"

namespace cppipc::fuzz {
namespace {

constexpr std::size_t kInputBytesMax = 1 << 16;
constexpr std::int64_t kTouchedMax = 1 << 20;

bool is_refusal(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kProtocol:
    case ErrorKind::kQuotaExceeded:
    case ErrorKind::kConnectionLost:  // a blob that has to be read
      return true;
    default:
      return false;
  }
}

// Reads all that the array has, as far as it is not a few bytes seen again and again.
void touch(const AnyArray& array) {
  const auto extent = extent_of(array);
  [[maybe_unused]] volatile std::byte last{};
  for (const std::byte byte : extent) last = byte;
  if (array.nbytes() <= kTouchedMax) (void)array.copy();
}

void check(const AnyArray& array, const Memory& memory, const Budget& budget, bool is_giving) {
  touch(array);
  const auto extent = extent_of(array);
  if (extent.empty()) return;
  const bool is_known = memory.is_known(extent.data(), extent.size(), false);
  const bool is_lent = array.origin == ArrayOrigin::kLent;
  if (is_lent && !is_known) fail("a lent array lies outside of what was lent");
  if (!is_known && is_giving && budget.charged() == 0) fail("a copy that nobody pays for");
  if (array.is_readonly) return;
  if (is_known && !memory.is_known(extent.data(), extent.size(), true)) {
    fail("an array can be written that may only be read");
  }
  *reinterpret_cast<volatile std::byte*>(extent.data()) = extent.front();
}

void walk(const Variant& value, const Memory& memory, const Budget& budget, bool is_giving) {
  if (const auto* array = value.get_if<std::shared_ptr<const AnyArray>>()) {
    check(**array, memory, budget, is_giving);
  } else if (const auto* list = value.get_if<List>()) {
    for (const Variant& item : list->items) walk(item, memory, budget, is_giving);
  }
}

void read(const std::uint8_t* data, std::size_t size, bool is_giving) {
  Memory& memory = Memory::get();
  Side& side = memory.side(is_giving);
  try {
    auto words = kj::heapArray<capnp::word>((size + 7) / 8);
    std::memset(words.begin(), 0, words.asBytes().size());
    std::memcpy(words.begin(), data, size);
    IncomingMessage message(kj::mv(words));
    IncomingMessageCaps caps(memory.gone(), memory.caps(), side);
    const auto root = caps.imbue(message.reader().getRoot<capnp::AnyPointer>());
    const Variant value = unmarshal(root.getAs<wire::Variant>(), caps);
    walk(value, memory, side.budget(), is_giving);
  } catch (const Error& error) {
    if (!is_refusal(error)) fail(error.what());
  } catch (const kj::Exception&) {
    // The frame itself or its root is malformed, which the connection finds before us.
  }
  if (side.budget().charged() != 0) fail("memory was charged and not discharged");
}

}  // namespace
}  // namespace cppipc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > cppipc::fuzz::kInputBytesMax) return 0;
  cppipc::fuzz::read(data, size, true);
  cppipc::fuzz::read(data, size, false);
  return 0;
}
