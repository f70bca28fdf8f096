// SPDX-License-Identifier: Apache-2.0
#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cppipc::measure_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::NamedObject;

template <class Run>
Error error_of(Run&& run) {
  try {
    run();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kRemote, "");
}

Error refusal(const Variant& value, const MarshalLimits& limits = {}) {
  return error_of([&] { measure(value, limits); });
}

// A value with everything in it whose size matters.
Variant everything() {
  AnyArray array = make_array(DType::of<double>(), {3, 5});
  Dict dict;
  for (int i = 0; i < 20; ++i) dict.entries.emplace_back(std::string(i, 'k'), 0.5 * i);
  TimeOfDay time;
  time.utc_offset_s = 3600;
  return List{{nullptr,
               1,
               2.5,
               std::complex<double>(1, 2),
               std::string(50, 'x'),
               Bytes(std::string(77, 'y')),
               List{{1, 2, 3}},
               Tuple{{1.0, 2.0}},
               dict,
               Set{{"a"}},
               DateTime{{2024, 1, 1}, time},
               Date{2024, 1, 1},
               time,
               TimeDelta{1, 2, 3},
               Decimal{"1.5"},
               Uuid{},
               array,
               ObjectPtr(std::make_shared<NamedObject>("Counter")),
               List{},
               Dict{}}};
}

TEST(Measure, IsAnUpperBoundOfTheMessage) {
  for (const std::uint64_t inline_bytes : {0, 60, 1 << 20}) {
    const MarshalLimits limits{64 << 20, inline_bytes};
    const Variant value = everything();
    MemoryCaps caps;
    // One word more, for the pointer to the root.
    MemoryMessage message(static_cast<unsigned>(measure(value, limits) + 1));
    marshal(value, message.init<wire::Variant>(), caps, limits);
    EXPECT_EQ(message.segments(), 1u);
  }
}

TEST(Measure, IsAnUpperBoundOfTheMessageOfArguments) {
  const Arguments arguments{{everything(), 1, "x"}, {"first", "second_name"}};
  MemoryCaps caps;
  MemoryMessage message(static_cast<unsigned>(measure(arguments, {}) + 1));
  marshal(arguments, message.init<wire::Arguments>(), caps, {});
  EXPECT_EQ(message.segments(), 1u);
}

TEST(Measure, IsCloseToTheMessage) {
  EXPECT_EQ(measure(Variant(1), {}), 3u);
  List strings;
  for (int i = 0; i < 1000; ++i) strings.items.emplace_back("12345");
  EXPECT_EQ(measure(strings, {}), 3u + 1 + 1000 * (3 + 1));
  EXPECT_EQ(measure(List{{1, 2, 3, 4}}, {}), 3u + 4);
}

TEST(Measure, RefusesAMessageOverTheLimitNamingSizeAndLimit) {
  const MarshalLimits limits{1 << 20, 1 << 20, nullptr};
  List strings;
  strings.items.assign(100'000, Variant("12345"));
  const Error error = refusal(strings, limits);
  EXPECT_EQ(error.kind(), ErrorKind::kTooLarge);
  EXPECT_THAT(error.what(), testing::HasSubstr("3.1 MiB (3,200,032 bytes)"));
  EXPECT_THAT(error.what(), testing::HasSubstr("1 MiB (1,048,576 bytes)"));
}

TEST(Measure, AcceptsAMessageOfExactlyTheLimit) {
  // 3 words of the list, 1 of its tag, 3 of each item.
  List nulls;
  nulls.items.resize(10);
  EXPECT_EQ(measure(nulls, {8 * 34, 1 << 20}), 34u);
  EXPECT_EQ(refusal(nulls, {8 * 34 - 1, 1 << 20}).kind(), ErrorKind::kTooLarge);
}

TEST(Measure, DoesNotCountWhatCrossesBeside) {
  const MarshalLimits limits{1 << 10, 100};
  EXPECT_LT(measure(std::string(1 << 20, 'x'), limits), 20u);
  EXPECT_LT(measure(Bytes(std::string(1 << 20, 'x')), limits), 20u);
  EXPECT_LT(measure(make_array(DType::of<double>(), {1 << 20}), limits), 20u);
}

TEST(Measure, RefusesTextThatIsNotUtf8) {
  EXPECT_EQ(refusal("\xff").kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(Dict{{{"\xc3", 1}}}).kind(), ErrorKind::kInvalidArgument);
  const std::string surrogate = "\xed\xa0\x80";
  EXPECT_EQ(refusal(surrogate).kind(), ErrorKind::kInvalidArgument);
  const Arguments arguments{{1}, {"\xff"}};
  EXPECT_EQ(error_of([&] { measure(arguments, {}); }).kind(), ErrorKind::kInvalidArgument);
}

TEST(Measure, RefusesMoreNamesThanArguments) {
  const Arguments arguments{{1}, {"a", "b"}};
  EXPECT_EQ(error_of([&] { measure(arguments, {}); }).kind(), ErrorKind::kInvalidArgument);
}

TEST(Measure, RefusesValuesThatThePeerWouldRefuse) {
  TimeOfDay time;
  time.hour = 24;
  for (const Variant& value :
       std::vector<Variant>{Date{2023, 2, 29}, DateTime{{2023, 2, 29}, {}}, DateTime{{}, time},
                            time, TimeDelta{0, -1, 0}, Decimal{"x"}}) {
    EXPECT_EQ(refusal(value).kind(), ErrorKind::kInvalidArgument) << name_of(value.kind());
    EXPECT_EQ(refusal(Tuple{{1, value}}).kind(), ErrorKind::kInvalidArgument);
  }
}

TEST(Measure, RefusesArraysThatThePeerWouldRefuse) {
  const AnyArray good = make_array(DType::of<double>(), {2});
  AnyArray pointers = good;
  pointers.dtype = {"|O8", 'O', 8};
  AnyArray negative = good;
  negative.shape = {-2};
  AnyArray without_strides = good;
  without_strides.strides.clear();
  AnyArray without_memory = good;
  without_memory.data = nullptr;
  AnyArray huge = good;
  huge.shape = {1ll << 50};
  EXPECT_EQ(refusal(pointers).kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(negative).kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(without_strides).kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(without_memory).kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(huge).kind(), ErrorKind::kTooLarge);
}

}  // namespace
}  // namespace cppipc::measure_test
