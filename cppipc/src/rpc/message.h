// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages as they are received and sent.

#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/array.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "wire/marshal.h"

namespace cppipc {

// Words that a frame may be longer than message_bytes, for the envelope of the protocol.
inline constexpr std::uint64_t kEnvelopeBytes = 64 << 10;

// One whole message that was received. Owns its words.
// Threads: one at a time; it may move between threads.
class IncomingMessage {
 public:
  explicit IncomingMessage(kj::Array<capnp::word> words) : words_(kj::mv(words)) {
    reader_ = &flat_.emplace(words_, options(words_.size()));
  }
  // A frame of two segments, of which the second lies elsewhere: `head` is its table and the first.
  // Whoever reads it sees to it that `rest` is there.
  IncomingMessage(kj::Array<capnp::word> head, kj::ArrayPtr<const capnp::word> rest)
      : words_(kj::mv(head)), rest_words_(rest.size()) {
    const kj::ArrayPtr<const capnp::word> first = words_.slice(2, words_.size());
    segments_ = {first, rest};
    reader_ = &apart_.emplace(kj::arrayPtr(segments_.data(), segments_.size()),
                              options(words_.size() + rest_words_));
  }
  IncomingMessage(const IncomingMessage&) = delete;
  IncomingMessage& operator=(const IncomingMessage&) = delete;

  capnp::MessageReader& reader() { return *reader_; }
  std::uint64_t size_bytes() const { return (words_.size() + rest_words_) * sizeof(capnp::word); }

 private:
  static capnp::ReaderOptions options(std::uint64_t words) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 4 * words + 1024;
    options.nestingLimit = kNestingLimit + 32;
    return options;
  }

  kj::Array<capnp::word> words_;
  std::size_t rest_words_ = 0;
  std::array<kj::ArrayPtr<const capnp::word>, 2> segments_;
  std::optional<capnp::FlatArrayMessageReader> flat_;
  std::optional<capnp::SegmentArrayMessageReader> apart_;
  capnp::MessageReader* reader_ = nullptr;
};

}  // namespace cppipc
