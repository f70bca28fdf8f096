// SPDX-License-Identifier: Apache-2.0
// What a ValueWriter lays out by hand is read back with Cap'n Proto, as any peer would read it.
#include <cppipc/value_writer.h>

#include "support/memory_caps.h"
#include "wire/attach.h"
#include "wire/marshal.h"

#include <gtest/gtest.h>

#include <limits>

namespace cppipc::value_writer_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::NamedObject;

const MarshalLimits kNoLimits{1 << 30, 1 << 28, nullptr};

// Attached to a message whose first segment has so many words, sent and unmarshalled.
Arguments sent(const ValueWriter& written, MemoryCaps& caps, unsigned first_segment_words = 64) {
  MemoryMessage message(first_segment_words);
  auto params = message.init<wire::Session::RunParams>();
  params.setFunction("some function");
  attach(written, kj::mv(params), 2, caps);
  return unmarshal(message.read<wire::Session::RunParams>().getArguments(), caps);
}

Variant round_trip(const Variant& value, const MarshalLimits& limits = {}) {
  MemoryCaps caps;
  Arguments arguments;
  arguments.values.push_back(value);
  return sent(write(arguments, limits), caps).values.at(0);
}

AnyArray numbers_of(std::vector<std::int64_t> shape) {
  AnyArray array = make_array(DType::of<double>(), std::move(shape));
  auto* out = reinterpret_cast<double*>(array.data);
  for (std::int64_t i = 0; i < array.size(); ++i) out[i] = static_cast<double>(i) / 3;
  return array;
}

std::vector<Variant> leaves() {
  const TimeOfDay time{23, 59, 58, 999'999, 1, -3600};
  return {
      Variant(),
      true,
      false,
      -1,
      std::numeric_limits<std::int64_t>::min(),
      -0.5,
      std::complex<double>(1.5, -2.5),
      "",
      "1234567",
      "12345678",
      std::string("a\0b", 3),
      "\xc3\xa4\xe2\x82\xac",
      Bytes(std::string_view("")),
      Bytes(std::string_view("\xff\0\x01", 3)),
      Date{2026, 2, 28},
      TimeOfDay{1, 2, 3, 4, 0, std::nullopt},
      time,
      DateTime{{1, 1, 1}, {}},
      DateTime{{9999, 12, 31}, time},
      TimeDelta{-5, 86'399, 999'999},
      Decimal{"-1.20E+5"},
      EnumMember{"app.Color", "red"},
      Uuid{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}},
      numbers_of({}),
      numbers_of({0}),
      numbers_of({3, 5}),
  };
}

TEST(ValueWriter, EveryKindOfLeafIsWhatCapnProtoReads) {
  for (const Variant& leaf : leaves()) {
    EXPECT_EQ(round_trip(leaf), leaf) << name_of(leaf.kind());
  }
}

TEST(ValueWriter, EveryKindOfContainerIsWhatCapnProtoReads) {
  const std::vector<Variant> mixed = leaves();
  const std::vector<Variant> ints = {1, -2, 3};
  const std::vector<Variant> floats = {1.5, -2.5};
  Dict dict;
  for (const Variant& leaf : mixed) dict.entries.emplace_back(leaf, List{{leaf, 1}});
  for (const auto& items : {std::vector<Variant>{}, std::vector<Variant>{7}, ints, floats, mixed}) {
    EXPECT_EQ(round_trip(List{items}), Variant(List{items}));
    EXPECT_EQ(round_trip(Tuple{items}), Variant(Tuple{items}));
    EXPECT_EQ(round_trip(Set{items}), Variant(Set{items}));
    EXPECT_EQ(round_trip(FrozenSet{items}), Variant(FrozenSet{items}));
  }
  EXPECT_EQ(round_trip(dict), Variant(dict));
  EXPECT_EQ(round_trip(Dict{}), Variant(Dict{}));
}

TEST(ValueWriter, ArraysKeepOrderAndFlavor) {
  AnyArray fortran = numbers_of({3, 5});
  fortran.shape = {5, 3};
  fortran.strides = {8, 40};
  fortran.flavor = ArrayFlavor::kBuffer;
  for (const std::uint64_t inline_bytes : {std::uint64_t{1} << 20, std::uint64_t{16}}) {
    const Variant back = round_trip(fortran, {64 << 20, inline_bytes});
    EXPECT_EQ(back, Variant(fortran));
    EXPECT_TRUE(back.as_array().is_f_contiguous());
    EXPECT_EQ(back.as_array().flavor, ArrayFlavor::kBuffer);
    AnyArray strided = fortran;
    strided.shape = {3, 3};
    strided.strides = {16, 40};
    EXPECT_EQ(round_trip(strided, {64 << 20, inline_bytes}), Variant(strided));
  }
}

TEST(ValueWriter, BulkGoesBesideTheMessageAndSharesItsOwner) {
  const auto memory = std::make_shared<std::string>(1000, 'x');
  const Bytes bytes(std::as_bytes(std::span(*memory)), memory);
  Arguments arguments;
  arguments.values = {bytes, std::string(1000, 'y'), numbers_of({200}),
                      Bytes(std::string(17, 'z'))};
  const ValueWriter written = write(arguments, {64 << 20, 16});
  EXPECT_LT(written.words().size(), 100u);
  ASSERT_EQ(written.attachments().size(), 4u);
  EXPECT_EQ(written.attachments()[0].bulk.view().data(), memory->data());
  MemoryCaps caps;
  EXPECT_EQ(sent(written, caps).values, arguments.values);
  EXPECT_EQ(caps.blobs_sent, 4);
}

TEST(ValueWriter, ObjectsComeBackByTheirNumbers) {
  const ObjectPtr one = std::make_shared<NamedObject>("One");
  const ObjectPtr two = std::make_shared<NamedObject>("AnotherType");
  Arguments arguments;
  arguments.values = {one, List{{two, one, Bytes(std::string(50, 'x'))}}, two};
  MemoryCaps caps;
  EXPECT_EQ(sent(write(arguments, {64 << 20, 16}), caps).values, arguments.values);
}

TEST(ValueWriter, NamesArriveInTheirOrder) {
  Arguments arguments;
  arguments.values = {1, 2, 3};
  arguments.names = {"second", ""};
  MemoryCaps caps;
  const Arguments back = sent(write(arguments, {}), caps);
  EXPECT_EQ(back.values, arguments.values);
  EXPECT_EQ(back.names, arguments.names);
  arguments.names = {"\xff"};
  EXPECT_THROW(write(arguments, {}), Error);
  arguments.names = {"a", "b", "c", "d"};
  EXPECT_THROW(write(arguments, {}), Error);
}

TEST(ValueWriter, WhatIsLongerThanASegmentGoesIntoOneOfItsOwn) {
  List list;
  for (int i = 0; i < 5000; ++i) list.items.push_back(std::to_string(i));
  Arguments arguments;
  arguments.values = {list, ObjectPtr(std::make_shared<NamedObject>("Thing"))};
  for (const unsigned words : {8u, 64u, 1u << 20}) {
    MemoryCaps caps;
    EXPECT_EQ(sent(write(arguments, {}), caps, words).values, arguments.values);
  }
}

TEST(ValueWriter, OneValueCanBeAttachedAlone) {
  MemoryMessage message;
  MemoryCaps caps;
  const Variant value = Dict{{{"key", List{{1, "two", 3.0}}}}};
  auto outcome = message.init<wire::Outcome>();
  outcome.initValue();
  attach(write(value, {}), kj::mv(outcome), 0, caps);
  const auto read = message.read<wire::Outcome>();
  ASSERT_TRUE(read.isValue());
  EXPECT_EQ(unmarshal(read.getValue(), caps), value);
}

TEST(ValueWriter, PackedNumbersCanBeTakenBack) {
  ValueWriter writer;
  const ValueWriter::Place place = writer.begin(2);
  writer.put_numbers(place, ValueWriter::Numbers::kInts, 1000);
  writer.take_back_numbers(place, 1000);
  const std::size_t words = writer.words().size();
  const ValueWriter::Place first = writer.put_sequence(place, ValueWriter::Sequence::kTuple, 2);
  EXPECT_EQ(first, words + 1);
  writer.put_text(first, "text");
  MemoryCaps caps;
  EXPECT_EQ(sent(writer, caps).values,
            (std::vector<Variant>{Tuple{{"text", Variant()}}, Variant()}));
}

Error refusal(const Variant& value, const MarshalLimits& limits = {}) {
  try {
    write(value, limits);
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("it was not refused");
}

TEST(ValueWriter, TakesNotMoreWordsThanMeasured) {
  for (const Variant& leaf : leaves()) {
    const Variant value = List{{leaf, Dict{{{"k", leaf}}}, "x"}};
    const std::uint64_t measured = measure(value, kNoLimits);
    EXPECT_LE(write(value, kNoLimits).words().size(), measured + 1) << name_of(leaf.kind());
  }
}

TEST(ValueWriter, TheLimitIsExact) {
  const Variant value = List{{"text", 1}};
  const std::uint64_t bytes = 8 * (write(value, kNoLimits).words().size() - 1);
  EXPECT_NO_THROW(write(value, {bytes, 100}));
  EXPECT_EQ(refusal(value, {bytes - 1, 100}).kind(), ErrorKind::kTooLarge);
}

TEST(ValueWriter, BulkOfMiddlingSizeGoesBesideOnceHalfOfTheMessageIsUsed) {
  List list;
  for (int i = 0; i < 100; ++i) {
    list.items.push_back(std::string(10'000, 'x'));
    list.items.push_back(Bytes(std::string(10'000, 'y')));
    list.items.push_back(numbers_of({1250}));
    list.items.push_back(std::string(100, 'z'));  // small enough for any room
  }
  const Arguments arguments{{Variant(list)}, {}};
  const ValueWriter written = write(arguments, {1 << 20, 1 << 19});
  EXPECT_LT(8 * written.words().size(), std::size_t{1} << 20);
  EXPECT_GT(8 * written.words().size(), std::size_t{1} << 19);
  MemoryCaps caps;
  EXPECT_EQ(sent(written, caps).values, arguments.values);
  EXPECT_GT(caps.blobs_sent, 200);
}

TEST(ValueWriter, TooLargeTellsSizeAndLimit) {
  List list;
  for (int i = 0; i < 20'000; ++i) list.items.push_back(std::string(100, 'x'));
  const std::uint64_t bytes = 8 * (write(list, kNoLimits).words().size() - 1);
  const Error error = refusal(list, {1 << 20, 1 << 20, nullptr});
  EXPECT_EQ(error.kind(), ErrorKind::kTooLarge);
  std::string size = std::to_string(bytes);
  size.insert(size.size() - 3, 1, ',').insert(size.size() - 7, 1, ',');
  EXPECT_NE(std::string(error.what()).find(size + " bytes"), std::string::npos) << error.what();
  EXPECT_NE(std::string(error.what()).find("limit of 1 MiB"), std::string::npos) << error.what();
}

TEST(ValueWriter, CountsThatCannotBeAreRefusedBeforeMemoryIsTaken) {
  for (const std::size_t count : {std::size_t{1} << 40, ~std::size_t{0}, ~std::size_t{0} / 3}) {
    ValueWriter writer;
    const ValueWriter::Place place = writer.begin(1);
    EXPECT_THROW(writer.put_sequence(place, ValueWriter::Sequence::kList, count), Error);
    EXPECT_THROW(writer.put_numbers(place, ValueWriter::Numbers::kInts, count), Error);
  }
}

TEST(ValueWriter, RefusesWhatNoPeerWouldTake) {
  AnyArray without_memory = numbers_of({3});
  without_memory.data = nullptr;
  AnyArray pointers = numbers_of({3});
  pointers.dtype.text = "|O";
  for (const Variant& value :
       {Variant("\xff"), Variant(Date{2026, 2, 29}), Variant(Decimal{"x"}),
        Variant(DateTime{{2026, 1, 1}, {24, 0, 0, 0, 0, {}}}), Variant(TimeDelta{0, 86'400, 0}),
        Variant(TimeOfDay{0, 60, 0, 0, 0, {}}), Variant(without_memory), Variant(pointers)}) {
    EXPECT_EQ(refusal(List{{1, value}}).kind(), ErrorKind::kInvalidArgument)
        << name_of(value.kind());
  }
}

TEST(ValueWriter, DepthIsLimited) {
  Variant value;
  for (int i = 0; i < kDepthMax; ++i) value = List{{std::move(value)}};
  EXPECT_EQ(round_trip(value), value);
  EXPECT_EQ(refusal(Tuple{{value}}).kind(), ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace cppipc::value_writer_test
