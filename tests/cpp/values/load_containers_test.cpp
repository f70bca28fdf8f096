// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::load_containers_test {
namespace {

using test::array_of;
using test::refusal;
using test::row_of;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

Variant dict_of(std::vector<std::pair<Variant, Variant>> entries) {
  return Dict{std::move(entries)};
}

TEST(VectorParameter, TakesListsAndTuples) {
  EXPECT_EQ(from_variant<std::vector<int>>(List{{1, 2}}), (std::vector<int>{1, 2}));
  EXPECT_EQ(from_variant<std::vector<int>>(Tuple{{1, true}}), (std::vector<int>{1, 1}));
  EXPECT_EQ(from_variant<std::vector<std::string>>(List{{"a", "b"}}),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(from_variant<std::vector<double>>(List{}).empty());
}

TEST(VectorParameter, NamesThePositionOfAWrongItem) {
  EXPECT_EQ(refused<std::vector<int>>(List{{1, 2, 3, "x"}}),
            "wrongType: value[3]: expected int, got str");
  EXPECT_EQ(refused<std::vector<std::vector<int>>>(List{{List{{1}}, List{{2, 2.5}}}}),
            "wrongType: value[1][1]: expected int, got float");
}

TEST(VectorParameter, RefusesNestedListsSetsAndText) {
  EXPECT_EQ(refused<std::vector<double>>(List{{List{{1.0}}}}),
            "wrongType: value[0]: expected float, got list");
  EXPECT_EQ(refused<std::vector<int>>(Set{{1}}), "wrongType: value: expected list[int], got set");
  EXPECT_EQ(refused<std::vector<std::string>>("abc"),
            "wrongType: value: expected list[str], got str");
  EXPECT_EQ(refused<std::vector<int>>(Bytes("abc")),
            "wrongType: value: expected list[int], got bytes");
}

TEST(VectorParameter, TakesArraysOfOneDimensionThatCastSafely) {
  EXPECT_EQ(from_variant<std::vector<double>>(row_of<std::int32_t>({1, 2})),
            (std::vector<double>{1.0, 2.0}));
  EXPECT_EQ(from_variant<std::vector<std::int64_t>>(row_of<std::uint8_t>({200})),
            (std::vector<std::int64_t>{200}));
  EXPECT_EQ(from_variant<std::vector<bool>>(row_of<bool>({true, false})),
            (std::vector<bool>{true, false}));
  EXPECT_EQ(from_variant<std::vector<float>>(row_of<float>({})), std::vector<float>{});
}

TEST(VectorParameter, RefusesArraysThatCastWithLossOrHaveAnotherShape) {
  EXPECT_EQ(refused<std::vector<std::int32_t>>(row_of<std::int64_t>({1})),
            "wrongType: value: expected list[int], got ndarray[int64]");
  EXPECT_EQ(refused<std::vector<float>>(row_of<double>({1})),
            "wrongType: value: expected list[float], got ndarray[float64]");
  EXPECT_EQ(refused<std::vector<int>>(row_of<float>({1})),
            "wrongType: value: expected list[int], got ndarray[float32]");
  EXPECT_EQ(refused<std::vector<double>>(array_of<double>({1, 2}, {1, 2})),
            "wrongType: value: expected list[float], got ndarray[float64] of shape (1, 2)");
  EXPECT_EQ(refused<std::vector<std::string>>(row_of<double>({1})),
            "wrongType: value: expected list[str], got ndarray[float64]");
}

TEST(VectorResult, IsAList) {
  EXPECT_EQ(to_variant(std::vector<std::uint8_t>{1, 2}), Variant(List{{1, 2}}));
  EXPECT_EQ(to_variant(std::vector<bool>{true}), Variant(List{{true}}));
  EXPECT_EQ(to_variant(std::vector<std::vector<double>>{{1.5}, {}}),
            Variant(List{{List{{1.5}}, List{}}}));
  EXPECT_EQ(refusal([] {
              to_variant(std::vector<std::string>{"ok", "\xff"});
            }),
            "remote: value[1]: text that is not UTF-8 (byte 0xff at 0); return bytes instead");
}

TEST(ListAndDequeParameter, FollowTheRulesOfVectors) {
  EXPECT_EQ(from_variant<std::list<int>>(Tuple{{1, 2}}), (std::list<int>{1, 2}));
  EXPECT_EQ(from_variant<std::deque<double>>(row_of<float>({1, 2})),
            (std::deque<double>{1.0, 2.0}));
  EXPECT_EQ(to_variant(std::list<std::string>{"a"}), Variant(List{{"a"}}));
  EXPECT_EQ(refused<std::deque<int>>(List{{1, "x"}}), "wrongType: value[1]: expected int, got str");
}

TEST(StdArrayParameter, HasAFixedLength) {
  using Three = std::array<int, 3>;
  EXPECT_EQ(from_variant<Three>(List{{1, 2, 3}}), (Three{1, 2, 3}));
  EXPECT_EQ(from_variant<Three>(row_of<std::int16_t>({1, 2, 3})), (Three{1, 2, 3}));
  EXPECT_EQ(refused<Three>(List{{1, 2}}), "wrongType: value: expected list[int] of 3 items, got 2");
  EXPECT_EQ(refused<Three>(row_of<std::int16_t>({1, 2})),
            "wrongType: value: expected 3 items, got 2");
  EXPECT_EQ(to_variant(std::array<double, 2>{1, 2}), Variant(List{{1.0, 2.0}}));
  EXPECT_TRUE((from_variant<std::array<int, 0>>(List{}).empty()));
}

TEST(SetParameter, TakesSetsListsTuplesAndRows) {
  EXPECT_EQ(from_variant<std::set<int>>(Set{{2, 1}}), (std::set<int>{1, 2}));
  EXPECT_EQ(from_variant<std::unordered_set<std::string>>(FrozenSet{{"a"}}),
            (std::unordered_set<std::string>{"a"}));
  EXPECT_EQ(from_variant<std::set<int>>(List{{2, 1, 2}}), (std::set<int>{1, 2}));
  EXPECT_EQ(from_variant<std::set<int>>(Tuple{{3}}), (std::set<int>{3}));
  EXPECT_EQ(from_variant<std::set<double>>(row_of<std::int32_t>({1, 1})), (std::set<double>{1}));
  EXPECT_EQ(refused<std::set<int>>(List{{1, "x"}}), "wrongType: value[1]: expected int, got str");
  EXPECT_EQ(refused<std::set<int>>(Dict{}), "wrongType: value: expected set[int], got dict");
  EXPECT_EQ(refused<std::set<int>>(row_of<double>({1})),
            "wrongType: value: expected set[int], got ndarray[float64]");
  EXPECT_EQ(refused<std::set<int>>(Set{{1, "x"}}),
            "wrongType: value element 'x': expected int, got str");
}

TEST(SetParameter, IsPreferredForASetWhereBothWillDo) {
  using Either = std::variant<std::vector<std::string>, std::set<std::string>>;
  EXPECT_EQ(from_variant<Either>(Set{{"a"}}).index(), 1u);
  EXPECT_EQ(from_variant<Either>(List{{"a"}}).index(), 0u);
}

TEST(SequenceParameter, TakesSetsUnlessPositionsCount) {
  EXPECT_EQ(from_variant<std::vector<std::string>>(Set{{"a"}}), (std::vector<std::string>{"a"}));
  EXPECT_EQ(from_variant<std::list<int>>(FrozenSet{{5}}), (std::list<int>{5}));
  EXPECT_EQ(from_variant<std::deque<int>>(Set{{5}}), (std::deque<int>{5}));
  EXPECT_EQ((refused<std::array<int, 1>>(Set{{5}})),
            "wrongType: value: expected list[int], got set");
  EXPECT_EQ((refused<std::pair<int, int>>(Set{{5, 6}})),
            "wrongType: value: expected tuple[int, int], got set");
}

TEST(SetResult, HasHashableElements) {
  EXPECT_EQ(to_variant(std::set<int>{1, 2}), Variant(Set{{1, 2}}));
  EXPECT_EQ(to_variant(std::set<std::vector<int>>{{1, 2}}), Variant(Set{{Tuple{{1, 2}}}}));
  EXPECT_EQ(to_variant(std::set<std::set<int>>{{1}}), Variant(Set{{FrozenSet{{1}}}}));
}

TEST(MapParameter, TakesDicts) {
  using Map = std::map<std::string, double>;
  EXPECT_EQ(from_variant<Map>(dict_of({{"a", 1}, {"b", 2.5}})), (Map{{"a", 1.0}, {"b", 2.5}}));
  EXPECT_EQ((from_variant<std::unordered_map<int, bool>>(dict_of({{1, true}}))),
            (std::unordered_map<int, bool>{{1, true}}));
  EXPECT_EQ(refused<Map>(List{}), "wrongType: value: expected dict[str, float], got list");
}

TEST(MapParameter, NamesTheKeyOfAWrongValueAndAWrongKey) {
  using Map = std::map<std::string, std::vector<int>>;
  EXPECT_EQ(refused<Map>(dict_of({{"key", List{{1, "x"}}}})),
            "wrongType: value['key'][1]: expected int, got str");
  EXPECT_EQ(refused<Map>(dict_of({{7, List{}}})),
            "wrongType: value element 7: expected str, got int");
}

TEST(MapParameter, TakesTuplesAsKeys) {
  using Map = std::map<std::pair<int, std::string>, int>;
  EXPECT_EQ(from_variant<Map>(dict_of({{Tuple{{1, "a"}}, 5}})), (Map{{{1, "a"}, 5}}));
  EXPECT_EQ(to_variant(Map{{{1, "a"}, 5}}), dict_of({{Tuple{{1, "a"}}, 5}}));
}

TEST(MapResult, KeepsTheCppOrder) {
  const Variant stored = to_variant(std::map<int, std::string>{{2, "b"}, {1, "a"}});
  ASSERT_EQ(stored.as<Dict>().entries.size(), 2u);
  EXPECT_EQ(stored.as<Dict>().entries[0].first, Variant(1));
  EXPECT_EQ(refusal([] {
              to_variant(std::map<int, std::string>{{2, "\xff"}});
            }),
            "remote: value[2]: text that is not UTF-8 (byte 0xff at 0); return bytes instead");
}

TEST(VariantMapParameter, TakesDictsWithTextKeys) {
  const auto map = from_variant<VariantMap>(dict_of({{"a", List{{1}}}}));
  EXPECT_EQ(map.at("a"), Variant(List{{1}}));
  EXPECT_EQ(refused<VariantMap>(dict_of({{1, 2}})),
            "wrongType: value element 1: expected str, got int");
}

TEST(TupleParameter, TakesExactlyItsLength) {
  using Triple = std::tuple<int, std::string, double>;
  EXPECT_EQ(from_variant<Triple>(Tuple{{1, "a", 2}}), (Triple{1, "a", 2.0}));
  EXPECT_EQ(from_variant<Triple>(List{{1, "a", 2}}), (Triple{1, "a", 2.0}));
  EXPECT_EQ(refused<Triple>(Tuple{{1, "a"}}),
            "wrongType: value: expected tuple[int, str, float] of 3 items, got 2");
  EXPECT_EQ((refused<std::pair<int, int>>(Tuple{{1, "x"}})),
            "wrongType: value[1]: expected int, got str");
  EXPECT_EQ((refused<std::pair<int, int>>(1)),
            "wrongType: value: expected tuple[int, int], got int");
}

TEST(TupleResult, IsATuple) {
  EXPECT_EQ(to_variant(std::make_tuple(1, std::string("a"), 2.5)), Variant(Tuple{{1, "a", 2.5}}));
  EXPECT_EQ(to_variant(std::make_pair(true, 1)), Variant(Tuple{{true, 1}}));
  EXPECT_EQ(to_variant(std::tuple<>()), Variant(Tuple{}));
}

TEST(PlainValues, AreTakenAsTheyAre) {
  EXPECT_EQ(from_variant<List>(List{{1}}), List({{1}}));
  EXPECT_EQ(from_variant<FrozenSet>(FrozenSet{{1}}), FrozenSet({{1}}));
  EXPECT_EQ(from_variant<Variant>("any"), Variant("any"));
  EXPECT_EQ(refused<List>(Tuple{}), "wrongType: value: expected list, got tuple");
  EXPECT_EQ(refused<Decimal>(1.5), "wrongType: value: expected Decimal, got float");
  EXPECT_EQ(refused<Uuid>("x"), "wrongType: value: expected UUID, got str");
  EXPECT_EQ(refused<std::monostate>(1), "wrongType: value: expected None, got int");
  EXPECT_EQ(to_variant(Decimal{"1.5"}), Variant(Decimal{"1.5"}));
}

}  // namespace
}  // namespace cppipc::load_containers_test
