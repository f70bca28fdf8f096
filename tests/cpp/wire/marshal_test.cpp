// SPDX-License-Identifier: Apache-2.0
#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace cppipc::marshal_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::NamedObject;
using test::round_trip;

Uuid some_uuid() {
  Uuid uuid;
  for (std::uint8_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(17 * i);
  return uuid;
}

TimeOfDay some_time() {
  TimeOfDay time;
  time.hour = 23;
  time.minute = 59;
  time.second = 58;
  time.microsecond = 999'999;
  time.fold = 1;
  return time;
}

AnyArray some_array() {
  AnyArray array = make_array(DType::of<std::int32_t>(), {2, 3});
  for (std::int32_t i = 0; i < 6; ++i) std::memcpy(array.data + 4 * i, &i, 4);
  return array;
}

// One value of every kind that a peer without objects can make, and the edges of some.
std::vector<Variant> plain_values() {
  TimeOfDay with_offset = some_time();
  with_offset.utc_offset_s = -86'399;
  TimeOfDay utc;
  utc.utc_offset_s = 0;
  const std::string with_nul("a\0b", 3);
  return {
      nullptr,
      true,
      false,
      0,
      -1,
      std::numeric_limits<std::int64_t>::min(),
      std::numeric_limits<std::int64_t>::max(),
      0.1,
      std::numeric_limits<double>::infinity(),
      std::numeric_limits<double>::denorm_min(),
      std::complex<double>(-1.5, 2.5),
      "",
      "text",
      with_nul,
      "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
      Bytes(""),
      Bytes(std::string_view("\0\xff\x80", 3)),
      List{},
      Tuple{},
      Set{},
      FrozenSet{},
      Dict{},
      DateTime{{9999, 12, 31}, with_offset},
      DateTime{{1, 1, 1}, {}},
      Date{2024, 2, 29},
      some_time(),
      utc,
      TimeDelta{-999'999'999, 86'399, 999'999},
      Decimal{"-1.50E+3"},
      Decimal{"NaN"},
      some_uuid(),
      EnumMember{"app.Color", "red"},
      some_array(),
  };
}

TEST(Marshal, EveryKindComesBackEqual) {
  for (const Variant& value : plain_values()) {
    EXPECT_TRUE(round_trip(value) == value) << name_of(value.kind());
  }
}

TEST(Marshal, EveryKindComesBackEqualInsideEveryContainer) {
  const std::vector<Variant> values = plain_values();
  Dict as_values;
  Dict as_keys;
  for (std::size_t i = 0; i < values.size(); ++i) {
    as_values.entries.emplace_back(static_cast<std::int64_t>(i), values[i]);
    as_keys.entries.emplace_back(values[i], static_cast<std::int64_t>(i));
  }
  const std::vector<Variant> containers = {List{values},      Tuple{values}, Set{values},
                                           FrozenSet{values}, as_values,     as_keys};
  for (const Variant& container : containers) {
    EXPECT_TRUE(round_trip(container) == container) << name_of(container.kind());
  }
  const Variant nested = Tuple{{List{containers}, Dict{{{Tuple{containers}, List{}}}}}};
  EXPECT_TRUE(round_trip(nested) == nested);
}

TEST(Marshal, NanKeepsItsBits) {
  const std::uint64_t bits = 0x7ff8'dead'beef'0001;
  double nan;
  std::memcpy(&nan, &bits, sizeof nan);
  for (const Variant& value : {Variant(nan), round_trip(List{{nan, 1.0}}).as<List>().items[0]}) {
    const double back = round_trip(value).as<double>();
    EXPECT_EQ(std::memcmp(&back, &bits, sizeof bits), 0);
  }
}

TEST(Marshal, NegativeZeroKeepsItsSign) {
  EXPECT_TRUE(std::signbit(round_trip(-0.0).as<double>()));
  EXPECT_TRUE(std::signbit(round_trip(Tuple{{-0.0, 1.0}}).as<Tuple>().items[0].as<double>()));
}

TEST(Marshal, DictKeepsTheOrderOfItsKeys) {
  const Dict dict{{{"z", 1}, {"a", 2}, {3, "b"}, {nullptr, nullptr}}};
  const Variant back = round_trip(dict);
  const auto& entries = back.as<Dict>().entries;
  ASSERT_EQ(entries.size(), 4u);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_TRUE(entries[i].first == dict.entries[i].first);
    EXPECT_TRUE(entries[i].second == dict.entries[i].second);
  }
}

// The kind of union member that a value is marshalled as.
wire::Variant::Which wire_kind(const Variant& value) {
  MemoryCaps caps;
  MemoryMessage message;
  auto builder = message.init<wire::Variant>();
  marshal(value, builder, caps, {});
  return builder.which();
}

TEST(Marshal, SequencesOfOnlyIntsOrOnlyFloatsArePacked) {
  const std::vector<Variant> ints = {1, -2, 3};
  const std::vector<Variant> floats = {1.0, -2.5};
  EXPECT_EQ(wire_kind(List{ints}), wire::Variant::INTS);
  EXPECT_EQ(wire_kind(Tuple{ints}), wire::Variant::INT_TUPLE);
  EXPECT_EQ(wire_kind(List{floats}), wire::Variant::FLOATS);
  EXPECT_EQ(wire_kind(Tuple{floats}), wire::Variant::FLOAT_TUPLE);
  for (const Variant& value :
       std::vector<Variant>{List{ints}, Tuple{ints}, List{floats}, Tuple{floats}}) {
    EXPECT_TRUE(round_trip(value) == value);
  }
}

TEST(Marshal, OtherSequencesAreNotPacked) {
  EXPECT_EQ(wire_kind(List{{1}}), wire::Variant::LIST);
  EXPECT_EQ(wire_kind(List{{1, 2.0}}), wire::Variant::LIST);
  EXPECT_EQ(wire_kind(List{{1, true}}), wire::Variant::LIST);
  EXPECT_EQ(wire_kind(Tuple{{1.0, 2.0, nullptr}}), wire::Variant::TUPLE);
  EXPECT_EQ(wire_kind(Set{{1, 2}}), wire::Variant::SET);
  EXPECT_EQ(wire_kind(FrozenSet{{1, 2}}), wire::Variant::FROZEN_SET);
  const Variant mixed = List{{1, true, 2.0}};
  EXPECT_TRUE(round_trip(mixed) == mixed);
}

TEST(Marshal, ObjectsComeBackAsThemselves) {
  MemoryCaps caps;
  const ObjectPtr first = std::make_shared<NamedObject>("Counter");
  const ObjectPtr second = std::make_shared<NamedObject>("Counter");
  const Variant value = List{{first, Dict{{{"other", second}}}, first}};
  const Variant back = round_trip(value, caps);
  EXPECT_TRUE(back == value);
  EXPECT_EQ(back.as<List>().items[0].as<ObjectPtr>(), first);
  EXPECT_EQ(back.as<List>().items[2].as<ObjectPtr>(), first);
}

TEST(Marshal, ObjectOfAnotherSessionIsRefusedBeforeItIsStored) {
  class ForeignCaps final : public OutgoingCaps {
   public:
    capnp::Capability::Client object(const ObjectPtr&) override { refuse(); }
    std::array<std::uint8_t, 16> object_id(const ObjectPtr&) override { refuse(); }
    PlacedBlob blob(BlobSource) override { refuse(); }

   private:
    [[noreturn]] void refuse() { throw Error(ErrorKind::kInvalidArgument, "another session"); }
  };
  ForeignCaps caps;
  MemoryMessage message;
  const Variant value = ObjectPtr(std::make_shared<NamedObject>("Counter"));
  EXPECT_THROW(marshal(value, message.init<wire::Variant>(), caps, {}), Error);
}

Arguments round_trip_arguments(const Arguments& arguments) {
  MemoryCaps caps;
  MemoryMessage message;
  measure(arguments, {});
  marshal(arguments, message.init<wire::Arguments>(), caps, {});
  return unmarshal(message.read<wire::Arguments>(), caps);
}

TEST(Marshal, ArgumentsComeBackWithTheirNames) {
  const Arguments arguments{{1, "two", List{{3, 4}}, Dict{{{"k", 5.0}}}},
                            {"third", "vierte_\xc3\xbc"}};
  const Arguments back = round_trip_arguments(arguments);
  EXPECT_TRUE(back.values == arguments.values);
  EXPECT_EQ(back.names, arguments.names);
}

TEST(Marshal, ArgumentsMayBeNoneOrUnnamed) {
  EXPECT_TRUE(round_trip_arguments({}).values.empty());
  const Arguments back = round_trip_arguments({{1, 2}, {}});
  EXPECT_EQ(back.values.size(), 2u);
  EXPECT_TRUE(back.names.empty());
}

}  // namespace
}  // namespace cppipc::marshal_test
