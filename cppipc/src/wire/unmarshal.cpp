// SPDX-License-Identifier: Apache-2.0
// Message -> value: the boundary where a hostile peer's bytes become values.
//
// Each pointer of a message is followed once, so the reader's traversal limit bounds what one
// message can make. Lists of structs must have full-size elements: without that, a list of empty
// structs would make millions of values out of one word. The walk keeps its own stack, so the
// depth of a message costs no stack of the thread. Whatever Cap'n Proto finds malformed comes
// out as a kProtocol.

#include "wire/bulk.h"
#include "wire/checked.h"
#include "wire/elements.h"
#include "wire/guard.h"
#include "wire/marshal.h"
#include "wire/packing.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cppipc {
namespace {

// Makes a T of `out`, which is null and so owns nothing. Assigning would look for something to
// destroy first, which costs more than most values. Errors: those of T; `out` stays null.
template <class T, class... Parts>
T& set_fresh(Variant& out, Parts&&... parts) {
  Variant::Storage& storage = out.storage();
  try {
    std::construct_at(&storage, std::in_place_type<T>, std::forward<Parts>(parts)...);
  } catch (...) {
    std::construct_at(&storage);
    throw;
  }
  return *std::get_if<T>(&storage);
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
  void take(const wire::Variant::Reader& reader, Variant& out) {
    take_one(reader, out);
    walk();
  }

  void take(const VariantList::Reader& reader, std::vector<Variant>& out) {
    current_.elements = ElementReader(reader);
    current_.reader = reader;
    current_.count = reader.size();
    out.resize(reader.size());
    current_.items = out.data();
    walk();
  }

 private:
  // A container that is being filled: it has all its items already, null at first.
  struct Frame {
    VariantList::Reader reader;
    ElementReader elements;
    Variant* items = nullptr;
    std::pair<Variant, Variant>* entries = nullptr;
    unsigned count = 0;  // of the reader
    unsigned next = 0;
    Variant* table = nullptr;  // the list that is to become a dataframe or a graph
    Kind table_kind = Kind::kNull;

    Variant& out(unsigned i) const {
      if (entries == nullptr) return items[i];
      return i % 2 == 0 ? entries[i / 2].first : entries[i / 2].second;
    }
  };

  // Fills everything below the current frame.
  void walk() {
    while (true) {
      if (current_.next < current_.count) {
        take_element(current_.next++);
      } else if (!parents_.empty()) {
        if (current_.table != nullptr) make_table(*current_.table, current_.table_kind);
        current_ = parents_.back();
        parents_.pop_back();
      } else {
        return;
      }
    }
  }

  // The i-th child of the current frame.
  void take_element(unsigned i) {
    Variant& out = current_.out(i);
    switch (current_.elements.which(i)) {
      case wire::Variant::NULL_:
        return;
      case wire::Variant::BOOL:
        set_fresh<bool>(out, current_.elements.boolean(i));
        return;
      case wire::Variant::INT:
        set_fresh<std::int64_t>(out, current_.elements.number<std::int64_t>(i));
        return;
      case wire::Variant::FLOAT:
        set_fresh<double>(out, current_.elements.number<double>(i));
        return;
      default:
        return take_one(current_.reader[i], out);
    }
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
  void take_sequence(const VariantList::Reader& reader, Variant& out) {
    check_depth();
    const ElementReader elements(reader);
    std::vector<Variant>& items = set_fresh<Sequence>(out).items;
    items.resize(reader.size());
    enter(Frame{reader, elements, items.data(), nullptr, reader.size()});
  }

  void take_dict(const VariantList::Reader& reader, Variant& out) {
    check_depth();
    const ElementReader elements(reader);
    if (reader.size() % 2 != 0) refuse_message("a dict has a key without a value");
    auto& entries = set_fresh<Dict>(out).entries;
    entries.resize(reader.size() / 2);
    enter(Frame{reader, elements, nullptr, entries.data(), reader.size()});
  }

  // A dataframe or a graph, as the list of its parts.
  void take_table(const VariantList::Reader& reader, Kind kind, Variant& out) {
    check_depth();
    if (reader.size() == 0) refuse_message("a dataframe or graph has no parts");
    const ElementReader elements(reader);
    std::vector<Variant>& items = set_fresh<List>(out).items;
    items.resize(reader.size());
    enter(Frame{reader, elements, items.data(), nullptr, reader.size(), 0, &out, kind});
  }

  static void make_table(Variant& table, Kind kind) {
    std::vector<Variant> parts = std::move(table.as<List>().items);
    try {
      if (kind == Kind::kGraph) {
        table = Graph::from_parts(std::move(parts));
      } else {
        table = DataFrame::from_parts(std::move(parts));
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInvalidArgument) throw;
      refuse_message(error.what());
    }
  }

  template <class Sequence, class Numbers>
  void take_packed(const Numbers& numbers, Variant& out) {
    check_depth();
    set_fresh<Sequence>(out, unpacked<Sequence>(numbers));
  }

  void take_object(const wire::Reference::Reader& reader, Variant& out) {
    const capnp::Data::Reader id = reader.getId();
    if (id.size() != 16) refuse_message("an object's id is not of 16 bytes");
    const std::string_view type = checked_text(reader.getType());
    ObjectPtr object = caps_.object(reader.getObject(), type, {id.begin(), id.size()});
    if (object == nullptr) refuse_message("a reference to no object");
    if (auto function = std::dynamic_pointer_cast<Callable>(object)) {
      set_fresh<CallablePtr>(out, std::move(function));
      return;
    }
    set_fresh<ObjectPtr>(out, std::move(object));
  }

  void take_one(const wire::Variant::Reader& reader, Variant& out);
  void take_container(const wire::Variant::Reader& reader, Variant& out);
  void take_bulk(const wire::Variant::Reader& reader, Variant& out);
  void take_plain(const wire::Variant::Reader& reader, Variant& out);

  IncomingCaps& caps_;
  Frame current_;
  std::vector<Frame> parents_;
};

void Unmarshaller::take_one(const wire::Variant::Reader& reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::NULL_:
      return;
    case wire::Variant::BOOL:
      set_fresh<bool>(out, reader.getBool());
      return;
    case wire::Variant::INT:
      set_fresh<std::int64_t>(out, reader.getInt());
      return;
    case wire::Variant::FLOAT:
      set_fresh<double>(out, reader.getFloat());
      return;
    case wire::Variant::STR:
      set_fresh<std::string>(out, checked_text(reader.getStr()));
      return;
    case wire::Variant::LIST:
    case wire::Variant::TUPLE:
    case wire::Variant::SET:
    case wire::Variant::FROZEN_SET:
    case wire::Variant::DICT:
    case wire::Variant::INTS:
    case wire::Variant::FLOATS:
    case wire::Variant::INT_TUPLE:
    case wire::Variant::FLOAT_TUPLE:
    case wire::Variant::DATA_FRAME:
    case wire::Variant::GRAPH:
      return take_container(reader, out);
    case wire::Variant::BYTES:
    case wire::Variant::ARRAY:
    case wire::Variant::OBJECT:
    case wire::Variant::LARGE_STR:
    case wire::Variant::LARGE_BYTES:
    case wire::Variant::MESSAGE:
      return take_bulk(reader, out);
    case wire::Variant::COMPLEX:
    case wire::Variant::DATE_TIME:
    case wire::Variant::DATE:
    case wire::Variant::TIME:
    case wire::Variant::TIME_DELTA:
    case wire::Variant::DECIMAL:
    case wire::Variant::UUID:
    case wire::Variant::ENUM_MEMBER:
    case wire::Variant::FUNCTION:
      return take_plain(reader, out);
  }
  refuse_message("a value is of an unknown kind");
}

void Unmarshaller::take_container(const wire::Variant::Reader& reader, Variant& out) {
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
    case wire::Variant::DATA_FRAME:
      return take_table(reader.getDataFrame(), Kind::kDataFrame, out);
    case wire::Variant::GRAPH:
      return take_table(reader.getGraph(), Kind::kGraph, out);
    default:
      return take_packed<Tuple>(reader.getFloatTuple(), out);
  }
}

void Unmarshaller::take_bulk(const wire::Variant::Reader& reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::BYTES:
      set_fresh<Bytes>(out, unmarshal_bytes(reader.getBytes(), caps_));
      return;
    case wire::Variant::ARRAY:
      set_fresh<std::shared_ptr<const AnyArray>>(
          out, std::make_shared<AnyArray>(unmarshal_array(reader.getArray(), caps_)));
      return;
    case wire::Variant::OBJECT:
      return take_object(reader.getObject(), out);
    case wire::Variant::LARGE_STR:
      set_fresh<std::string>(out, unmarshal_large_text(reader.getLargeStr(), caps_));
      return;
    case wire::Variant::MESSAGE:
      set_fresh<Message>(out, unmarshal_message(reader.getMessage(), caps_));
      return;
    default:
      set_fresh<Bytes>(out, unmarshal_large_bytes(reader.getLargeBytes(), caps_));
      return;
  }
}

void Unmarshaller::take_plain(const wire::Variant::Reader& reader, Variant& out) {
  switch (reader.which()) {
    case wire::Variant::COMPLEX: {
      const wire::Complex::Reader complex = reader.getComplex();
      set_fresh<std::complex<double>>(out, complex.getReal(), complex.getImaginary());
      return;
    }
    case wire::Variant::DATE_TIME: {
      const wire::DateTime::Reader moment = reader.getDateTime();
      set_fresh<DateTime>(out, DateTime{checked_date(moment), checked_time(moment)});
      return;
    }
    case wire::Variant::DATE:
      set_fresh<Date>(out, checked_date(reader.getDate()));
      return;
    case wire::Variant::TIME:
      set_fresh<TimeOfDay>(out, checked_time(reader.getTime()));
      return;
    case wire::Variant::TIME_DELTA:
      set_fresh<TimeDelta>(out, checked_delta(reader.getTimeDelta()));
      return;
    case wire::Variant::DECIMAL:
      set_fresh<Decimal>(out, checked_decimal(reader.getDecimal()));
      return;
    case wire::Variant::ENUM_MEMBER: {
      const wire::EnumMember::Reader member = reader.getEnumMember();
      set_fresh<EnumMember>(out, EnumMember{std::string(checked_text(member.getType())),
                                            std::string(checked_text(member.getName()))});
      return;
    }
    case wire::Variant::FUNCTION: {
      const std::string_view name = checked_text(reader.getFunction());
      if (name.empty()) refuse_message("a function has no name");
      set_fresh<CallablePtr>(out, caps_.function(name));
      return;
    }
    default:
      set_fresh<Uuid>(out, checked_uuid(reader.getUuid()));
      return;
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
