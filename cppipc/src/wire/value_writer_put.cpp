// SPDX-License-Identifier: Apache-2.0
// Variants, put into the bytes of a message by a ValueWriter.
#include <cppipc/value_writer.h>

#include "wire/bulk.h"
#include "wire/marshal.h"
#include "wire/packing.h"
#include "wire/sizes.h"
#include "wire/validity.h"
#include "wire/words.h"

#include "values/utf8.h"

namespace cppipc {
namespace {

using Which = wire::Variant::Which;

using words::set_field;

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
    bool can_move = true;  // false below what others share
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
      case Kind::kDataFrame:
        return enter_parts(*value.get_if<DataFrame>(), place, Sequence::kDataFrame);
      case Kind::kGraph:
        return enter_parts(*value.get_if<Graph>(), place, Sequence::kGraph);
      default:
        return out_.put_plain(place, value, current_.can_move);
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

  // Of a dataframe or a graph.
  template <class Table>
  void enter_parts(const Table& table, ValueWriter::Place place, Sequence kind) {
    const bool can_move = current_.can_move && table.is_sole();
    enter(Children(table.parts()), place, kind);
    current_.can_move = can_move;
  }

  void go_down(Children children, ValueWriter::Place first) {
    if (children.size() == 0) return;
    if (parents_.capacity() == 0) parents_.reserve(kFramesAtFirst);
    parents_.push_back(current_);
    current_ = Frame{children, first, 0, current_.can_move};
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

void ValueWriter::put_plain(Place place, const Variant& value, bool can_move) {
  const Place pointer = place + words::kVariantData;
  switch (value.kind()) {
    case Kind::kComplex: {
      set_tag(place, Which::COMPLEX);
      std::memcpy(struct_at(pointer, 2, 0), value.get_if<std::complex<double>>(), 16);
      return;
    }
    case Kind::kBytes: {
      const Bytes& bytes = *value.get_if<Bytes>();
      return put_bytes_value(place, bytes, can_move && bytes.owner().use_count() <= 1);
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
      return put_array(place, value.as<std::shared_ptr<const AnyArray>>(), can_move);
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
