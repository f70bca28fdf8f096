// SPDX-License-Identifier: Apache-2.0
#include "toolkits/counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "called.h"

namespace cppipc::toolkits::counter_test {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

TEST(Counter, CountsFromZeroByOne) {
  const Called called(&register_counter);
  const CalledObject counter = called.create("Counter");
  EXPECT_EQ(counter.get("value"), Variant(0));
  EXPECT_EQ(counter.call("increment"), Variant(1));
  EXPECT_EQ(counter.call("increment", {3}), Variant(4));
  EXPECT_EQ(counter.call("increment", Given({}, {{"by", -6}})), Variant(-2));
  EXPECT_EQ(counter.get("value"), Variant(-2));
}

TEST(Counter, StartsWhereItIsTold) {
  const Called called(&register_counter);
  EXPECT_EQ(called.create("Counter", Given({}, {{"start", 7}})).get("value"), Variant(7));
}

TEST(Counter, OverflowIsAnErrorAndChangesNothing) {
  const Called called(&register_counter);
  for (const auto& [start, by] : {std::pair{kMost, std::int64_t{1}}, std::pair{kLeast, kLeast}}) {
    const CalledObject counter = called.create("Counter", {start});
    const Variant step = by;
    EXPECT_THAT(refusal_of(ErrorKind::kOverflow, [&] { counter.call("increment", {step}); }),
                testing::HasSubstr("64 bits"));
    EXPECT_EQ(counter.get("value"), Variant(start));
  }
}

TEST(Counter, OnlyIntegersCount) {
  const Called called(&register_counter);
  const CalledObject counter = called.create("Counter");
  for (const Variant& by : {Variant(2.0), Variant("2"), Variant()}) {
    EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { counter.call("increment", {by}); }),
                testing::HasSubstr("by"));
  }
}

TEST(Counter, IsDescribedForHelp) {
  const Called called(&register_counter);
  const Description description = called.registry().describe("1");
  ASSERT_EQ(description.types.size(), 1u);
  const TypeDescription& type = description.types[0];
  EXPECT_EQ(type.name, "Counter");
  ASSERT_TRUE(type.constructor);
  EXPECT_EQ(type.constructor->parameters.at(0).name, "start");
  EXPECT_EQ(type.constructor->parameters.at(0).default_value, Variant(0));
  EXPECT_EQ(type.methods.at(0).parameters.at(0).default_value, Variant(1));
  EXPECT_FALSE(type.properties.at(0).is_writable);
}

}  // namespace
}  // namespace cppipc::toolkits::counter_test
