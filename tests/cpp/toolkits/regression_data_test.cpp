// SPDX-License-Identifier: Apache-2.0
#include "toolkits/regression_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "called.h"

namespace cppipc::toolkits::regression_data_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::vector<std::string>;
using Numbers = std::vector<std::optional<double>>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

DataFrame data() {
  const Names texts{"a", "b", "c"};
  return DataFrame::Builder()
      .add("x", Numbers{1.0, std::nullopt, 3.0})
      .add("y", Numbers{0.0, 1.0, std::nullopt})
      .add("text", std::span<const std::string>(texts))
      .build();
}

template <class Call>
std::string refusal(Call call) {
  return refusal_of(ErrorKind::kInvalidArgument, call);
}

TEST(RegressionData, AllColumnsButTheTargetAreFeatures) {
  EXPECT_THAT(feature_names(data(), "y", std::nullopt), ElementsAre("x", "text"));
  EXPECT_THAT(feature_names(data(), "y", Names{"x"}), ElementsAre("x"));
}

TEST(RegressionData, NamesThatDoNotFitAreNamed) {
  const auto names = [](const Names& given) { return feature_names(data(), "y", given); };
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [&] { names({"z"}); }), HasSubstr("column 'z'"));
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownKey, [] { target_column(data(), "z"); }),
              HasSubstr("it has 'x', 'y', 'text'"));
  EXPECT_THAT(refusal([&] { names({"y"}); }), HasSubstr("'y' is the target"));
  EXPECT_THAT(refusal([&] { names({"x", "x"}); }), HasSubstr("'x' is there twice"));
  EXPECT_THAT(refusal([&] { names({}); }), HasSubstr("no column"));
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [] { read_features(data(), {"text"}); }),
              HasSubstr("column 'text' is text"));
}

TEST(RegressionData, RowsThatLackAValueAreRefusedOrDropped) {
  std::vector<double> targets = data().column("y").to_doubles();
  Features features = read_features(data(), {"x"});
  EXPECT_EQ(features.num_rows(), 3u);
  EXPECT_THAT(refusal([&] { clean(features, &targets, "y", Missing::kRefuse); }),
              HasSubstr("column 'x' has no value (null or NaN) in 1 row"));
  EXPECT_THAT(refusal([&] { clean(features, nullptr, "", Missing::kRefuse); }),
              HasSubstr("fill them first"));
  EXPECT_EQ(clean(features, &targets, "y", Missing::kDrop), 2);
  EXPECT_THAT(features.values, ElementsAre(1, 1));
  EXPECT_THAT(targets, ElementsAre(0));
}

TEST(RegressionData, InfiniteNumbersAreRefusedInAnyCase) {
  Features features{{"x"}, {1, 1, kInfinity, 1, -kInfinity, 1}};
  std::vector<double> targets{0, 1, 2};
  EXPECT_THAT(refusal([&] { clean(features, &targets, "y", Missing::kDrop); }),
              HasSubstr("column 'x' is infinite in 2 rows"));
  features.values = {1, 1};
  targets = {kInfinity};
  EXPECT_THAT(refusal([&] { clean(features, &targets, "y", Missing::kDrop); }),
              HasSubstr("column 'y' is infinite in 1 row"));
}

TEST(RegressionData, NoRowsAreNothingToLearnFrom) {
  Features features{{"x"}, {}};
  std::vector<double> targets;
  EXPECT_THAT(refusal([&] { clean(features, &targets, "y", Missing::kRefuse); }),
              HasSubstr("no rows to learn from"));
  EXPECT_EQ(clean(features, nullptr, "", Missing::kRefuse), 0);
}

TEST(RegressionData, TextHasItsTwoValuesForClasses) {
  const std::vector<std::optional<std::string>> texts{"yes", "no", std::nullopt, "yes"};
  const DataFrame frame =
      DataFrame::Builder().add("t", std::span<const std::optional<std::string>>(texts)).build();
  const Classes classes = read_classes(frame.column("t"));
  EXPECT_EQ(classes.negative, Variant("no"));
  EXPECT_EQ(classes.positive, Variant("yes"));
  EXPECT_THAT(classes.codes, ElementsAre(1, 0, testing::IsNan(), 1));
  EXPECT_THAT(refusal([] { read_classes(data().column("text")); }),
              HasSubstr("more than two values: 'a', 'b', 'c'"));
}

TEST(RegressionData, NumbersHaveToBeZeroOrOne) {
  const Classes classes = read_classes(data().column("y"));
  EXPECT_EQ(classes.positive, Variant(1));
  EXPECT_THAT(classes.codes, ElementsAre(0, 1, testing::IsNan()));
  EXPECT_THAT(refusal([] { read_classes(data().column("x")); }), HasSubstr("in row 2"));
}

TEST(RegressionData, ThereAreTwoWaysWithMissingValues) {
  EXPECT_EQ(missing_of("error"), Missing::kRefuse);
  EXPECT_EQ(missing_of("drop"), Missing::kDrop);
  EXPECT_THAT(refusal([] { missing_of("fill"); }), HasSubstr("'error' or 'drop', not 'fill'"));
}

}  // namespace
}  // namespace cppipc::toolkits::regression_data_test
