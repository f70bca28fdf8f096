// SPDX-License-Identifier: Apache-2.0
#pragma once
// The limits of messages and blobs, and how sizes are spelled in errors.

#include "wire/marshal.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace cppipc {

// Of one str, bytes or array that crosses beside its message.
inline constexpr std::uint64_t kBlobBytesMax = 1ull << 40;
// Cap'n Proto counts the bytes of a Text or Data, and the words of a segment, in 29 bits; some
// words are left for what frames a value.
inline constexpr std::uint64_t kTextBytesMax = (1ull << 29) - 2;
inline constexpr std::uint64_t kMessageBytesMax = ((1ull << 29) - 4096) * 8;

inline std::uint64_t inline_bytes_of(const MarshalLimits& limits) {
  return std::min(limits.inline_bytes, kTextBytesMax);
}
inline std::uint64_t message_bytes_of(const MarshalLimits& limits) {
  return std::min(limits.message_bytes, kMessageBytesMax);
}

// "64 MiB (67,108,864 bytes)", rounded to tenths; "1,000 bytes" below one MiB.
std::string spell_bytes(std::uint64_t size_bytes);

// `what` is a clause such as "a value takes". Errors: kTooLarge, always.
[[noreturn]] void refuse_size(const char* what, std::uint64_t size_bytes,
                              std::uint64_t limit_bytes);

}  // namespace cppipc
