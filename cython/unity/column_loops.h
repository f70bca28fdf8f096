// SPDX-License-Identifier: Apache-2.0
#pragma once
// The loops over the elements of columns: bits and bytes, offsets and characters. No Python, no
// locks; whoever calls has checked the bounds.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace unity {

inline bool bit_at(const std::uint8_t* bits, std::int64_t i) {
  return (bits[i >> 3] >> (i & 7) & 1) != 0;
}

// `count` bits from bit `first` on, as bytes of 0 and 1. Returns how many are 0.
inline std::int64_t bits_to_bytes(const std::uint8_t* bits, std::int64_t first, std::int64_t count,
                                  std::uint8_t* out) {
  std::int64_t ones = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = first + i;
    out[i] = static_cast<std::uint8_t>(bits[at >> 3] >> (at & 7) & 1);
    ones += out[i];
  }
  return count - ones;
}

// Bytes that are 0 or not, as bits; `out` has (count + 7) / 8 bytes.
inline void bytes_to_bits(const std::uint8_t* bytes, std::int64_t count, std::uint8_t* out) {
  for (std::int64_t i = 0; i < count; i += 8) {
    const std::int64_t end = count - i < 8 ? count - i : 8;
    unsigned byte = 0;
    for (std::int64_t j = 0; j < end; ++j) byte |= (bytes[i + j] != 0 ? 1u : 0u) << j;
    out[i >> 3] = static_cast<std::uint8_t>(byte);
  }
}

inline std::int64_t count_zeros(const std::uint8_t* bytes, std::int64_t count) {
  std::int64_t zeros = 0;
  for (std::int64_t i = 0; i < count; ++i) zeros += bytes[i] == 0 ? 1 : 0;
  return zeros;
}

// Takes out of `valid`, bytes of 0 and 1, what is "not a time". Returns how many there were, in all
// of `times`.
inline std::int64_t mark_no_times(const std::int64_t* times, std::int64_t count,
                                  std::uint8_t* valid) {
  std::int64_t missing = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool is_none = times[i] == std::numeric_limits<std::int64_t>::min();
    missing += is_none ? 1 : 0;
    if (valid != nullptr && is_none) valid[i] = 0;
  }
  return missing;
}

// Whether elements of `size` bytes are the same wherever `valid` is not 0.
inline bool same_where(const std::byte* a, const std::byte* b, std::size_t size,
                       const std::uint8_t* valid, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * size;
    if (valid[i] != 0 && std::memcmp(a + at, b + at, size) != 0) return false;
  }
  return true;
}

// Offsets and the characters they point into.
struct Texts {
  const std::int64_t* offsets;
  const char* characters;
  std::int64_t size;

  // Whether text `i` lies within the characters.
  bool has(std::int64_t i) const {
    return offsets[i] >= 0 && offsets[i] <= offsets[i + 1] && offsets[i + 1] <= size;
  }
  std::string_view at(std::int64_t i) const {
    if (offsets[i] == offsets[i + 1]) return {};
    return {characters + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
  }
};

// Whether the offsets of `count` texts begin at 0, never decrease and end at the last character.
inline bool are_offsets(const Texts& texts, std::int64_t count) {
  bool is_right = texts.offsets[0] == 0 && texts.offsets[count] == texts.size;
  for (std::int64_t i = 0; i < count; ++i) {
    is_right = is_right && texts.offsets[i] <= texts.offsets[i + 1];
  }
  return is_right;
}

// Whether texts are the same wherever `valid`, which may be null, is not 0.
inline bool same_texts(const Texts& a, const Texts& b, const std::uint8_t* valid,
                       std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (valid != nullptr && valid[i] == 0) continue;
    if (!a.has(i) || !b.has(i) || a.at(i) != b.at(i)) return false;
  }
  return true;
}

// Whether codes lie between -1 and `count` - 1.
template <class Code>
bool are_codes_of(const void* codes, std::int64_t length, std::int64_t count) {
  bool is_right = true;
  for (std::int64_t i = 0; i < length; ++i) {
    const auto code = static_cast<std::int64_t>(static_cast<const Code*>(codes)[i]);
    is_right = is_right && code >= -1 && code < count;
  }
  return is_right;
}

inline bool are_codes(const void* codes, std::size_t size, std::int64_t length,
                      std::int64_t count) {
  switch (size) {
    case 1:
      return are_codes_of<std::int8_t>(codes, length, count);
    case 2:
      return are_codes_of<std::int16_t>(codes, length, count);
    case 4:
      return are_codes_of<std::int32_t>(codes, length, count);
    default:
      return are_codes_of<std::int64_t>(codes, length, count);
  }
}

// Widens codes of `size` bytes with sign.
inline void widen_codes(const void* codes, std::size_t size, std::int64_t length,
                        std::int64_t* out) {
  for (std::int64_t i = 0; i < length; ++i) {
    switch (size) {
      case 1:
        out[i] = static_cast<const std::int8_t*>(codes)[i];
        break;
      case 2:
        out[i] = static_cast<const std::int16_t*>(codes)[i];
        break;
      case 4:
        out[i] = static_cast<const std::int32_t*>(codes)[i];
        break;
      default:
        out[i] = static_cast<const std::int64_t*>(codes)[i];
    }
  }
}

// count + 1 offsets that begin at 0 plus `shift`. Returns false if they decrease somewhere.
template <class Offset>
bool rebase(const Offset* offsets, std::int64_t count, std::int64_t shift, std::int64_t* out) {
  bool is_rising = true;
  for (std::int64_t i = 0; i <= count; ++i) {
    out[i] = static_cast<std::int64_t>(offsets[i]) - static_cast<std::int64_t>(offsets[0]) + shift;
    is_rising = is_rising && (i == 0 || offsets[i] >= offsets[i - 1]);
  }
  return is_rising;
}

// Arrow's string views: 16 bytes each, with up to 12 bytes of text in them or a place elsewhere.
struct StringView {
  std::int32_t length;
  char start[4];
  std::int32_t buffer;
  std::int32_t offset;
};
static_assert(sizeof(StringView) == 16);
inline constexpr std::int32_t kInlineMax = 12;

inline std::string_view text_of(const StringView& view, const void* const* buffers) {
  const auto length = static_cast<std::size_t>(view.length);
  if (view.length <= kInlineMax) return {reinterpret_cast<const char*>(&view) + 4, length};
  return {static_cast<const char*>(buffers[view.buffer]) + view.offset, length};
}

// The offsets of `count` views, from 0 on; a null, whose bit from `first` on is 0, is empty. `bits`
// may be null. Returns false if a view points to no buffer.
inline bool measure_views(const StringView* views, std::int64_t count, std::int64_t buffer_count,
                          const std::uint8_t* bits, std::int64_t first, std::int64_t* offsets) {
  offsets[0] = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool is_valid = bits == nullptr || bit_at(bits, first + i);
    const std::int32_t length = is_valid ? views[i].length : 0;
    const bool is_outside = length > kInlineMax && (views[i].buffer < 0 || views[i].offset < 0 ||
                                                    views[i].buffer >= buffer_count);
    if (length < 0 || is_outside) return false;
    offsets[i + 1] = offsets[i] + length;
  }
  return true;
}

// The characters of views that were measured.
inline void gather_views(const StringView* views, std::int64_t count, const void* const* buffers,
                         const std::int64_t* offsets, char* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (offsets[i + 1] == offsets[i]) continue;
    const std::string_view text = text_of(views[i], buffers);
    std::memcpy(out + offsets[i], text.data(), text.size());
  }
}

}  // namespace unity
