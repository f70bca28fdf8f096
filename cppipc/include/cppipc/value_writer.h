// SPDX-License-Identifier: Apache-2.0
#pragma once
// ValueWriter: values put straight into the bytes of a message, without a Variant for each.
//
// A value has a place, three words long; a container's items lie in places side by side. Whoever
// writes begins with the arguments of a call, fills each place once, and then the places of the
// containers that it puts there. Limits are checked on the way: what was finished can be sent.

#include <cppipc/shared_pool.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

struct MarshalLimits {
  std::uint64_t message_bytes = 64ull << 20;
  std::uint64_t inline_bytes = 1ull << 20;  // larger texts, bytes and arrays go beside the message
  // Where they are copied to, if they must be; null: to memory that only this process has.
  std::shared_ptr<SharedPool> pool;
};

// Owns: the bytes written so far, and shares of the objects and of the bulk beside the message.
// Threads: one at a time. Errors, all that takes memory: kOutOfMemory; kTooLarge for what alone is
// more than a message holds.
class ValueWriter {
 public:
  // The number of a value's first word.
  using Place = std::size_t;
  static constexpr std::size_t kPlaceWords = 3;  // from one item of a container to the next

  // The sequences whose items are written one by one, and those of numbers only. Dataframes and
  // graphs are sequences of their parts (DataFrame::parts, Graph::parts).
  enum class Sequence { kList, kTuple, kSet, kFrozenSet, kDataFrame, kGraph };
  enum class Numbers { kInts, kFloats, kIntTuple, kFloatTuple };

  ValueWriter() = default;
  ValueWriter(ValueWriter&&) noexcept = default;
  ~ValueWriter();

  // Once, at first: the arguments of a call, all null. Returns the place of the first.
  Place begin(std::size_t count, const MarshalLimits& limits = {});
  // Once, instead: one value, null at first. Returns its place.
  Place begin_value(const MarshalLimits& limits = {});
  // The names of the last arguments, which must be UTF-8; not more than there are arguments.
  void put_names(std::span<const std::string> names);

  void put_bool(Place place, bool value) {
    words_.get()[place] = kBoolTag | (value ? std::uint64_t{1} << 16 : 0);
  }
  void put_int(Place place, std::int64_t value) {
    words_.get()[place] = kIntTag;
    std::memcpy(words_.get() + place + 1, &value, sizeof value);
  }
  void put_float(Place place, double value) {
    words_.get()[place] = kFloatTag;
    std::memcpy(words_.get() + place + 1, &value, sizeof value);
  }
  // The text must be valid UTF-8; who is not sure asks put().
  void put_text(Place place, std::string_view text);
  // A whole value. Not recursive. Errors: kInvalidArgument past kDepthMax, and for what no peer
  // would take (text that is not UTF-8, a date that is none, an array of Python objects).
  void put(Place place, const Variant& value);

  // Containers: each returns the place of the first item, all null at first. A dict has a key and
  // a value for each entry, in turn. Depth is for the caller to watch (kDepthMax).
  Place put_sequence(Place place, Sequence kind, std::size_t count);
  Place put_dict(Place place, std::size_t entries);
  // `count` words, of int64 or double, that the caller fills before it puts anything else. At
  // least one.
  void* put_numbers(Place place, Numbers kind, std::size_t count);
  // Takes back put_numbers(), the last thing that was put: the place is null again.
  void take_back_numbers(Place place, std::size_t count);

  // Nothing more is written. Errors: kTooLarge naming size and limit.
  void finish() const;

  // What was written: one segment of a Cap'n Proto message whose root is a wire::Arguments, or a
  // wire::Variant.
  std::span<const std::uint64_t> words() const { return {words_.get(), size_}; }
  // An object, or bytes beside the message, that a word refers to by its number here.
  struct Attachment {
    ObjectPtr object;
    Bytes bulk;
    bool is_sole = false;      // nobody else has a share of the bulk
    bool is_readonly = false;  // who has the bulk here may not write it
    bool is_message = false;   // a segment of a Cap'n Proto message
    // Of the words to be filled in when the message is made: two for an object's id, four for the
    // place of the bulk.
    Place fill = 0;
  };
  const std::vector<Attachment>& attachments() const { return attachments_; }

 private:
  static constexpr std::uint64_t kBulkBytes = 4096;
  static constexpr std::uint64_t kBoolTag = 1, kIntTag = 2, kFloatTag = 3;
  struct Free {
    void operator()(std::uint64_t* words) const { std::free(words); }
  };

  // `count` words behind all others, not yet written.
  Place take(std::size_t count) {
    if (count > capacity_ - size_) make_room(count);
    const Place place = size_;
    size_ += count;
    return place;
  }
  void set_limits(const MarshalLimits& limits);
  Place take_zeros(std::size_t count);
  void make_room(std::size_t count);
  void point(Place pointer, Place target, std::uint64_t kind, std::uint64_t upper);
  std::uint64_t* struct_at(Place pointer, std::size_t data_words, std::size_t pointers);
  Place put_places(Place pointer, std::size_t count);
  void put_bytes(Place pointer, std::string_view bytes, bool is_text);
  // Whether so many bytes go beside the message: many, or as many as there is no room to waste for.
  bool is_beside(std::uint64_t bytes) const {
    return bytes > inline_bytes_ || (bytes >= kBulkBytes && size_ >= limit_words_ / 2);
  }
  void put_large(Place pointer, Bytes bulk, bool is_sole, bool is_readonly = false,
                 bool is_message = false);
  // Memory for bytes beside the message.
  std::shared_ptr<std::byte> bulk_memory(std::size_t size_bytes) const;
  Bytes bulk_of(const AnyArray& array, std::size_t size_bytes) const;
  void set_tag(Place place, std::uint64_t tag) { words_.get()[place] = tag; }
  // `can_move`: what nobody else has a share of may be given away.
  void put_plain(Place place, const Variant& value, bool can_move);
  void put_bytes_value(Place place, const Bytes& bytes, bool is_sole, bool is_message = false);
  void put_message(Place place, const Message& message);
  void put_moment(Place place, const Variant& value);
  void put_array(Place place, const std::shared_ptr<const AnyArray>& held, bool can_move);
  void put_strided(Place pointers, const AnyArray& array, bool is_sole);
  void put_object(Place place, const ObjectPtr& object);
  void put_function(Place place, const CallablePtr& function);
  void put_enum_member(Place place, const EnumMember& member);
  void attach(Place pointer, Attachment attachment);
  friend class VariantWalk;

  std::unique_ptr<std::uint64_t[], Free> words_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t limit_words_ = 0;
  std::uint64_t inline_bytes_ = 0;
  std::uint64_t limit_bytes_ = 0;
  std::shared_ptr<SharedPool> pool_;
  // Past the limit nothing is kept: words are written over each other, and only counted.
  std::uint64_t words_past_ = 0;
  std::vector<Attachment> attachments_;
};

}  // namespace cppipc
