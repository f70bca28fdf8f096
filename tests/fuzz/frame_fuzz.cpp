// SPDX-License-Identifier: Apache-2.0
// Any bytes on a stream: frames come out the same however the bytes are cut, whole and within the
// limit, or the connection refuses them.
//
// The first byte of an input says how the rest is cut.

#include "rpc/connection.h"
#include "rpc/frame.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cppipc {
namespace {

constexpr std::uint64_t kMessageBytes = 1 << 12;
constexpr std::uint64_t kLimitBytes = kMessageBytes + kEnvelopeBytes;
constexpr std::size_t kInputBytesMax = 1 << 17;  // less than a socket holds

[[noreturn]] void fail(const char* what) {
  std::cerr << what << std::endl;
  std::abort();
}

using Stream = std::span<const std::byte>;

// What came of a stream: the sizes of its frames, and how it ended.
struct Outcome {
  std::vector<std::uint64_t> frames;
  std::optional<ErrorKind> error;
  bool operator==(const Outcome&) const = default;
};

// By the plain function: one frame after the other.
Outcome measure_all(Stream bytes) {
  Outcome outcome;
  try {
    while (!bytes.empty()) {
      const FrameSize frame = measure_frame(bytes, kLimitBytes);
      if (frame.is_complete_table && frame.bytes > kLimitBytes) fail("a frame over the limit");
      if (frame.bytes < 8 || frame.bytes % 8 != 0) fail("a frame of no whole words");
      if (!frame.is_complete_table && bytes.size() >= frame.bytes) fail("a table that never ends");
      if (!frame.is_complete_table || frame.bytes > bytes.size()) break;
      outcome.frames.push_back(frame.bytes);
      bytes = bytes.subspan(frame.bytes);
    }
  } catch (const Error& error) {
    outcome.error = error.kind();
  }
  return outcome;
}

// By a connection that gets the bytes in pieces of `piece`.
Outcome receive_all(Stream bytes, std::size_t piece) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) fail("no socketpair");
  const Descriptor writer(fds[0]);
  Connection connection(Descriptor(fds[1]), kMessageBytes);
  Outcome outcome;
  try {
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(piece, bytes.size()));
      if (::send(writer.get(), part.data(), part.size(), MSG_DONTWAIT) !=
          static_cast<ssize_t>(part.size())) {
        fail("the socket is full");
      }
      bytes = bytes.subspan(part.size());
      const auto state = connection.receive([&](std::unique_ptr<IncomingMessage> message) {
        outcome.frames.push_back(message->size_bytes());
      });
      if (state != Connection::State::kOpen) fail("an open connection has ended");
    }
  } catch (const Error& error) {
    outcome.error = error.kind();
  } catch (const kj::Exception&) {
    fail("a frame that was measured cannot be read");
  }
  return outcome;
}

}  // namespace
}  // namespace cppipc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cppipc;
  if (size < 1 || size > kInputBytesMax) return 0;
  const Stream bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const auto expected = measure_all(bytes);
  if (receive_all(bytes, bytes.size()) != expected) fail("other frames in one piece");
  // Byte by byte for short inputs; a few hundred pieces at most.
  const std::size_t piece = std::max<std::size_t>(1 + data[0] % 64, bytes.size() / 256);
  if (receive_all(bytes, piece) != expected) fail("other frames in pieces");
  return 0;
}
