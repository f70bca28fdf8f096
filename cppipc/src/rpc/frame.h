// SPDX-License-Identifier: Apache-2.0
#pragma once
// The framing of Cap'n Proto messages on a stream: a segment table, then the segments.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cppipc {

inline constexpr std::uint32_t kSegmentsMax = 512;

struct FrameSize {
  // Bytes of the whole frame, or, while the segment table is not complete, of the table.
  std::uint64_t bytes = 0;
  bool is_complete_table = false;
};

// Reads the size of the frame that begins at `bytes`. At least 4 bytes must be there for an
// answer; with fewer it asks for 8.
// Errors: kProtocol for a segment count that no message of ours can have (a first word of
// 0xFFFFFFFF included), but kConnectionLost with Error::is_tls for the first bytes of TLS;
// kTooLarge if the frame is longer than `limit_bytes`.
FrameSize measure_frame(std::span<const std::byte> bytes, std::uint64_t limit_bytes);

}  // namespace cppipc
