// SPDX-License-Identifier: Apache-2.0
// Variants, put into the bytes of a message by a ValueWriter.
#include <cppipc/value_writer.h>

#include "wire/bulk.h"
#include "wire/marshal.h"
#include "wire/packing.h"
#include "wire/sizes.h"
#include "wire/validity.h"
#include "wire/words.h"

#include "memory/block.h"
#include "memory/lease.h"
#include "values/utf8.h"

namespace cppipc {
namespace {

using Which = wire::Variant::Which;

constexpr std::size_t kFramesAtFirst = 16;
// Of an Array in the schema.
constexpr std::size_t kArrayData = 3;
constexpr std::size_t kArrayPointers = 4;

void refuse_if(const char* problem) {
  if (problem != nullptr) throw Error(ErrorKind::kInvalidArgument, std::string(problem));
}

// A field of a struct, `offset` bytes behind its first word.
template <class T>
void set_field(std::uint64_t* data, std::size_t offset, T value) {
  std::memcpy(reinterpret_cast<char*>(data) + offset, &value, sizeof value);
}

void fill_date(std::uint64_t* data, const Date& date) {
  set_field(data, 0, date.year);
  set_field(data, 4, date.month);
  set_field(data, 5, date.day);
}

void fill_time(std::uint64_t* data, const TimeOfDay& time) {
  set_field(data, 6, time.hour);
  set_field(data, 7, time.minute);
  set_field(data, 8, time.second);
  set_field(data, 9, time.fold);
  set_field(data, 12, time.microsecond);
  if (!time.utc_offset_s) return;
  set_field(data, 10, std::uint8_t{1});
  set_field(data, 16, *time.utc_offset_s);
}

bool is_contiguous(const AnyArray& array) {
  return array.is_c_contiguous() || array.is_f_contiguous();
}

bool is_in_shared_memory(const AnyArray& array) {
  return block_hold(array.owner) != nullptr || lease_of(array.owner) != nullptr;
}

void check_text(std::string_view text) {
  if (is_utf8(text)) return;
  throw Error(ErrorKind::kInvalidArgument, "a text is not valid UTF-8; pass bytes instead");
}

void check_name(std::string_view name) {
  check_text(name);
  if (name.size() > kTextBytesMax) refuse_size("a name takes", name.size(), kTextBytesMax);
}

}  // namespace

// Puts a value and everything below it, with a stack of its own.
class VariantWalk {
 public:
  explicit VariantWalk(ValueWriter& out) : out_(out) {}

  void put(ValueWriter::Place place, const Variant& value) {
    put_one(place, value);
    while (true) {
      if (current_.next < current_.children.size()) {
        const std::size_t i = current_.next++;
        put_one(current_.first + ValueWriter::kPlaceWords * i, current_.children[i]);
      } else if (!parents_.empty()) {
        current_ = parents_.back();
        parents_.pop_back();
      } else {
        return;
      }
    }
  }

 private:
  using Sequence = ValueWriter::Sequence;
  using Numbers = ValueWriter::Numbers;
  struct Frame {
    Children children;
    ValueWriter::Place first = 0;
    std::size_t next = 0;
  };

  void put_one(ValueWriter::Place place, const Variant& value) {
    switch (value.kind()) {
      case Kind::kNull:
        return;
      case Kind::kBool:
        return out_.put_bool(place, *value.get_if<bool>());
      case Kind::kInt:
        return out_.put_int(place, *value.get_if<std::int64_t>());
      case Kind::kFloat:
        return out_.put_float(place, *value.get_if<double>());
      case Kind::kStr:
        check_text(*value.get_if<std::string>());
        return out_.put_text(place, *value.get_if<std::string>());
      case Kind::kList:
        return put_items(place, value.get_if<List>()->items, Sequence::kList, Numbers::kInts,
                         Numbers::kFloats);
      case Kind::kTuple:
        return put_items(place, value.get_if<Tuple>()->items, Sequence::kTuple, Numbers::kIntTuple,
                         Numbers::kFloatTuple);
      case Kind::kSet:
        return enter(Children(value.get_if<Set>()->items), place, Sequence::kSet);
      case Kind::kFrozenSet:
        return enter(Children(value.get_if<FrozenSet>()->items), place, Sequence::kFrozenSet);
      case Kind::kDict: {
        check_depth();
        const Dict& dict = *value.get_if<Dict>();
        return go_down(Children(dict), out_.put_dict(place, dict.entries.size()));
      }
      default:
        return out_.put_plain(place, value);
    }
  }

  void put_items(ValueWriter::Place place, std::span<const Variant> items, Sequence kind,
                 Numbers ints, Numbers floats) {
    switch (packing_of(items)) {
      case Packing::kInts:
        return put_numbers<std::int64_t>(place, items, ints);
      case Packing::kFloats:
        return put_numbers<double>(place, items, floats);
      case Packing::kNone:
        return enter(Children(items), place, kind);
    }
  }

  template <class T>
  void put_numbers(ValueWriter::Place place, std::span<const Variant> items, Numbers kind) {
    check_depth();
    auto* out = static_cast<char*>(out_.put_numbers(place, kind, items.size()));
    for (const Variant& item : items) {
      std::memcpy(out, item.get_if<T>(), sizeof(T));
      out += sizeof(T);
    }
  }

  void check_depth() const {
    if (parents_.size() < static_cast<std::size_t>(kDepthMax)) return;
    throw Error(ErrorKind::kInvalidArgument, "a value is nested deeper than 1,000");
  }

  void enter(Children children, ValueWriter::Place place, Sequence kind) {
    check_depth();
    go_down(children, out_.put_sequence(place, kind, children.size()));
  }

  void go_down(Children children, ValueWriter::Place first) {
    if (children.size() == 0) return;
    if (parents_.capacity() == 0) parents_.reserve(kFramesAtFirst);
    parents_.push_back(current_);
    current_ = Frame{children, first, 0};
  }

  ValueWriter& out_;
  Frame current_;
  std::vector<Frame> parents_;
};

ValueWriter write(const Variant& value, const MarshalLimits& limits) {
  ValueWriter out;
  out.put(out.begin_value(limits), value);
  out.finish();
  return out;
}

ValueWriter write(const Arguments& arguments, const MarshalLimits& limits) {
  if (arguments.names.size() > arguments.values.size()) {
    refuse_if("there are more argument names than arguments");
  }
  ValueWriter out;
  ValueWriter::Place place = out.begin(arguments.values.size(), limits);
  for (const Variant& value : arguments.values) {
    out.put(place, value);
    place += ValueWriter::kPlaceWords;
  }
  for (const std::string& name : arguments.names) check_text(name);
  out.put_names(arguments.names);
  out.finish();
  return out;
}

void ValueWriter::put(Place place, const Variant& value) { VariantWalk(*this).put(place, value); }

void ValueWriter::put_plain(Place place, const Variant& value) {
  const Place pointer = place + words::kVariantData;
  switch (value.kind()) {
    case Kind::kComplex: {
      set_tag(place, Which::COMPLEX);
      std::memcpy(struct_at(pointer, 2, 0), value.get_if<std::complex<double>>(), 16);
      return;
    }
    case Kind::kBytes: {
      const Bytes& bytes = *value.get_if<Bytes>();
      return put_bytes_value(place, bytes, bytes.owner().use_count() <= 1);
    }
    case Kind::kMessage:
      return put_message(place, *value.get_if<Message>());
    case Kind::kDecimal: {
      const Decimal& decimal = *value.get_if<Decimal>();
      refuse_if(problem_of(decimal));
      set_tag(place, Which::DECIMAL);
      if (decimal.text.size() > kTextBytesMax) {
        refuse_size("a decimal takes", decimal.text.size(), kTextBytesMax);
      }
      return put_bytes(pointer, decimal.text, true);
    }
    case Kind::kUuid: {
      const auto& bytes = value.get_if<Uuid>()->bytes;
      set_tag(place, Which::UUID);
      return put_bytes(pointer, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, false);
    }
    case Kind::kArray:
      return put_array(place, value.as<std::shared_ptr<const AnyArray>>());
    case Kind::kObject:
      return put_object(place, *value.get_if<ObjectPtr>());
    case Kind::kEnum:
      return put_enum_member(place, *value.get_if<EnumMember>());
    case Kind::kCallable:
      return put_function(place, *value.get_if<CallablePtr>());
    default:
      return put_moment(place, value);
  }
}

void ValueWriter::put_bytes_value(Place place, const Bytes& bytes, bool is_sole, bool is_message) {
  const Place pointer = place + words::kVariantData;
  const bool is_large = is_beside(bytes.size());
  set_tag(place, is_large ? Which::LARGE_BYTES : Which::BYTES);
  if (!is_large) return put_bytes(pointer, bytes.view(), false);
  put_large(pointer, bytes.owner() != nullptr ? bytes : Bytes(bytes.view()), is_sole, false,
            is_message);
}

void ValueWriter::put_message(Place place, const Message& message) {
  set_tag(place, Which::MESSAGE);
  Place item = put_places(place + words::kVariantData, message.size());
  for (const Bytes& segment : message.segments()) {
    put_bytes_value(item, segment, false, true);
    item += kPlaceWords;
  }
}

void ValueWriter::put_moment(Place place, const Variant& value) {
  const Place pointer = place + words::kVariantData;
  switch (value.kind()) {
    case Kind::kDateTime: {
      const DateTime& moment = *value.get_if<DateTime>();
      refuse_if(problem_of(moment.date));
      refuse_if(problem_of(moment.time));
      set_tag(place, Which::DATE_TIME);
      std::uint64_t* data = struct_at(pointer, 3, 0);
      fill_date(data, moment.date);
      return fill_time(data, moment.time);
    }
    case Kind::kDate:
      refuse_if(problem_of(*value.get_if<Date>()));
      set_tag(place, Which::DATE);
      return fill_date(struct_at(pointer, 3, 0), *value.get_if<Date>());
    case Kind::kTime:
      refuse_if(problem_of(*value.get_if<TimeOfDay>()));
      set_tag(place, Which::TIME);
      return fill_time(struct_at(pointer, 3, 0), *value.get_if<TimeOfDay>());
    default: {
      const TimeDelta& delta = value.as<TimeDelta>();
      refuse_if(problem_of(delta));
      set_tag(place, Which::TIME_DELTA);
      std::uint64_t* data = struct_at(pointer, 2, 0);
      set_field(data, 0, delta.days);
      set_field(data, 4, delta.seconds);
      return set_field(data, 8, delta.microseconds);
    }
  }
}

void ValueWriter::put_array(Place place, const std::shared_ptr<const AnyArray>& held) {
  const AnyArray& array = *held;
  const bool is_sole = held.use_count() == 1 && array.owner.use_count() <= 1;
  const DType& dtype = array.dtype;
  refuse_if(problem_of(dtype));
  refuse_if(problem_of_shape(array.shape, dtype.itemsize));
  check_text(dtype.text);
  if (array.strides.size() != array.shape.size()) {
    refuse_if("an array's strides are not as many as its dimensions");
  }
  const std::uint64_t size_bytes = nbytes_of(array.shape, dtype.itemsize);
  if (size_bytes > 0 && array.data == nullptr) refuse_if("an array has no memory");
  const bool is_shared = size_bytes > 0 && is_in_shared_memory(array);
  const bool is_large = is_shared || is_beside(size_bytes);
  set_tag(place, Which::ARRAY);
  std::uint64_t* data = struct_at(place + words::kVariantData, kArrayData, kArrayPointers);
  set_field(data, 0, static_cast<std::uint8_t>(dtype.code));
  set_field(data, 1, std::uint8_t{!array.is_c_contiguous() && array.is_f_contiguous()});
  set_field(data, 2, static_cast<std::uint8_t>(array.flavor));
  set_field(data, 4, dtype.itemsize);
  set_field(data, 8, static_cast<std::uint16_t>(is_large));
  const auto pointers = static_cast<Place>(data + kArrayData - words_.get());
  put_bytes(pointers, dtype.text, true);
  const Place shape = take(array.shape.size());
  std::copy(array.shape.begin(), array.shape.end(), words_.get() + shape);
  point(pointers + 1, shape, words::kList, words::list_of(words::kOfWords, array.shape.size()));
  if (is_shared && !is_contiguous(array)) return put_strided(pointers, array, is_sole);
  if (is_large) {
    Bytes bulk = bulk_of(array, size_bytes);
    const bool is_copy = bulk.owner() != array.owner;
    return put_large(pointers + 2, std::move(bulk), is_sole || is_copy, array.is_readonly);
  }
  const Place content = take((size_bytes + 7) / 8);
  point(pointers + 2, content, words::kList, words::list_of(words::kOfBytes, size_bytes));
  if (size_bytes == 0) return;
  words_.get()[content + (size_bytes + 7) / 8 - 1] = 0;
  auto* out = reinterpret_cast<std::byte*>(words_.get() + content);
  if (is_contiguous(array)) {
    std::memcpy(out, array.data, size_bytes);
  } else {
    array.copy_to(out);
  }
}

void ValueWriter::put_strided(Place pointers, const AnyArray& array, bool is_sole) {
  const auto bytes = extent_of(array);
  // `start` is the last of the data words, which lie before the pointers.
  words_.get()[pointers - 1] = static_cast<std::uint64_t>(array.data - bytes.data());
  const Place strides = take(array.strides.size());
  std::copy(array.strides.begin(), array.strides.end(), words_.get() + strides);
  point(pointers + 3, strides, words::kList, words::list_of(words::kOfWords, array.strides.size()));
  put_large(pointers + 2, Bytes(bytes, array.owner), is_sole, array.is_readonly);
}

// The elements one after the other, in memory that stays: the array's own if it can.
Bytes ValueWriter::bulk_of(const AnyArray& array, std::size_t size_bytes) const {
  if (is_contiguous(array) && array.owner != nullptr) {
    return Bytes(std::span<const std::byte>{array.data, size_bytes}, array.owner);
  }
  std::shared_ptr<std::byte> memory = bulk_memory(size_bytes);
  if (is_contiguous(array)) {
    std::memcpy(memory.get(), array.data, size_bytes);
  } else {
    array.copy_to(memory.get());
  }
  const std::span<const std::byte> bytes{memory.get(), size_bytes};
  return Bytes(bytes, std::move(memory));
}

void ValueWriter::put_enum_member(Place place, const EnumMember& member) {
  check_name(member.type);
  check_name(member.name);
  set_tag(place, Which::ENUM_MEMBER);
  const std::uint64_t* data = struct_at(place + words::kVariantData, 0, 2);
  const auto pointers = static_cast<Place>(data - words_.get());
  put_bytes(pointers, member.type, true);
  put_bytes(pointers + 1, member.name, true);
}

void ValueWriter::put_function(Place place, const CallablePtr& function) {
  const std::string_view name = function->registered_name();
  if (name.empty()) return put_object(place, function);
  check_name(name);
  set_tag(place, Which::FUNCTION);
  put_bytes(place + words::kVariantData, name, true);
}

void ValueWriter::put_object(Place place, const ObjectPtr& object) {
  const std::string_view type = object->type_name();
  check_name(type);
  set_tag(place, Which::OBJECT);
  const std::uint64_t* reference = struct_at(place + words::kVariantData, 0, 3);
  const auto pointers = static_cast<Place>(reference - words_.get());
  put_bytes(pointers + 1, type, true);
  const Place id = take_zeros(2);
  point(pointers + 2, id, words::kList, words::list_of(words::kOfBytes, 16));
  attach(pointers, {object, Bytes(), false, false, false, id});
}

}  // namespace cppipc
