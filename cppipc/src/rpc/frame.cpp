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

}  // namespace

FrameSize measure_frame(std::span<const std::byte> bytes, std::uint64_t limit_bytes) {
  if (bytes.size() < 4) return {8, false};
  const std::uint32_t last_segment = little_endian(bytes, 0);
  if (last_segment >= kSegmentsMax) {
    throw Error(ErrorKind::kProtocol, "the peer sent a frame of " +
                                          std::to_string(std::uint64_t{last_segment} + 1) +
                                          " segments; this is no message of the broker");
  }
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
