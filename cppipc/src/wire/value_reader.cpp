// SPDX-License-Identifier: Apache-2.0
// The boundary where a peer's bytes become values, beside unmarshal(): every pointer is followed
// only within its segment, and no more words are read than a message of that size can have.
#include <cppipc/value_reader.h>

#include "wire/marshal.h"
#include "wire/validity.h"
#include "wire/words.h"

#include "values/utf8.h"

#include <bit>

namespace cppipc {
namespace {

using Form = ValueReader::Form;
using Which = wire::Variant::Which;

static_assert(std::endian::native == std::endian::little, "words are read in wire order");
static_assert(static_cast<int>(Form::kStr) == static_cast<int>(Which::STR) &&
              static_cast<int>(Form::kDict) == static_cast<int>(Which::DICT) &&
              static_cast<int>(Form::kUuid) == static_cast<int>(Which::UUID) &&
              static_cast<int>(Form::kInts) == static_cast<int>(Which::INTS) &&
              static_cast<int>(Form::kLargeStr) == static_cast<int>(Which::LARGE_STR) &&
              static_cast<int>(Form::kEnumMember) == static_cast<int>(Which::ENUM_MEMBER) &&
              static_cast<int>(Form::kFunction) == static_cast<int>(Which::FUNCTION));

// A field of a struct, `offset` bytes behind its first word.
template <class T>
T field(const std::uint64_t* data, std::size_t offset) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char*>(data) + offset, sizeof value);
  return value;
}

Date date_of(const std::uint64_t* data) {
  return {field<std::int32_t>(data, 0), field<std::uint8_t>(data, 4), field<std::uint8_t>(data, 5)};
}

TimeOfDay time_of(const std::uint64_t* data) {
  TimeOfDay time;
  time.hour = field<std::uint8_t>(data, 6);
  time.minute = field<std::uint8_t>(data, 7);
  time.second = field<std::uint8_t>(data, 8);
  time.fold = field<std::uint8_t>(data, 9);
  time.microsecond = field<std::uint32_t>(data, 12);
  if ((field<std::uint8_t>(data, 10) & 1) != 0) time.utc_offset_s = field<std::int32_t>(data, 16);
  return time;
}

// Sets `out` if the value can be.
template <class T>
bool set_valid(const T& value, Variant* out) {
  if (problem_of(value) != nullptr) return false;
  out->storage().emplace<T>(value);
  return true;
}

}  // namespace

ValueReader::ValueReader(std::span<const Segment> segments) : segments_(segments) {
  for (const Segment& segment : segments) left_ += 4 * segment.size();
}

bool ValueReader::follow(const Value& value, std::uint64_t kind, Target* out) const {
  const std::uint64_t* at = value.words + value.data_words;
  std::uint64_t pointer = *at;
  std::uint32_t id = value.segment;
  if (pointer == 0) {
    *out = Target{};
    return true;
  }
  if (words::kind_of(pointer) == words::kFar) {
    // To a pointer in another segment, which lies before what it leads to.
    id = static_cast<std::uint32_t>(words::upper_of(pointer));
    const std::uint64_t offset = (pointer & 0xffff'ffffu) >> 3;
    const bool is_double = (pointer & 4) != 0;
    if (is_double || id >= segments_.size() || offset >= segments_[id].size()) return false;
    at = segments_[id].data() + offset;
    pointer = *at;
    if (pointer == 0) return false;
  }
  if (words::kind_of(pointer) != kind) return false;
  const Segment& segment = segments_[id];
  const std::int64_t target = (at - segment.data()) + 1 + words::offset_of(pointer);
  if (target < 0 || target > static_cast<std::int64_t>(segment.size())) return false;
  out->words = segment.data() + target;
  out->room = segment.size() - static_cast<std::size_t>(target);
  out->upper = words::upper_of(pointer);
  out->segment = id;
  return true;
}

bool ValueReader::list(const Value& value, std::uint64_t what, Target* out,
                       std::uint64_t* count) const {
  if (!follow(value, words::kList, out)) return false;
  *count = out->upper >> 3;
  return out->words == nullptr || (out->upper & 7) == what;
}

bool ValueReader::byte_list(const Value& value, std::string_view* out) {
  Target target;
  std::uint64_t count = 0;
  if (!list(value, words::kOfBytes, &target, &count)) return false;
  const std::uint64_t words = (count + 7) / 8;
  if (words > target.room || !spend(words + 1)) return false;
  *out = {reinterpret_cast<const char*>(target.words), count};
  return true;
}

bool ValueReader::text(const Value& value, std::string_view* out) {
  if (!byte_list(value, out)) return false;
  if (out->data() == nullptr) return true;  // a null pointer is an empty text
  if (out->empty() || out->back() != '\0') return false;
  out->remove_suffix(1);
  return true;
}

bool ValueReader::bytes(const Value& value, std::string_view* out) { return byte_list(value, out); }

bool ValueReader::items(const Value& value, Items* out) {
  Target target;
  std::uint64_t words = 0;
  if (!list(value, words::kOfStructs, &target, &words)) return false;
  *out = Items{};
  if (target.words == nullptr) return true;
  if (words >= target.room || !spend(words + 1)) return false;
  const std::uint64_t tag = target.words[0];
  if (words::kind_of(tag) != words::kStruct) return false;
  const std::uint64_t count = (tag & 0xffff'ffffu) >> 2;
  const std::uint64_t data_words = words::upper_of(tag) & 0xffff;
  const std::uint64_t stride = data_words + (words::upper_of(tag) >> 16);
  if (count == 0) return true;
  if (data_words < words::kVariantData || stride == data_words || count * stride > words) {
    return false;
  }
  out->first = {target.words + 1, target.segment, static_cast<std::uint32_t>(data_words)};
  out->stride = stride;
  out->count = count;
  return true;
}

bool ValueReader::numbers(const Value& value, Segment* out) {
  Target target;
  std::uint64_t count = 0;
  if (!list(value, words::kOfWords, &target, &count)) return false;
  if (target.words == nullptr) count = 0;
  if (count > target.room || !spend(count)) return false;
  *out = {target.words, count};
  return true;
}

bool ValueReader::structure(const Value& value, std::size_t data_words, const std::uint64_t** out) {
  Target target;
  if (!follow(value, words::kStruct, &target) || target.words == nullptr) return false;
  if ((target.upper & 0xffff) < data_words || target.room < data_words) return false;
  *out = target.words;
  return spend(data_words);
}

bool ValueReader::scalar(const Value& value, Variant* out) {
  std::string_view text;
  const std::uint64_t* data = nullptr;
  switch (form(value)) {
    case Form::kComplex: {
      if (!structure(value, 2, &data)) return false;
      *out = std::complex<double>(field<double>(data, 0), field<double>(data, 8));
      return true;
    }
    case Form::kDecimal:
      return this->text(value, &text) && set_valid(Decimal{std::string(text)}, out);
    case Form::kUuid: {
      Uuid uuid;
      if (!bytes(value, &text) || text.size() != uuid.bytes.size()) return false;
      std::memcpy(uuid.bytes.data(), text.data(), text.size());
      *out = uuid;
      return true;
    }
    case Form::kDateTime:
    case Form::kDate:
    case Form::kTime:
    case Form::kTimeDelta:
      return moment(value, out);
    case Form::kEnumMember:
      return enum_member(value, out);
    default:
      return false;
  }
}

bool ValueReader::enum_member(const Value& value, Variant* out) {
  Target target;
  if (!follow(value, words::kStruct, &target) || target.words == nullptr) return false;
  const std::uint64_t data_words = target.upper & 0xffff;
  const std::uint64_t pointers = target.upper >> 16;
  if (pointers < 2 || data_words + pointers > target.room || !spend(data_words + pointers)) {
    return false;
  }
  std::string_view type;
  std::string_view name;
  const auto at = static_cast<std::uint32_t>(data_words);
  if (!text({target.words, target.segment, at}, &type) || !is_utf8(type)) return false;
  if (!text({target.words, target.segment, at + 1}, &name) || !is_utf8(name)) return false;
  out->storage().emplace<EnumMember>(EnumMember{std::string(type), std::string(name)});
  return true;
}

bool ValueReader::moment(const Value& value, Variant* out) {
  const std::uint64_t* data = nullptr;
  const Form form = ValueReader::form(value);
  if (!structure(value, form == Form::kTimeDelta ? 2 : 3, &data)) return false;
  switch (form) {
    case Form::kDateTime: {
      const DateTime moment{date_of(data), time_of(data)};
      if (problem_of(moment.date) != nullptr || problem_of(moment.time) != nullptr) return false;
      out->storage().emplace<DateTime>(moment);
      return true;
    }
    case Form::kDate:
      return set_valid(date_of(data), out);
    case Form::kTime:
      return set_valid(time_of(data), out);
    default: {
      const TimeDelta delta{field<std::int32_t>(data, 0), field<std::int32_t>(data, 4),
                            field<std::int32_t>(data, 8)};
      return set_valid(delta, out);
    }
  }
}

}  // namespace cppipc
