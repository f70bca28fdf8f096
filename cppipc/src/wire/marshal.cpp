// SPDX-License-Identifier: Apache-2.0
// Value -> message.
//
// The walk keeps its own stack, so the depth of a value costs no stack of the thread. What is
// wrong with a value was found by measure() before; here nothing is checked again.

#include "wire/marshal.h"
#include "wire/bulk.h"
#include "wire/elements.h"
#include "wire/packing.h"

#include <string_view>
#include <utility>
#include <vector>

namespace cppipc {
namespace {

// std::string ends with a NUL that its size does not count, as Cap'n Proto wants it.
capnp::Text::Reader text_of(const std::string& text) { return {text.c_str(), text.size()}; }

void put_date(const Date& date, wire::DateTime::Builder builder) {
  builder.setYear(date.year);
  builder.setMonth(date.month);
  builder.setDay(date.day);
}

void put_time(const TimeOfDay& time, wire::DateTime::Builder builder) {
  builder.setHour(time.hour);
  builder.setMinute(time.minute);
  builder.setSecond(time.second);
  builder.setMicrosecond(time.microsecond);
  builder.setFold(time.fold);
  if (!time.utc_offset_s) return;
  builder.setHasOffset(true);
  builder.setUtcOffsetS(*time.utc_offset_s);
}

template <class T>
void put_numbers(std::span<const Variant> items, typename capnp::List<T>::Builder builder) {
  for (unsigned i = 0; i < items.size(); ++i) builder.set(i, *items[i].get_if<T>());
}

class Marshaller {
 public:
  Marshaller(OutgoingCaps& caps, const MarshalLimits& limits) : caps_(caps), limits_(limits) {}

  void put(const Variant& value, wire::Variant::Builder& builder) {
    put_one(value, builder);
    walk();
  }

  void put(std::span<const Variant> values, VariantList::Builder builder) {
    current_ = Frame{Children(values), builder, ElementWriter(builder)};
    walk();
  }

 private:
  struct Frame {
    Children children;
    VariantList::Builder builder;
    ElementWriter elements;
    unsigned next = 0;
  };

  // Builds everything below the current frame.
  void walk() {
    while (true) {
      if (current_.next < current_.children.size()) {
        put_element(current_.next++);
      } else if (!parents_.empty()) {
        current_ = std::move(parents_.back());
        parents_.pop_back();
      } else {
        return;
      }
    }
  }

  // The i-th child of the current frame.
  void put_element(unsigned i) {
    const Variant& value = current_.children[i];
    switch (value.kind()) {
      case Kind::kNull:
        return;
      case Kind::kBool:
        return current_.elements.set_boolean(i, *value.get_if<bool>());
      case Kind::kInt:
        return current_.elements.set_int(i, *value.get_if<std::int64_t>());
      case Kind::kFloat:
        return current_.elements.set_float(i, *value.get_if<double>());
      default: {
        wire::Variant::Builder builder = current_.builder[i];
        return put_one(value, builder);
      }
    }
  }

  void enter(Children children, VariantList::Builder builder) {
    if (children.size() == 0) return;
    if (parents_.capacity() == 0) parents_.reserve(kFramesAtFirst);
    parents_.push_back(std::move(current_));
    current_ = Frame{children, builder, ElementWriter(builder)};
  }

  void put_list(std::span<const Variant> items, wire::Variant::Builder& builder) {
    const auto count = static_cast<unsigned>(items.size());
    switch (packing_of(items)) {
      case Packing::kInts:
        return put_numbers<std::int64_t>(items, builder.initInts(count));
      case Packing::kFloats:
        return put_numbers<double>(items, builder.initFloats(count));
      case Packing::kNone:
        return enter(Children(items), builder.initList(count));
    }
  }

  void put_tuple(std::span<const Variant> items, wire::Variant::Builder& builder) {
    const auto count = static_cast<unsigned>(items.size());
    switch (packing_of(items)) {
      case Packing::kInts:
        return put_numbers<std::int64_t>(items, builder.initIntTuple(count));
      case Packing::kFloats:
        return put_numbers<double>(items, builder.initFloatTuple(count));
      case Packing::kNone:
        return enter(Children(items), builder.initTuple(count));
    }
  }

  void put_object(const ObjectPtr& object, wire::Reference::Builder builder) {
    // The capability first: it is what keeps the object known, and with it its id.
    builder.setObject(caps_.object(object).castAs<wire::Object>());
    const std::array<std::uint8_t, 16> id = caps_.object_id(object);
    builder.setId({id.data(), id.size()});
    const std::string_view type = object->type_name();
    auto text = builder.initType(static_cast<unsigned>(type.size()));
    std::copy(type.begin(), type.end(), text.begin());
  }

  void put_one(const Variant& value, wire::Variant::Builder& builder);
  void put_container(const Variant& value, wire::Variant::Builder& builder);
  void put_moment(const Variant& value, wire::Variant::Builder& builder);

  OutgoingCaps& caps_;
  const MarshalLimits& limits_;
  Frame current_;
  std::vector<Frame> parents_;
};

void Marshaller::put_one(const Variant& value, wire::Variant::Builder& builder) {
  switch (value.kind()) {
    case Kind::kNull:
      return builder.setNull();
    case Kind::kBool:
      return builder.setBool(*value.get_if<bool>());
    case Kind::kInt:
      return builder.setInt(*value.get_if<std::int64_t>());
    case Kind::kFloat:
      return builder.setFloat(*value.get_if<double>());
    case Kind::kComplex: {
      const auto& number = *value.get_if<std::complex<double>>();
      auto complex = builder.initComplex();
      complex.setReal(number.real());
      return complex.setImaginary(number.imag());
    }
    case Kind::kStr:
      return marshal_text(*value.get_if<std::string>(), builder, caps_, limits_);
    case Kind::kBytes:
      return marshal_bytes(*value.get_if<Bytes>(), builder, caps_, limits_);
    case Kind::kMessage: {
      const auto segments = value.get_if<Message>()->segments();
      auto list = builder.initMessage(static_cast<unsigned>(segments.size()));
      for (unsigned i = 0; i < segments.size(); ++i) {
        wire::Variant::Builder segment = list[i];
        marshal_bytes(segments[i], segment, caps_, limits_);
      }
      return;
    }
    case Kind::kDataFrame: {
      const Children parts(value.get_if<DataFrame>()->parts());
      return enter(parts, builder.initDataFrame(static_cast<unsigned>(parts.size())));
    }
    case Kind::kGraph: {
      const Children parts(value.get_if<Graph>()->parts());
      return enter(parts, builder.initGraph(static_cast<unsigned>(parts.size())));
    }
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kFrozenSet:
    case Kind::kDict:
      return put_container(value, builder);
    case Kind::kDateTime:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimeDelta:
      return put_moment(value, builder);
    case Kind::kDecimal:
      return builder.setDecimal(text_of(value.get_if<Decimal>()->text));
    case Kind::kUuid:
      return builder.setUuid({value.get_if<Uuid>()->bytes.data(), 16});
    case Kind::kArray:
      return marshal_array(value.as_array(), builder.initArray(), caps_, limits_);
    case Kind::kObject:
      return put_object(*value.get_if<ObjectPtr>(), builder.initObject());
    case Kind::kEnum: {
      auto member = builder.initEnumMember();
      member.setType(text_of(value.get_if<EnumMember>()->type));
      return member.setName(text_of(value.get_if<EnumMember>()->name));
    }
    case Kind::kCallable: {
      const CallablePtr& function = *value.get_if<CallablePtr>();
      const std::string_view name = function->registered_name();
      if (name.empty()) return put_object(function, builder.initObject());
      return builder.setFunction(text_of(std::string(name)));
    }
  }
}

void Marshaller::put_container(const Variant& value, wire::Variant::Builder& builder) {
  switch (value.kind()) {
    case Kind::kList:
      return put_list(value.get_if<List>()->items, builder);
    case Kind::kTuple:
      return put_tuple(value.get_if<Tuple>()->items, builder);
    case Kind::kSet: {
      const Children children(value.get_if<Set>()->items);
      return enter(children, builder.initSet(static_cast<unsigned>(children.size())));
    }
    case Kind::kFrozenSet: {
      const Children children(value.get_if<FrozenSet>()->items);
      return enter(children, builder.initFrozenSet(static_cast<unsigned>(children.size())));
    }
    default: {
      const Children children(*value.get_if<Dict>());
      return enter(children, builder.initDict(static_cast<unsigned>(children.size())));
    }
  }
}

void Marshaller::put_moment(const Variant& value, wire::Variant::Builder& builder) {
  switch (value.kind()) {
    case Kind::kDateTime: {
      auto moment = builder.initDateTime();
      put_date(value.get_if<DateTime>()->date, moment);
      return put_time(value.get_if<DateTime>()->time, moment);
    }
    case Kind::kDate:
      return put_date(*value.get_if<Date>(), builder.initDate());
    case Kind::kTime:
      return put_time(*value.get_if<TimeOfDay>(), builder.initTime());
    default: {
      const TimeDelta& delta = *value.get_if<TimeDelta>();
      auto moment = builder.initTimeDelta();
      moment.setDays(delta.days);
      moment.setSeconds(delta.seconds);
      return moment.setMicroseconds(delta.microseconds);
    }
  }
}

}  // namespace

void marshal(const Variant& value, wire::Variant::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits) {
  Marshaller(caps, limits).put(value, builder);
}

void marshal(const Arguments& arguments, wire::Arguments::Builder builder, OutgoingCaps& caps,
             const MarshalLimits& limits) {
  const auto count = static_cast<unsigned>(arguments.values.size());
  Marshaller(caps, limits).put(arguments.values, builder.initValues(count));
  if (arguments.names.empty()) return;
  auto names = builder.initNames(static_cast<unsigned>(arguments.names.size()));
  for (unsigned i = 0; i < names.size(); ++i) names.set(i, text_of(arguments.names[i]));
}

}  // namespace cppipc
