// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages that are read and made with Cap'n Proto. The one public header that includes it: link
// capnp and kj to use it. Nothing of it is compiled into the library, so that any version will do.

#include <cppipc/message.h>

#include <capnp/any.h>
#include <capnp/message.h>
#include <kj/common.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace cppipc::interop {

// How much of a message may be read: what a hostile one can make a reader do. Each way that leads
// to some bytes counts them again.
struct ReadLimits {
  std::uint64_t words = 0;  // 0: four times as many as the message has
  int nesting = 64;
};

// Reads a message where it lies, bounds checked. What is malformed shows when it is read, as a
// kj::Exception (a std::exception), or as defaults.
// Owns: a share of the message; readers of its content must not outlive this.
// Threads: one at a time.
class MessageReader {
 public:
  explicit MessageReader(Message message, ReadLimits limits = {})
      : message_(std::move(message)),
        segments_(segments_of(message_)),
        reader_(kj::arrayPtr(segments_.data(), segments_.size()), options(limits)) {}
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  template <class Schema>
  typename Schema::Reader root() {
    return reader_.getRoot<Schema>();
  }
  const Message& message() const { return message_; }

 private:
  using Segments = std::vector<kj::ArrayPtr<const capnp::word>>;

  static Segments segments_of(const Message& message) {
    Segments segments;
    for (std::size_t i = 0; i < message.size(); ++i) {
      const auto words = message.segment(i);
      segments.emplace_back(reinterpret_cast<const capnp::word*>(words.data()), words.size());
    }
    return segments;
  }
  capnp::ReaderOptions options(ReadLimits limits) const {
    constexpr std::uint64_t kAtLeast = 1024;
    capnp::ReaderOptions options;
    options.traversalLimitInWords =
        limits.words != 0 ? limits.words : std::max(kAtLeast, message_.nbytes() / 8 * 4);
    options.nestingLimit = limits.nesting;
    return options;
  }

  const Message message_;
  const Segments segments_;
  capnp::SegmentArrayMessageReader reader_;
};

// What was built, without a copy: the builder is kept as long as the message. Errors:
// kInvalidArgument if nothing was built, or more segments than a message may have.
inline Message make_message(std::unique_ptr<capnp::MessageBuilder> builder) {
  const std::shared_ptr<capnp::MessageBuilder> owner = std::move(builder);
  std::vector<Bytes> segments;
  for (const auto& words : owner->getSegmentsForOutput()) {
    const auto bytes = words.asBytes();
    segments.emplace_back(std::as_bytes(std::span(bytes.begin(), bytes.size())), owner);
  }
  return Message(std::move(segments));
}

// A copy of what was built, whatever becomes of the builder.
inline Message make_message(capnp::MessageBuilder& builder) {
  std::vector<Bytes> segments;
  for (const auto& words : builder.getSegmentsForOutput()) {
    const auto bytes = words.asBytes();
    segments.emplace_back(std::as_bytes(std::span(bytes.begin(), bytes.size())), nullptr);
  }
  return Message(std::move(segments));
}

// A part of a message, or a struct of another, as a message of its own: one copy, in one segment.
template <class Reader>
requires requires(const Reader& part) { part.totalSize().wordCount; }
Message make_message(const Reader& part) {
  const std::uint64_t words = part.totalSize().wordCount + 1;
  constexpr std::uint64_t kFirstMax = 1 << 28;
  auto builder = std::make_unique<capnp::MallocMessageBuilder>(
      static_cast<unsigned>(std::min(words, kFirstMax)));
  builder->setRoot(part);
  return make_message(std::unique_ptr<capnp::MessageBuilder>(std::move(builder)));
}

}  // namespace cppipc::interop
