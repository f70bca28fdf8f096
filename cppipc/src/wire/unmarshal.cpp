// SPDX-License-Identifier: Apache-2.0
// Message -> value: the boundary where a hostile peer's bytes become values.
//
// Each pointer of a message is followed once, so the reader's traversal limit bounds what one
// message can make. Lists of structs must have full-size elements: without that, a list of empty
// structs would make millions of values out of one word. The walk keeps its own stack, so the
// depth of a message costs no stack of the thread. Whatever Cap'n Proto finds malformed comes
// out as a kProtocol.

#include "wire/marshal.h"
#include "wire/bulk.h"
#include "wire/guard.h"
#include "wire/validity.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cppipc {
namespace {

using VariantList = capnp::List<wire::Variant>;
constexpr std::size_t kFramesAtFirst = 16;

// Makes `out`, which is null and so owns nothing, the value.
template <class T>
void set_fresh(Variant& out, T&& value) {
  std::construct_at(&out, std::forward<T>(value));
}

void refuse_if(const char* problem) {
  if (problem != nullptr) refuse_message(problem);
}

Date checked_date(wire::DateTime::Reader reader) {
  const Date date{reader.getYear(), reader.getMonth(), reader.getDay()};
  refuse_if(problem_of(date));
  return date;
}

TimeOfDay checked_time(wire::DateTime::Reader reader) {
  TimeOfDay time;
  time.hour = reader.getHour();
  time.minute = reader.getMinute();
  time.second = reader.getSecond();
  time.microsecond = reader.getMicrosecond();
  time.fold = reader.getFold();
  if (reader.getHasOffset()) time.utc_offset_s = reader.getUtcOffsetS();
  refuse_if(problem_of(time));
  return time;
}

TimeDelta checked_delta(wire::TimeDelta::Reader reader) {
  const TimeDelta delta{reader.getDays(), reader.getSeconds(), reader.getMicroseconds()};
  refuse_if(problem_of(delta));
  return delta;
}

Decimal checked_decimal(capnp::Text::Reader reader) {
  Decimal decimal{std::string(reader.begin(), reader.size())};
  refuse_if(problem_of(decimal));
  return decimal;
}

Uuid checked_uuid(capnp::Data::Reader reader) {
  Uuid uuid;
  if (reader.size() != uuid.bytes.size()) refuse_message("a UUID is not of 16 bytes");
  std::copy(reader.begin(), reader.end(), uuid.bytes.begin());
  return uuid;
}

template <class Sequence, class Numbers>
Sequence unpacked(const Numbers& numbers) {
  Sequence sequence;
  sequence.items.reserve(numbers.size());
  for (const auto number : numbers) sequence.items.emplace_back(number);
  return sequence;
}

class Unmarshaller {
 public:
  explicit Unmarshaller(IncomingCaps& caps) : caps_(caps) {}

  // `out` must be null.
  void take(wire::Variant::Reader reader, Variant& out) {
    take_one(reader, out);
    walk();
  }

  void take(VariantList::Reader reader, std::vector<Variant>& out) {
    check_elements(reader);
    out.resize(reader.size());
    current_ = Frame{reader, out.data(), nullptr, reader.size()};
    walk();
  }

 private:
  // A container that is being filled: it has all its items already, null at first.
  struct Frame {
    VariantList::Reader reader;
    Variant* items = nullptr;
    std::pair<Variant, Variant>* entries = nullptr;
    unsigned count = 0;  // of the reader
    unsigned next = 0;

    Variant& out(unsigned i) const {
      if (entries == nullptr) return items[i];
      return i % 2 == 0 ? entries[i / 2].first : entries[i / 2].second;
    }
  };

  // Fills everything below the current frame.
  void walk() {
    while (true) {
      if (current_.next < current_.count) {
        const unsigned i = current_.next++;
        take_one(current_.reader[i], current_.out(i));
      } else if (!parents_.empty()) {
        current_ = parents_.back();
        parents_.pop_back();
      } else {
        return;
      }
    }
  }

  static void check_elements(VariantList::Reader reader) {
    if (reader.size() > 0) check_struct_size<wire::Variant>(reader[0]);
  }

  void check_depth() const {
    if (parents_.size() < static_cast<std::size_t>(kDepthMax)) return;
    refuse_message("a value is nested deeper than 1,000");
  }

  void enter(const Frame& frame) {
    if (frame.count == 0) return;
    if (parents_.capacity() == 0) parents_.reserve(kFramesAtFirst);
    parents_.push_back(current_);
    current_ = frame;
  }

  template <class Sequence>
  void take_sequence(VariantList::Reader reader, Variant& out) {
    check_depth();
    check_elements(reader);
    set_fresh(out, Sequence{});
    std::vector<Variant>& items = out.get_if<Sequence>()->items;
    items.resize(reader.size());
    enter(Frame{reader, items.data(), nullptr, reader.size()});
  }

  void take_dict(VariantList::Reader reader, Variant& out) {
    check_depth();
    check_elements(reader);
    if (reader.size() % 2 != 0) refuse_message("a dict has a key without a value");
    set_fresh(out, Dict{});
    auto& entries = out.get_if<Dict>()->entries;
    entries.resize(reader.size() / 2);
    enter(Frame{reader, nullptr, entries.data(), reader.size()});
  }

  template <class Sequence, class Numbers>
  void take_packed(const Numbers& numbers, Variant& out) {
    check_depth();
    set_fresh(out, unpacked<Sequence>(numbers));
  }

  void take_object(wire::Reference::Reader reader, Variant& out) {
    const capnp::Data::Reader id = reader.getId();
    if (id.size() != 16) refuse_message("an object's id is not of 16 bytes");
    const std::string_view type = checked_text(reader.getType());
    ObjectPtr object = caps_.object(reader.getObject(), type, {id.begin(), id.size()});
    if (object == nullptr) refuse_message("a reference to no object");
    set_fresh(out, std::move(object));
  }

  void take_one(wire::Variant::Reader reader, Variant& out);
  void take_container(wire::Variant::Reader reader, Variant& out);
  void take_bulk(wire::Variant::Reader reader, Variant& out);
  void take_plain(wire::Variant::Reader reader, Variant& out);

  IncomingCaps& caps_;
  Frame current_;
  std::vector<Frame> parents_;
};

void Unmarshaller::take_one(wire::Variant::Reader reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::NULL_:
      return;
    case wire::Variant::BOOL:
      return set_fresh(out, reader.getBool());
    case wire::Variant::INT:
      return set_fresh(out, std::int64_t{reader.getInt()});
    case wire::Variant::FLOAT:
      return set_fresh(out, reader.getFloat());
    case wire::Variant::STR:
      return set_fresh(out, std::string(checked_text(reader.getStr())));
    case wire::Variant::LIST:
    case wire::Variant::TUPLE:
    case wire::Variant::SET:
    case wire::Variant::FROZEN_SET:
    case wire::Variant::DICT:
    case wire::Variant::INTS:
    case wire::Variant::FLOATS:
    case wire::Variant::INT_TUPLE:
    case wire::Variant::FLOAT_TUPLE:
      return take_container(reader, out);
    case wire::Variant::BYTES:
    case wire::Variant::ARRAY:
    case wire::Variant::OBJECT:
    case wire::Variant::LARGE_STR:
    case wire::Variant::LARGE_BYTES:
      return take_bulk(reader, out);
    case wire::Variant::COMPLEX:
    case wire::Variant::DATE_TIME:
    case wire::Variant::DATE:
    case wire::Variant::TIME:
    case wire::Variant::TIME_DELTA:
    case wire::Variant::DECIMAL:
    case wire::Variant::UUID:
      return take_plain(reader, out);
  }
  refuse_message("a value is of an unknown kind");
}

void Unmarshaller::take_container(wire::Variant::Reader reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::LIST:
      return take_sequence<List>(reader.getList(), out);
    case wire::Variant::TUPLE:
      return take_sequence<Tuple>(reader.getTuple(), out);
    case wire::Variant::SET:
      return take_sequence<Set>(reader.getSet(), out);
    case wire::Variant::FROZEN_SET:
      return take_sequence<FrozenSet>(reader.getFrozenSet(), out);
    case wire::Variant::DICT:
      return take_dict(reader.getDict(), out);
    case wire::Variant::INTS:
      return take_packed<List>(reader.getInts(), out);
    case wire::Variant::FLOATS:
      return take_packed<List>(reader.getFloats(), out);
    case wire::Variant::INT_TUPLE:
      return take_packed<Tuple>(reader.getIntTuple(), out);
    default:
      return take_packed<Tuple>(reader.getFloatTuple(), out);
  }
}

void Unmarshaller::take_bulk(wire::Variant::Reader reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::BYTES: {
      const capnp::Data::Reader data = reader.getBytes();
      const auto* chars = reinterpret_cast<const char*>(data.begin());
      return set_fresh(out, Bytes(std::string_view(chars, data.size())));
    }
    case wire::Variant::ARRAY:
      return set_fresh(out, unmarshal_array(reader.getArray(), caps_));
    case wire::Variant::OBJECT:
      return take_object(reader.getObject(), out);
    case wire::Variant::LARGE_STR:
      return set_fresh(out, unmarshal_large_text(reader.getLargeStr(), caps_));
    default:
      return set_fresh(out, unmarshal_large_bytes(reader.getLargeBytes(), caps_));
  }
}

void Unmarshaller::take_plain(wire::Variant::Reader reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::COMPLEX: {
      const wire::Complex::Reader complex = reader.getComplex();
      return set_fresh(out, std::complex<double>(complex.getReal(), complex.getImaginary()));
    }
    case wire::Variant::DATE_TIME: {
      const wire::DateTime::Reader moment = reader.getDateTime();
      return set_fresh(out, DateTime{checked_date(moment), checked_time(moment)});
    }
    case wire::Variant::DATE:
      return set_fresh(out, checked_date(reader.getDate()));
    case wire::Variant::TIME:
      return set_fresh(out, checked_time(reader.getTime()));
    case wire::Variant::TIME_DELTA:
      return set_fresh(out, checked_delta(reader.getTimeDelta()));
    case wire::Variant::DECIMAL:
      return set_fresh(out, checked_decimal(reader.getDecimal()));
    default:
      return set_fresh(out, checked_uuid(reader.getUuid()));
  }
}

}  // namespace

Variant unmarshal(wire::Variant::Reader reader, IncomingCaps& caps) {
  return guarded([&] {
    Variant value;
    Unmarshaller(caps).take(reader, value);
    return value;
  });
}

Arguments unmarshal(wire::Arguments::Reader reader, IncomingCaps& caps) {
  return guarded([&] {
    Arguments arguments;
    const auto values = reader.getValues();
    const auto names = reader.getNames();
    if (names.size() > values.size()) refuse_message("more argument names than arguments");
    Unmarshaller(caps).take(values, arguments.values);
    arguments.names.reserve(names.size());
    for (const capnp::Text::Reader name : names) arguments.names.emplace_back(checked_text(name));
    return arguments;
  });
}

}  // namespace cppipc
