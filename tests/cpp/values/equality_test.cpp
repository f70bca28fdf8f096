// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "values/calling.h"

namespace cppipc::equality_test {
namespace {

using test::refusal;
using test::row_of;

Dict dict_of(std::vector<std::pair<Variant, Variant>> entries) { return {std::move(entries)}; }

Variant nested(int depth, Variant innermost) {
  Variant value = std::move(innermost);
  for (int i = 0; i < depth; ++i) {
    List outer;
    outer.items.push_back(std::move(value));
    value = std::move(outer);
  }
  return value;
}

Variant nested_set(int depth) {
  Variant value = 1;
  for (int i = 0; i < depth; ++i) {
    FrozenSet outer;
    outer.items.push_back(std::move(value));
    value = std::move(outer);
  }
  return value;
}

TEST(Equality, TellsKindsApart) {
  EXPECT_FALSE(Variant(1) == Variant(1.0));
  EXPECT_FALSE(Variant(1) == Variant(true));
  EXPECT_FALSE(Variant("a") == Variant(Bytes("a")));
  EXPECT_FALSE(Variant(List{{1}}) == Variant(Tuple{{1}}));
  EXPECT_FALSE(Variant(Set{{1}}) == Variant(FrozenSet{{1}}));
  EXPECT_FALSE(Variant() == Variant(false));
}

TEST(Equality, ComparesFloatsAsNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Variant(0.0), Variant(-0.0));
  EXPECT_FALSE(Variant(nan) == Variant(nan));
  EXPECT_FALSE(Variant(List{{nan}}) == Variant(List{{nan}}));
}

TEST(Equality, ComparesSequencesInOrder) {
  EXPECT_EQ(List({{1, "a"}}), List({{1, "a"}}));
  EXPECT_FALSE(List({{1, 2}}) == List({{2, 1}}));
  EXPECT_FALSE(Tuple({{1, 2}}) == Tuple({{1}}));
}

TEST(Equality, IgnoresTheOrderOfSets) {
  EXPECT_EQ(Set({{1, 2, "x"}}), Set({{"x", 1, 2}}));
  EXPECT_FALSE(Set({{1, 2}}) == Set({{1, 3}}));
  EXPECT_FALSE(Set({{1, 1, 2}}) == Set({{1, 2, 2}}));
}

TEST(Equality, IgnoresTheOrderOfDicts) {
  EXPECT_EQ(dict_of({{"a", 1}, {2, List{{3}}}}), dict_of({{2, List{{3}}}, {"a", 1}}));
  EXPECT_FALSE(dict_of({{"a", 1}, {"b", 2}}) == dict_of({{"a", 2}, {"b", 1}}));
  EXPECT_FALSE(dict_of({{"a", 1}}) == dict_of({{"a", 1}, {"b", 1}}));
}

TEST(Equality, FindsKeysOfEveryKind) {
  const std::vector<Variant> keys = {1,
                                     true,
                                     2.5,
                                     std::complex<double>(1, 2),
                                     "text",
                                     Bytes("raw"),
                                     Tuple{{1, Tuple{{2}}}},
                                     FrozenSet{{1, FrozenSet{{2, 3}}}},
                                     DateTime{{2020, 2, 29}, {1, 2, 3, 4, 0, 3600}},
                                     Date{2020, 2, 29},
                                     TimeOfDay{1, 2, 3, 4, 0, {}},
                                     TimeDelta{1, 2, 3},
                                     Decimal{"1.5"},
                                     Uuid{{1, 2, 3}},
                                     test::scalar_of<float>(1.5f),
                                     Variant()};
  Dict forwards;
  Dict backwards;
  for (const Variant& key : keys) forwards.entries.emplace_back(key, 1);
  for (const Variant& key : keys) backwards.entries.emplace(backwards.entries.begin(), key, 1);
  EXPECT_EQ(forwards, backwards);
  backwards.entries[3].second = 2;
  EXPECT_FALSE(forwards == backwards);
}

TEST(Equality, MatchesLargeSetsWithoutComparingEachWithEach) {
  constexpr int kCount = 50'000;  // each with each would take minutes
  Set a;
  Set b;
  for (int i = 0; i < kCount; ++i) {
    a.items.push_back(Tuple{{i, "x"}});
    b.items.push_back(Tuple{{kCount - 1 - i, "x"}});
  }
  EXPECT_TRUE(a == b);
  b.items[17] = Tuple{{-1, "x"}};
  EXPECT_FALSE(a == b);
}

TEST(Equality, MatchesLargeDictsWithoutComparingEachWithEach) {
  constexpr int kCount = 50'000;
  Dict a;
  Dict b;
  for (int i = 0; i < kCount; ++i) {
    a.entries.emplace_back(std::to_string(i), i);
    b.entries.emplace_back(std::to_string(kCount - 1 - i), kCount - 1 - i);
  }
  EXPECT_TRUE(a == b);
  b.entries[17].second = -1;
  EXPECT_FALSE(a == b);
}

TEST(Equality, ComparesValuesNestedDeep) {
  constexpr int kDeep = 50'000;
  EXPECT_TRUE(nested(kDeep, 1) == nested(kDeep, 1));
  EXPECT_FALSE(nested(kDeep, 1) == nested(kDeep, 2));
  EXPECT_FALSE(nested(kDeep, 1) == nested(kDeep - 1, 1));
}

TEST(Equality, RefusesSetsNestedDeeperThanAThousand) {
  EXPECT_TRUE(nested_set(900) == nested_set(900));
  EXPECT_EQ(refusal([] { (void)(nested_set(5000) == nested_set(5000)); }),
            "invalidArgument: sets or keys nest deeper than 1000 levels");
}

TEST(Equality, ComparesArraysBitwise) {
  EXPECT_EQ(Variant(row_of<double>({1, 2})), Variant(row_of<double>({1, 2})));
  EXPECT_FALSE(Variant(row_of<double>({1, 2})) == Variant(row_of<double>({1, 3})));
}

TEST(Equality, ComparesDatesFieldByField) {
  const DateTime naive{{2020, 1, 2}, {3, 4, 5, 6, 0, {}}};
  DateTime aware = naive;
  aware.time.utc_offset_s = 0;
  EXPECT_EQ(Variant(naive), Variant(naive));
  EXPECT_FALSE(Variant(naive) == Variant(aware));
  EXPECT_FALSE(Variant(Decimal{"1.0"}) == Variant(Decimal{"1.00"}));
}

}  // namespace
}  // namespace cppipc::equality_test
