// SPDX-License-Identifier: Apache-2.0
#include "toolkits/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "called.h"
#include "toolkits/diagnostics.h"

namespace cppipc::toolkits::probe_test {
namespace {

class ProbeTest : public testing::Test {
 protected:
  CalledObject probe(std::int64_t value) const { return called_.create("Probe", {value}); }

  const Called called_{&register_probe};
};

TEST_F(ProbeTest, ValueIsReadAndWritten) {
  const CalledObject one = called_.create("Probe");
  EXPECT_EQ(one.get("value"), Variant(0));
  one.set("value", 5);
  EXPECT_EQ(one.call("add", {-2}), Variant(3));
  EXPECT_EQ(one.get("value"), Variant(3));
}

TEST_F(ProbeTest, AddFromAndSwapUseTheOtherObject) {
  const CalledObject one = probe(1);
  const CalledObject two = probe(2);
  EXPECT_EQ(one.call("add_from", {two.reference()}), Variant(3));
  EXPECT_EQ(one.call("swap", {two.reference()}), Variant());
  EXPECT_EQ(one.get("value"), Variant(2));
  EXPECT_EQ(two.get("value"), Variant(3));
  EXPECT_EQ(one.call("add_from", {one.reference()}), Variant(4));
  EXPECT_EQ(one.call("swap", {one.reference()}), Variant());
  EXPECT_EQ(one.get("value"), Variant(4));
}

TEST_F(ProbeTest, NoneAndOtherValuesAreRefused) {
  const CalledObject one = probe(1);
  for (const char* method : {"add_from", "swap"}) {
    refusal_of(ErrorKind::kWrongType, [&] { one.call(method, {nullptr}); });
    refusal_of(ErrorKind::kWrongType, [&] { one.call(method, {5}); });
  }
}

TEST_F(ProbeTest, ItselfIsTheSameObjectAndPlusANewOne) {
  const CalledObject one = probe(1);
  EXPECT_EQ(called_.object(one.call("itself")).instance(), one.instance());
  const CalledObject sum = called_.object(one.call("plus", {4}));
  EXPECT_NE(sum.instance(), one.instance());
  EXPECT_EQ(sum.get("value"), Variant(5));
}

TEST_F(ProbeTest, ManyAreNew) {
  const Variant probes = probe(10).call("many", {3});
  ASSERT_EQ(probes.as<List>().items.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(called_.object(probes.as<List>().items[i]).get("value"), Variant(10 + i));
  }
  EXPECT_EQ(probe(0).call("many", {0}), Variant(List{}));
  for (const std::int64_t n : {std::int64_t{-1}, std::int64_t{1'000'001}}) {
    refusal_of(ErrorKind::kInvalidArgument, [&] { probe(0).call("many", {n}); });
  }
}

TEST_F(ProbeTest, TreeNestsReferences) {
  const CalledObject one = probe(1);
  const Variant tree = one.call("tree");
  EXPECT_EQ(called_.object(at(tree, "a")).instance(), one.instance());
  const List& branch = at(tree, "b").as<List>();
  ASSERT_EQ(branch.items.size(), 2u);
  EXPECT_EQ(called_.object(branch.items[0]).instance(), one.instance());
  EXPECT_EQ(called_.object(branch.items[1]).get("value"), Variant(2));
}

TEST_F(ProbeTest, OverflowIsAnError) {
  const CalledObject most = probe(std::numeric_limits<std::int64_t>::max());
  refusal_of(ErrorKind::kOverflow, [&] { most.call("add", {1}); });
  refusal_of(ErrorKind::kOverflow, [&] { most.call("plus", {1}); });
  EXPECT_EQ(most.get("value"), Variant(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace
}  // namespace cppipc::toolkits::probe_test
