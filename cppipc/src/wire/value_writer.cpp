// SPDX-License-Identifier: Apache-2.0
// The bytes of a message, laid out by hand: each value where the schema has it, in one segment in
// which every pointer leads forward. Reading them with Cap'n Proto is what the tests do.
#include <cppipc/value_writer.h>

#include "wire/bulk.h"
#include "wire/sizes.h"
#include "wire/words.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace cppipc {
namespace {

using Which = wire::Variant::Which;

static_assert(std::endian::native == std::endian::little, "words are written in wire order");

constexpr std::size_t kWordsAtFirst = 128;
// The root pointer is not what the limit counts.
constexpr std::size_t kRootWords = 1;
constexpr std::size_t kArgumentsPlace = 1;
constexpr std::size_t kNamesPlace = 2;

// The memory of a writer that is gone, for the next one on this thread: fresh pages from the
// system cost more than what is written to them.
struct Spare {
  ~Spare() { std::free(words); }
  std::uint64_t* words = nullptr;
  std::size_t capacity = 0;
};
constexpr std::size_t kSpareWordsMax = (1 << 20) / sizeof(std::uint64_t);
thread_local Spare spare;

Which tag_of(ValueWriter::Sequence kind) {
  switch (kind) {
    case ValueWriter::Sequence::kList:
      return Which::LIST;
    case ValueWriter::Sequence::kTuple:
      return Which::TUPLE;
    case ValueWriter::Sequence::kSet:
      return Which::SET;
    case ValueWriter::Sequence::kFrozenSet:
      return Which::FROZEN_SET;
    case ValueWriter::Sequence::kDataFrame:
      return Which::DATA_FRAME;
    case ValueWriter::Sequence::kGraph:
      break;
  }
  return Which::GRAPH;
}

Which tag_of(ValueWriter::Numbers kind) {
  switch (kind) {
    case ValueWriter::Numbers::kInts:
      return Which::INTS;
    case ValueWriter::Numbers::kFloats:
      return Which::FLOATS;
    case ValueWriter::Numbers::kIntTuple:
      return Which::INT_TUPLE;
    case ValueWriter::Numbers::kFloatTuple:
      break;
  }
  return Which::FLOAT_TUPLE;
}

}  // namespace

ValueWriter::~ValueWriter() {
  if (!words_ || capacity_ <= spare.capacity || capacity_ > kSpareWordsMax) return;
  std::free(spare.words);
  spare.words = words_.release();
  spare.capacity = capacity_;
}

void ValueWriter::set_limits(const MarshalLimits& limits) {
  static_assert(std::uint64_t{wire::Variant::BOOL} == kBoolTag &&
                std::uint64_t{wire::Variant::INT} == kIntTag &&
                std::uint64_t{wire::Variant::FLOAT} == kFloatTag);
  limit_bytes_ = message_bytes_of(limits);
  limit_words_ = limit_bytes_ / sizeof(std::uint64_t) + kRootWords;
  inline_bytes_ = inline_bytes_of(limits);
  pool_ = limits.pool;
  if (spare.capacity > limit_words_) return;
  words_.reset(std::exchange(spare.words, nullptr));
  capacity_ = std::exchange(spare.capacity, 0);
}

ValueWriter::Place ValueWriter::begin(std::size_t count, const MarshalLimits& limits) {
  set_limits(limits);
  take_zeros(kRootWords + 2);
  point(0, kArgumentsPlace, words::kStruct, words::struct_of(0, 2));
  return put_places(kArgumentsPlace, count);
}

ValueWriter::Place ValueWriter::begin_value(const MarshalLimits& limits) {
  set_limits(limits);
  take_zeros(kRootWords + kPlaceWords);
  point(0, kRootWords, words::kStruct, words::struct_of(words::kVariantData, 1));
  return kRootWords;
}

void ValueWriter::put_names(std::span<const std::string> names) {
  if (names.empty()) return;
  const Place first = take_zeros(names.size());
  point(kNamesPlace, first, words::kList, words::list_of(words::kOfPointers, names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].size() > kTextBytesMax) {
      refuse_size("a name takes", names[i].size(), kTextBytesMax);
    }
    put_bytes(first + i, names[i], true);
  }
}

void ValueWriter::finish() const {
  const std::uint64_t total = words_past_ + size_;
  if (total <= limit_words_) return;
  refuse_size("the message would take", 8 * (total - kRootWords), limit_bytes_);
}

void ValueWriter::make_room(std::size_t count) {
  if (count > limit_words_ || size_ > limit_words_ - count) {
    words_past_ += size_;
    size_ = 0;
    // More than a message holds at once: what comes behind it does not matter.
    if (count > limit_words_) {
      refuse_size("the message would take", 8 * (words_past_ + count), limit_bytes_);
    }
    if (count <= capacity_) return;
  }
  const std::size_t wanted = std::max({size_ + count, 2 * capacity_, kWordsAtFirst});
  const std::size_t capacity = std::max(size_ + count, std::min(wanted, limit_words_));
  void* grown = std::realloc(words_.get(), capacity * sizeof(std::uint64_t));
  if (grown == nullptr) {
    throw Error(ErrorKind::kOutOfMemory, "not enough memory for the values of a message");
  }
  (void)words_.release();
  words_.reset(static_cast<std::uint64_t*>(grown));
  capacity_ = capacity;
}

ValueWriter::Place ValueWriter::take_zeros(std::size_t count) {
  const Place place = take(count);
  std::fill_n(words_.get() + place, count, std::uint64_t{0});
  return place;
}

void ValueWriter::point(Place pointer, Place target, std::uint64_t kind, std::uint64_t upper) {
  const auto offset = static_cast<std::int64_t>(target) - static_cast<std::int64_t>(pointer) - 1;
  words_.get()[pointer] = words::pointer(kind, offset, upper);
}

std::uint64_t* ValueWriter::struct_at(Place pointer, std::size_t data_words, std::size_t pointers) {
  const Place place = take_zeros(data_words + pointers);
  point(pointer, place, words::kStruct, words::struct_of(data_words, pointers));
  return words_.get() + place;
}

ValueWriter::Place ValueWriter::put_places(Place pointer, std::size_t count) {
  if (count > limit_words_) {
    // Before the product can overflow.
    const std::uint64_t least = std::min<std::uint64_t>(count, 1ull << 50) * kPlaceWords;
    refuse_size("the message would take", 8 * (words_past_ + size_ + least), limit_bytes_);
  }
  const std::size_t words = kPlaceWords * count;
  const Place tag = take_zeros(1 + words);
  words_.get()[tag] = words::pointer(words::kStruct, static_cast<std::int64_t>(count),
                                     words::struct_of(words::kVariantData, 1));
  point(pointer, tag, words::kList, words::list_of(words::kOfStructs, words));
  return tag + 1;
}

void ValueWriter::put_bytes(Place pointer, std::string_view bytes, bool is_text) {
  // A text ends with a NUL that counts.
  const std::size_t size = bytes.size() + (is_text ? 1 : 0);
  const std::size_t words = (size + 7) / 8;
  const Place place = take(words);
  if (words > 0) {
    std::uint64_t* out = words_.get() + place;
    out[words - 1] = 0;
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  }
  point(pointer, place, words::kList, words::list_of(words::kOfBytes, size));
}

void ValueWriter::put_text(Place place, std::string_view text) {
  if (!is_beside(text.size())) {
    set_tag(place, Which::STR);
    return put_bytes(place + words::kVariantData, text, true);
  }
  std::shared_ptr<std::byte> memory = bulk_memory(text.size());
  std::memcpy(memory.get(), text.data(), text.size());
  const std::span<const std::byte> bytes{memory.get(), text.size()};
  set_tag(place, Which::LARGE_STR);
  put_large(place + words::kVariantData, Bytes(bytes, std::move(memory)), true);
}

void ValueWriter::put_large(Place pointer, Bytes bulk, bool is_sole, bool is_readonly,
                            bool is_message) {
  if (bulk.size() > kBlobBytesMax) refuse_size("a value takes", bulk.size(), kBlobBytesMax);
  std::uint64_t* large = struct_at(pointer, words::kLargeBytesData, 1);
  large[0] = bulk.size();
  const auto data = static_cast<Place>(large - words_.get());
  attach(data + words::kLargeBytesData,
         {nullptr, std::move(bulk), is_sole, is_readonly, is_message, data + 1});
}

void ValueWriter::attach(Place pointer, Attachment attachment) {
  words_.get()[pointer] = words::capability(attachments_.size());
  attachments_.push_back(std::move(attachment));
}

std::shared_ptr<std::byte> ValueWriter::bulk_memory(std::size_t size_bytes) const {
  if (pool_ != nullptr) {
    try {
      return pool_->share(size_bytes);
    } catch (const std::bad_alloc&) {  // the pool is full: the bytes cross in pieces
    }
  }
  return uninitialised_memory(size_bytes);
}

ValueWriter::Place ValueWriter::put_sequence(Place place, Sequence kind, std::size_t count) {
  set_tag(place, tag_of(kind));
  return put_places(place + words::kVariantData, count);
}

ValueWriter::Place ValueWriter::put_dict(Place place, std::size_t entries) {
  set_tag(place, Which::DICT);
  const std::size_t count = entries > limit_words_ ? entries : 2 * entries;
  return put_places(place + words::kVariantData, count);
}

void* ValueWriter::put_numbers(Place place, Numbers kind, std::size_t count) {
  const Place first = take(count);
  set_tag(place, tag_of(kind));
  point(place + words::kVariantData, first, words::kList, words::list_of(words::kOfWords, count));
  return words_.get() + first;
}

void ValueWriter::take_back_numbers(Place place, std::size_t count) {
  size_ -= count;
  std::fill_n(words_.get() + place, kPlaceWords, std::uint64_t{0});
}

}  // namespace cppipc
