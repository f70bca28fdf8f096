// SPDX-License-Identifier: Apache-2.0
#pragma once
// ValueReader: values read where they lie in a message, without a Variant for each.
//
// It reads what peers of this library write. Whatever else a message may hold, be it legal or
// malformed, it calls irregular, and leaves to those who make a Variant of the message: they
// know every form, and the errors.

#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace cppipc {

// Owns nothing. Threads: one at a time; copies are independent.
class ValueReader {
 public:
  using Segment = std::span<const std::uint64_t>;

  // How a value is written: the schema's union.
  enum class Form : std::uint16_t {
    kNull,
    kBool,
    kInt,
    kFloat,
    kComplex,
    kStr,
    kBytes,
    kList,
    kTuple,
    kSet,
    kFrozenSet,
    kDict,
    kDateTime,
    kDate,
    kTime,
    kTimeDelta,
    kDecimal,
    kUuid,
    kArray,
    kObject,
    kInts,
    kFloats,
    kLargeStr,
    kLargeBytes,
    kIntTuple,
    kFloatTuple,
    kEnumMember,
    kFunction,
  };

  // One value: its words, and how many of them come before its pointer.
  struct Value {
    const std::uint64_t* words = nullptr;
    std::uint32_t segment = 0;
    std::uint32_t data_words = 2;
  };
  // The items of a container, or the keys and values of a dict in turn.
  struct Items {
    Value first;
    std::size_t stride = 0;  // words from one item to the next
    std::size_t count = 0;
    Value at(std::size_t i) const {
      return {first.words + i * stride, first.segment, first.data_words};
    }
  };

  ValueReader() = default;
  // The segments of a message; they and what holds them must outlive the reader.
  explicit ValueReader(std::span<const Segment> segments);

  // `value` must lie in the message, with two words before its pointer or more.
  static Form form(const Value& value) {
    return static_cast<Form>(static_cast<std::uint16_t>(value.words[0]));
  }
  static bool boolean(const Value& value) { return (value.words[0] >> 16 & 1) != 0; }
  static std::int64_t integer(const Value& value) {
    return static_cast<std::int64_t>(value.words[1]);
  }
  static double number(const Value& value) {
    double number;
    std::memcpy(&number, value.words + 1, sizeof number);
    return number;
  }

  // Each reads what form() has named before, and returns false if that is irregular.
  // Text of kStr: not checked whether it is UTF-8.
  bool text(const Value& value, std::string_view* out);
  bool bytes(const Value& value, std::string_view* out);
  bool items(const Value& value, Items* out);
  // Of kInts and kIntTuple, words of int64; of kFloats and kFloatTuple, of double.
  bool numbers(const Value& value, Segment* out);
  // Complex numbers, dates and times, decimals, UUIDs and members of enumerations.
  bool scalar(const Value& value, Variant* out);

 private:
  // What a pointer leads to.
  struct Target {
    const std::uint64_t* words = nullptr;  // null: it is a null pointer
    std::size_t room = 0;                  // words from there to the end of the segment
    std::uint64_t upper = 0;               // upper half of the pointer
    std::uint32_t segment = 0;
  };
  bool follow(const Value& value, std::uint64_t kind, Target* out) const;
  bool list(const Value& value, std::uint64_t what, Target* out, std::uint64_t* count) const;
  bool byte_list(const Value& value, std::string_view* out);
  bool spend(std::uint64_t words) {
    if (words > left_) return false;
    left_ -= words;
    return true;
  }
  bool structure(const Value& value, std::size_t data_words, const std::uint64_t** out);
  bool moment(const Value& value, Variant* out);
  bool enum_member(const Value& value, Variant* out);

  std::span<const Segment> segments_;
  // Words that may still be read: more than there are only if pointers lead to one place.
  std::uint64_t left_ = 0;
};

}  // namespace cppipc
