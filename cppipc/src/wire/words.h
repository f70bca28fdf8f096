// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cap'n Proto's pointers, word by word, for what reads and writes values without its accessors:
// those cost a call, a check and a copy for each value of a message.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cppipc::words {

// The lowest two bits of a pointer.
inline constexpr std::uint64_t kStruct = 0, kList = 1, kFar = 2, kOther = 3;
// What a list is of: the lowest three bits of its pointer's upper half.
inline constexpr std::uint64_t kOfBytes = 2, kOfWords = 5, kOfPointers = 6, kOfStructs = 7;

inline constexpr std::uint64_t list_of(std::uint64_t what, std::uint64_t count) {
  return what | count << 3;
}
inline constexpr std::uint64_t struct_of(std::uint64_t data_words, std::uint64_t pointers) {
  return data_words | pointers << 16;
}
// `offset` counts words from the end of the pointer; `upper` is the upper half.
inline constexpr std::uint64_t pointer(std::uint64_t kind, std::int64_t offset,
                                       std::uint64_t upper) {
  return kind | (static_cast<std::uint64_t>(offset) << 2 & 0xffff'fffcu) | upper << 32;
}
inline constexpr std::uint64_t capability(std::uint64_t index) { return kOther | index << 32; }

inline constexpr std::uint64_t kind_of(std::uint64_t pointer) { return pointer & 3; }
inline constexpr std::int64_t offset_of(std::uint64_t pointer) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(pointer)) >> 2;
}
inline constexpr std::uint64_t upper_of(std::uint64_t pointer) { return pointer >> 32; }

// A Variant as the schema lays it out: two words of data, of which the first has the union's tag
// and a bool in bit 16, the second a number; then one pointer.
inline constexpr std::size_t kVariantData = 2;
inline constexpr std::size_t kVariantWords = 3;
// A LargeBytes: the size; arena, offset and begin; the access in the lowest byte of the last.
inline constexpr std::size_t kLargeBytesData = 5;

// Writes a field of a struct, `offset` bytes behind its first word.
template <class T>
void set_field(std::uint64_t* data, std::size_t offset, T value) {
  std::memcpy(reinterpret_cast<char*>(data) + offset, &value, sizeof value);
}

}  // namespace cppipc::words
