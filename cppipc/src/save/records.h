// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the records of a saved file begin with. Their numbers are never reused.

#include <cstdint>

namespace cppipc {

enum class RecordTag : std::uint64_t {
  kValue = 1,     // words, attachments: how many of each; the words; then one record for each
  kElements = 2,  // the dtype's text, 8 bytes with zeros behind it; how many bytes; the bytes
  kBytes = 3,     // an attachment: how many; the bytes
  kSame = 4,      // an attachment: the number of an object that was saved before
  kObject = 5,    // an attachment: a text, its type; the version; the records of its save()
  kEnd = 6,       // of an object's records
};

// What the words of a value have in the place of an attachment, so that it is found again: its
// number, as the first word of an object's id, and as the offset of bytes in this arena.
inline constexpr std::uint64_t kAttachmentArena = 1;

}  // namespace cppipc
