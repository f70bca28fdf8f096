// SPDX-License-Identifier: Apache-2.0
#include "rpc/frame.h"

#include <cppipc/error.h>

#include <string>

namespace cppipc {
namespace {

std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

// The first bytes of TLS, as the number of segments that they would be: of a handshake, which a
// client begins with, and of the alert with which a server answers what is none.
constexpr std::uint32_t kTlsHandshake = 0x0316, kTlsAlert = 0x0315;

[[noreturn]] void refuse_frame(std::uint32_t last_segment) {
  const std::uint32_t kind = last_segment & 0xffff;
  if (kind == kTlsHandshake || kind == kTlsAlert) {
    Error error(ErrorKind::kConnectionLost,
                kind == kTlsHandshake
                    ? "the client speaks TLS, and this server does not; it has to connect without "
                      "tls, or the server needs --tls-cert and --tls-key"
                    : "the server speaks TLS, and nothing else; connect with it, as in "
                      "unity.connect(ADDRESS, tls=True)");
    error.is_tls = true;
    throw Error(std::move(error));
  }
  throw Error(ErrorKind::kProtocol, "the peer sent a frame of " +
                                        std::to_string(std::uint64_t{last_segment} + 1) +
                                        " segments; this is no message of the broker");
}

}  // namespace

FrameSize measure_frame(std::span<const std::byte> bytes, std::uint64_t limit_bytes) {
  if (bytes.size() < 4) return {8, false};
  const std::uint32_t last_segment = little_endian(bytes, 0);
  if (last_segment >= kSegmentsMax) refuse_frame(last_segment);
  const std::uint64_t segments = std::uint64_t{last_segment} + 1;
  const std::uint64_t table_bytes = (4 + 4 * segments + 7) / 8 * 8;
  if (bytes.size() < table_bytes) return {table_bytes, false};
  std::uint64_t total = table_bytes;
  for (std::uint64_t i = 0; i < segments; ++i) {
    total += std::uint64_t{little_endian(bytes, 4 + 4 * i)} * 8;
  }
  if (total > limit_bytes) {
    throw Error(ErrorKind::kTooLarge, "the peer sent a message of " + std::to_string(total) +
                                          " bytes; the limit is " + std::to_string(limit_bytes));
  }
  return {total, true};
}

}  // namespace cppipc
