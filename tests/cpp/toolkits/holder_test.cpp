// SPDX-License-Identifier: Apache-2.0
#include "toolkits/holder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "called.h"
#include "toolkits/diagnostics.h"

namespace cppipc::toolkits::holder_test {
namespace {

using testing::HasSubstr;

class HolderTest : public testing::Test {
 protected:
  const Called called_{&register_holder};
  const CalledObject holder_ = called_.create("Holder");
};

TEST_F(HolderTest, HoldsGivesAndDrops) {
  EXPECT_EQ(holder_.call("hold", {"one"}), Variant(1));
  EXPECT_EQ(holder_.call("hold", {"two"}), Variant(2));
  EXPECT_EQ(holder_.call("get", {1}), Variant("one"));
  holder_.call("drop", {1});
  EXPECT_EQ(holder_.call("hold", {"three"}), Variant(3));
  for (const char* method : {"get", "drop"}) {
    EXPECT_THAT(refusal_of(ErrorKind::kOutOfRange, [&] { holder_.call(method, {1}); }),
                HasSubstr("held as 1"));
  }
}

TEST_F(HolderTest, KeepsTheVeryMemory) {
  const AnyArray array = array_of<double>({1, 2});
  holder_.call("hold", {array});
  EXPECT_EQ(holder_.call("get", {1}).as_array().data, array.data);
}

TEST_F(HolderTest, PeeksIntoMemory) {
  holder_.call("hold", {"text"});
  holder_.call("hold", {Bytes("bytes")});
  holder_.call("hold", {array_of<std::uint8_t>({1, 2, 3})});
  EXPECT_EQ(holder_.call("peek", {1, 1, 2}), Variant(Bytes("ex")));
  EXPECT_EQ(holder_.call("peek", {2, 0, 5}), Variant(Bytes("bytes")));
  EXPECT_EQ(holder_.call("peek", {3, 2, 1}), Variant(Bytes("\x03")));
  EXPECT_EQ(holder_.call("peek", {3, 3, 0}), Variant(Bytes("")));
}

TEST_F(HolderTest, PokesIntoWritableArrays) {
  holder_.call("hold", {array_of<std::uint8_t>({1, 2, 3})});
  holder_.call("poke", {1, 1, Bytes("AB")});
  holder_.call("poke", {1, 3, Bytes("")});
  EXPECT_EQ(holder_.call("peek", {1, 0, 3}), Variant(Bytes("\x01"
                                                           "AB")));
}

TEST_F(HolderTest, RangesAreChecked) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  holder_.call("hold", {array_of<std::uint8_t>({1, 2, 3})});
  const std::vector<std::pair<std::int64_t, std::int64_t>> ranges{
      {-1, 1}, {0, 4}, {3, 1}, {4, 0}, {0, -1}, {1, kMost}, {kMost, kMost}};
  for (const auto& [offset, n] : ranges) {
    const Given given{1, offset, n};
    refusal_of(ErrorKind::kOutOfRange, [&] { holder_.call("peek", given); });
  }
  refusal_of(ErrorKind::kOutOfRange, [&] { holder_.call("poke", {1, 2, Bytes("ab")}); });
}

TEST_F(HolderTest, WhatHasNoMemoryToSeeIsRefused) {
  holder_.call("hold", {5});
  holder_.call("hold", {Bytes("ab")});
  AnyArray read_only = array_of<std::uint8_t>({1});
  read_only.is_readonly = true;
  holder_.call("hold", {read_only});
  AnyArray strided = array_of<std::uint8_t>({1, 2, 3});
  strided.shape = {2};
  strided.strides = {2};
  holder_.call("hold", {strided});
  refusal_of(ErrorKind::kWrongType, [&] { holder_.call("peek", {1, 0, 1}); });
  refusal_of(ErrorKind::kWrongType, [&] { holder_.call("poke", {2, 0, Bytes("x")}); });
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [&] {
                           holder_.call("poke", {3, 0, Bytes("x")});
                         }),
              HasSubstr("read-only"));
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [&] {
                           holder_.call("peek", {4, 0, 1});
                         }),
              HasSubstr("gaps"));
}

}  // namespace
}  // namespace cppipc::toolkits::holder_test
