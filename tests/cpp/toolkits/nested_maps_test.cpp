// SPDX-License-Identifier: Apache-2.0
// Maps inside maps: none comes to contain itself, and all of them are dropped in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "called.h"
#include "toolkits/variant_map.h"

namespace cppipc::toolkits::nested_maps_test {
namespace {

using testing::HasSubstr;

class NestedMapsTest : public testing::Test {
 protected:
  CalledObject make() const { return called_.create("VariantMap"); }
  // Whether `outer` may get `value`; if not, it must be because of a cycle.
  static bool is_taken(const CalledObject& outer, const Variant& key, const Variant& value) {
    try {
      outer.call("__setitem__", {key, value});
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr("cannot contain itself"));
      return false;
    }
  }
  static std::weak_ptr<void> watch(const CalledObject& map) {
    return dynamic_cast<const LocalObject&>(*map.reference().as<ObjectPtr>()).instance();
  }

  const Called called_{&register_variant_map};
};

TEST_F(NestedMapsTest, AMapCannotContainItself) {
  const CalledObject map = make();
  const Variant self = map.reference();
  EXPECT_FALSE(is_taken(map, "x", self));
  EXPECT_FALSE(is_taken(map, self, "x"));
  EXPECT_FALSE(is_taken(map, "x", List{{1, Dict{{{Tuple{{self}}, 2}}}}}));
  EXPECT_FALSE(is_taken(map, "x", Dict{{{1, Set{{self}}}}}));
  EXPECT_FALSE(is_taken(map, Tuple{{FrozenSet{{self}}}}, "x"));
  EXPECT_EQ(map.call("copy"), Variant(Dict{}));
}

TEST_F(NestedMapsTest, ThroughOthersNeither) {
  const CalledObject a = make();
  const CalledObject b = make();
  const CalledObject c = make();
  EXPECT_TRUE(is_taken(a, "b", b.reference()));
  EXPECT_TRUE(is_taken(b, "c", List{{c.reference()}}));
  EXPECT_FALSE(is_taken(c, "a", a.reference()));
  EXPECT_FALSE(is_taken(c, "b", b.reference()));
  EXPECT_TRUE(is_taken(a, "c", c.reference()));  // twice inside is no cycle
  EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                         [&] {
                           c.call("setdefault", {"a", a.reference()});
                         }),
              HasSubstr("cannot contain itself"));
  EXPECT_EQ(c.call("copy"), Variant(Dict{}));
}

TEST_F(NestedMapsTest, WhatWasRemovedIsNoLongerInside) {
  const CalledObject a = make();
  const CalledObject b = make();
  const auto remove = {
      +[](const CalledObject& map) { map.call("__delitem__", {"x"}); },
      +[](const CalledObject& map) { map.call("pop", {"x"}); },
      +[](const CalledObject& map) { map.call("popitem"); },
      +[](const CalledObject& map) { map.call("clear"); },
      +[](const CalledObject& map) {
        map.call("__setitem__", {"x", 1});
      },
      +[](const CalledObject& map) {
        map.call("update", {Dict{{{"x", List{}}}}});
      },
  };
  int i = 0;
  for (const auto& way : remove) {
    ASSERT_TRUE(is_taken(a, "x", Tuple{{b.reference(), b.reference()}})) << i;
    ASSERT_FALSE(is_taken(b, "x", a.reference())) << i;
    way(a);
    ASSERT_TRUE(is_taken(b, "x", a.reference())) << i;
    ASSERT_FALSE(is_taken(a, "y", b.reference())) << i++;
    b.call("clear");
    a.call("clear");
  }
}

TEST_F(NestedMapsTest, ADroppedMapIsNoLongerAround) {
  const CalledObject inner = make();
  {
    const CalledObject outer = make();
    ASSERT_TRUE(is_taken(outer, "x", inner.reference()));
  }
  const CalledObject other = make();
  EXPECT_TRUE(is_taken(inner, "x", other.reference()));
  EXPECT_FALSE(is_taken(other, "x", inner.reference()));
}

TEST_F(NestedMapsTest, ALongChainIsDroppedAtOnce) {
  constexpr int kMaps = 60'000;
  std::weak_ptr<void> first;
  std::weak_ptr<void> middle;
  {
    std::optional<CalledObject> outermost(make());
    first = watch(*outermost);
    for (int i = 0; i < kMaps; ++i) {
      const CalledObject next = make();
      next.call("__setitem__", {"inner", outermost->reference()});
      outermost.emplace(next);
      if (i == kMaps / 2) middle = watch(*outermost);
    }
    EXPECT_FALSE(first.expired());
  }
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(middle.expired());
}

TEST_F(NestedMapsTest, ThreadsThatPutMapsIntoEachOtherMakeNoCycle) {
  constexpr int kRounds = 500;
  for (int round = 0; round < kRounds; ++round) {
    const CalledObject a = make();
    const CalledObject b = make();
    bool is_in_a = false;
    bool is_in_b = false;
    {
      std::jthread one([&] { is_in_a = is_taken(a, "x", b.reference()); });
      std::jthread two([&] { is_in_b = is_taken(b, "x", a.reference()); });
    }
    ASSERT_NE(is_in_a, is_in_b) << round;
  }
}

}  // namespace
}  // namespace cppipc::toolkits::nested_maps_test
