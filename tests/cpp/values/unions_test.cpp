// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::unions_test {
namespace {

using test::refusal;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

TEST(OptionalParameter, TakesNoneOrTheValue) {
  EXPECT_EQ(from_variant<std::optional<int>>({}), std::nullopt);
  EXPECT_EQ(from_variant<std::optional<int>>(3), 3);
  EXPECT_EQ(refused<std::optional<int>>("x"), "wrongType: value: expected int | None, got str");
  EXPECT_EQ(refused<std::optional<std::vector<int>>>(List{{"x"}}),
            "wrongType: value[0]: expected int, got str");
}

TEST(OptionalResult, IsNoneOrTheValue) {
  EXPECT_EQ(to_variant(std::optional<std::string>("x")), Variant("x"));
  EXPECT_EQ(to_variant(std::optional<std::string>()), Variant());
}

TEST(VariantParameter, PrefersTheAlternativeThatNeedsNoConversion) {
  using FloatOrInt = std::variant<double, std::int64_t>;
  EXPECT_EQ(from_variant<FloatOrInt>(1), FloatOrInt(std::int64_t{1}));
  EXPECT_EQ(from_variant<FloatOrInt>(1.5), FloatOrInt(1.5));
  EXPECT_EQ(from_variant<FloatOrInt>(test::scalar_of(std::int8_t{3})), FloatOrInt(std::int64_t{3}));
  using IntOrBool = std::variant<int, bool>;
  EXPECT_EQ(from_variant<IntOrBool>(true), IntOrBool(true));
}

TEST(VariantParameter, ConvertsIfNothingFitsAsItIs) {
  using Either = std::variant<std::string, double>;
  EXPECT_EQ(from_variant<Either>(3), Either(3.0));
  using Lists = std::variant<std::vector<int>, std::vector<double>>;
  EXPECT_EQ(from_variant<Lists>(List{{1, 2.5}}), Lists(std::vector<double>{1.0, 2.5}));
  EXPECT_EQ(from_variant<Lists>(List{{1.0, 2.0}}), Lists(std::vector<double>{1.0, 2.0}));
}

TEST(VariantParameter, KeepsTheValueWholeWhileItTries) {
  using Lists = std::variant<std::vector<std::string>, List>;
  EXPECT_EQ(from_variant<Lists>(List{{"first", "second", 3}}), Lists(List{{"first", "second", 3}}));
}

TEST(VariantParameter, TellsListAndTupleApart) {
  using Either = std::variant<std::pair<int, int>, std::vector<int>>;
  EXPECT_EQ(from_variant<Either>(List{{1, 2}}), Either(std::vector<int>{1, 2}));
  EXPECT_EQ(from_variant<Either>(Tuple{{1, 2}}), Either(std::pair(1, 2)));
}

TEST(VariantParameter, NamesAllAlternativesWhenNoneFits) {
  using Either = std::variant<std::monostate, int, std::string>;
  EXPECT_EQ(refused<Either>(1.5), "wrongType: value: expected None | int | str, got float");
  EXPECT_EQ(from_variant<Either>({}), Either());
}

TEST(VariantParameter, SkipsAnAlternativeThatIsTooSmall) {
  using Either = std::variant<std::int8_t, std::int64_t>;
  EXPECT_EQ(from_variant<Either>(1000), Either(std::int64_t{1000}));
}

TEST(VariantResult, IsWhateverItHolds) {
  EXPECT_EQ(to_variant(std::variant<int, std::string>("x")), Variant("x"));
  EXPECT_EQ(to_variant(std::variant<std::monostate, int>()), Variant());
}

}  // namespace
}  // namespace cppipc::unions_test
