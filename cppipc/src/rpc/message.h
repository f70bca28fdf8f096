// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages as they are received and sent.

#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/array.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "wire/marshal.h"

namespace cppipc {

// Words that a frame may be longer than message_bytes, for the envelope of the protocol.
inline constexpr std::uint64_t kEnvelopeBytes = 64 << 10;

// One whole message that was received. Owns its words.
// Threads: one at a time; it may move between threads.
class IncomingMessage {
 public:
  explicit IncomingMessage(kj::Array<capnp::word> words)
      : words_(kj::mv(words)), reader_(words_, options(words_.size())) {}

  capnp::MessageReader& reader() { return reader_; }
  std::uint64_t size_bytes() const { return words_.size() * sizeof(capnp::word); }

 private:
  static capnp::ReaderOptions options(std::uint64_t words) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 4 * words + 1024;
    options.nestingLimit = kNestingLimit + 32;
    return options;
  }

  kj::Array<capnp::word> words_;
  capnp::FlatArrayMessageReader reader_;
};

}  // namespace cppipc
