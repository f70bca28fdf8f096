// SPDX-License-Identifier: Apache-2.0
#include <cppipc/dataframe.h>
#include <cppipc/variant.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/error_of.h"

namespace cppipc::dataframe_test {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::vector<std::string>;
using Texts = std::vector<std::optional<std::string>>;

template <class T>
Array<T> array_of(const std::vector<T>& values) {
  Array<T> array(static_cast<std::int64_t>(values.size()));
  std::copy(values.begin(), values.end(), array.data());
  return array;
}

Array<bool> bools(const std::vector<bool>& values) {
  Array<bool> array(static_cast<std::int64_t>(values.size()));
  std::copy(values.begin(), values.end(), array.data());
  return array;
}

AnyArray times(std::vector<std::int64_t> values, const char* text = "<M8[ns]") {
  AnyArray array = array_of(values).any();
  array.dtype = {text, text[1], 8};
  return array;
}

// Three rows of each layout; the second one is null where it can be.
DataFrame sample() {
  return DataFrame::Builder()
      .add("x", array_of<double>({1.5, 2.5, 3.5}))
      .add("n", array_of<std::int32_t>({1, 2, 3}), bools({true, false, true}))
      .add("s", Texts{"eins", std::nullopt, "drei"})
      .add_category("c", array_of<std::int8_t>({1, -1, 0}).any(), Names{"low", "high"}, true)
      .add("t", times({1, 2, 3}), {}, "Europe/Berlin")
      .build();
}

std::string refusal(std::vector<Variant> parts) {
  const Error error = error_of([&] { DataFrame::from_parts(std::move(parts)); });
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  return error.what();
}

Variant column(Variant name, Variant layout, Variant first, Variant second, Variant third) {
  return Tuple{
      {std::move(name), std::move(layout), std::move(first), std::move(second), std::move(third)}};
}

Variant int64s(std::vector<std::int64_t> values) { return array_of(values).any(); }
Variant characters(std::string_view text) {
  return array_of(std::vector<std::uint8_t>(text.begin(), text.end())).any();
}

TEST(DataFrame, HasItsColumnsByNameAndInOrder) {
  const DataFrame frame = sample();
  EXPECT_EQ(frame.num_rows(), 3);
  EXPECT_EQ(frame.num_columns(), 5u);
  EXPECT_THAT(frame.names(), ElementsAre("x", "n", "s", "c", "t"));
  EXPECT_EQ(frame.column("x").layout(), Layout::kValues);
  EXPECT_EQ(frame.column("s").layout(), Layout::kText);
  EXPECT_EQ(frame.column("c").layout(), Layout::kCategory);
  EXPECT_EQ(frame.find("y"), nullptr);
  const Error error = error_of([&] { frame.column("y"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownKey);
  EXPECT_THAT(error.what(), HasSubstr("no column 'y'; it has 'x', 'n', 's', 'c', 't'"));
}

TEST(DataFrame, ValuesAreReadAsWhatTheyAre) {
  const DataFrame frame = sample();
  const auto x = frame.column("x").values<double>();
  EXPECT_THAT(std::vector<double>(x.begin(), x.end()), ElementsAre(1.5, 2.5, 3.5));
  const Error error = error_of([&] { frame.column("n").values<double>(); });
  EXPECT_EQ(error.kind(), ErrorKind::kWrongType);
  EXPECT_STREQ(error.what(), "column 'n': expected float64, got int32");
  EXPECT_STREQ(error_of([&] { frame.column("s").values<double>(); }).what(),
               "column 's': expected float64, got text");
  EXPECT_STREQ(error_of([&] { frame.column("x").text(0); }).what(),
               "column 'x': expected text, got float64");
  EXPECT_STREQ(error_of([&] { frame.column("x").categories(); }).what(),
               "column 'x': expected a category, got float64");
}

TEST(DataFrame, NullsKeepTheirPlace) {
  const DataFrame frame = sample();
  for (const char* name : {"n", "s", "c"}) {
    const Column& column = frame.column(name);
    EXPECT_TRUE(column.is_valid(0)) << name;
    EXPECT_FALSE(column.is_valid(1)) << name;
    EXPECT_EQ(column.null_count(), 1) << name;
  }
  EXPECT_EQ(frame.column("x").null_count(), 0);
  EXPECT_EQ(frame.column("s").text(0), "eins");
  EXPECT_EQ(frame.column("s").text(1), "");
  EXPECT_EQ(frame.column("s").text(2), "drei");
}

TEST(DataFrame, CategoriesHaveCodesAndTexts) {
  const DataFrame frame = sample();
  const Column& column = frame.column("c");
  EXPECT_EQ(column.code(0), 1);
  EXPECT_EQ(column.code(1), -1);
  EXPECT_EQ(column.text(0), "high");
  EXPECT_EQ(column.text(2), "low");
  EXPECT_TRUE(column.is_ordered());
  EXPECT_EQ(column.categories().size(), 2);
  EXPECT_EQ(column.type_name(), "category of text");
}

TEST(DataFrame, TimesMayHaveAZone) {
  const DataFrame frame = sample();
  ASSERT_NE(frame.column("t").zone(), nullptr);
  EXPECT_EQ(*frame.column("t").zone(), "Europe/Berlin");
  EXPECT_EQ(frame.column("x").zone(), nullptr);
  EXPECT_EQ(frame.column("t").type_name(), "<M8[ns]");
}

TEST(DataFrame, ATimeThatIsNoneIsNull) {
  const std::int64_t nat = std::numeric_limits<std::int64_t>::min();
  for (const char* text : {"<M8[ns]", "<m8[s]"}) {
    const DataFrame frame = DataFrame::Builder()
                                .add("t", times({1, nat, 3}, text))
                                .add("u", times({1, nat, 3}, text), bools({true, true, false}))
                                .build();
    EXPECT_TRUE(frame.column("t").is_valid(0));
    EXPECT_FALSE(frame.column("t").is_valid(1));
    EXPECT_EQ(frame.column("t").null_count(), 1);
    EXPECT_EQ(frame.column("u").null_count(), 2);
    const DataFrame other =
        DataFrame::Builder().add("t", times({1, 2, 3}, text), bools({true, false, true})).build();
    EXPECT_TRUE(frame.column("t") == other.column("t"));
  }
}

TEST(DataFrame, RowsThatAreNoneAreRefused) {
  const DataFrame frame = sample();
  for (const std::int64_t row : {std::int64_t{-1}, std::int64_t{3}}) {
    for (const char* name : {"x", "s", "c"}) {
      EXPECT_EQ(test::kind_of([&] { frame.column(name).is_valid(row); }), ErrorKind::kOutOfRange);
    }
    EXPECT_EQ(test::kind_of([&] { frame.column("s").text(row); }), ErrorKind::kOutOfRange);
    EXPECT_EQ(test::kind_of([&] { frame.column("c").code(row); }), ErrorKind::kOutOfRange);
    EXPECT_EQ(test::kind_of([&] { frame.take(std::vector{row}); }), ErrorKind::kOutOfRange);
  }
}

TEST(DataFrame, NumbersBecomeDoublesWithNanForNull) {
  const DataFrame frame = DataFrame::Builder()
                              .add("n", array_of<std::uint8_t>({7, 8}), bools({true, false}))
                              .add("b", bools({true, false}))
                              .add("d", array_of<long double>({0.5L, 2}))
                              .add("i", array_of<std::int64_t>({-3, 4}))
                              .build();
  const auto n = frame.column("n").to_doubles();
  EXPECT_EQ(n[0], 7);
  EXPECT_TRUE(std::isnan(n[1]));
  EXPECT_THAT(frame.column("b").to_doubles(), ElementsAre(1, 0));
  const Array<double> matrix = frame.to_matrix(Names{"i", "d"});
  EXPECT_THAT(matrix.shape(), ElementsAre(2, 2));
  EXPECT_THAT(matrix.span(), ElementsAre(-3, 0.5, 4, 2));
  const Error error = error_of([&] { sample().to_matrix(Names{"x", "s"}); });
  EXPECT_EQ(error.kind(), ErrorKind::kWrongType);
  EXPECT_STREQ(error.what(), "column 's': expected real numbers or bools, got text");
}

TEST(DataFrame, SelectSharesAndTakeCopies) {
  const DataFrame frame = sample();
  const DataFrame selected = frame.select(Names{"s", "x"});
  EXPECT_THAT(selected.names(), ElementsAre("s", "x"));
  EXPECT_EQ(selected.column("x").cells().data, frame.column("x").cells().data);
  EXPECT_EQ(test::kind_of([&] { frame.select(Names{"no"}); }), ErrorKind::kUnknownKey);

  const DataFrame taken = frame.take(std::vector<std::int64_t>{2, 1, 2, 0});
  EXPECT_EQ(taken.num_rows(), 4);
  EXPECT_THAT(taken.column("x").to_doubles(), ElementsAre(3.5, 2.5, 3.5, 1.5));
  EXPECT_EQ(taken.column("s").text(0), "drei");
  EXPECT_FALSE(taken.column("s").is_valid(1));
  EXPECT_EQ(taken.column("s").text(2), "drei");
  EXPECT_EQ(taken.column("c").text(3), "high");
  EXPECT_FALSE(taken.column("n").is_valid(1));
  EXPECT_EQ(*taken.column("t").zone(), "Europe/Berlin");
  EXPECT_TRUE(frame.take(std::vector<std::int64_t>{0, 1, 2}) == frame);
}

TEST(DataFrame, FilterAndHeadTakeRows) {
  const DataFrame frame = sample();
  const bool keep[] = {true, false, true};
  EXPECT_THAT(frame.filter(keep).column("x").to_doubles(), ElementsAre(1.5, 3.5));
  const bool too_few[] = {true};
  EXPECT_EQ(test::kind_of([&] { frame.filter(too_few); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(frame.head(2).num_rows(), 2);
  EXPECT_EQ(frame.head(9).num_rows(), 3);
  EXPECT_EQ(frame.head(-1).num_rows(), 0);
  EXPECT_EQ(frame.head(0).column("s").size(), 0);
}

TEST(DataFrame, IsEqualWhereItHasValues) {
  EXPECT_TRUE(sample() == sample());
  EXPECT_TRUE(Variant(sample()) == Variant(sample()));
  const auto with = [](double under_null, bool is_null) {
    return DataFrame::Builder()
        .add("x", array_of<double>({1, under_null}), bools({true, !is_null}))
        .build();
  };
  EXPECT_TRUE(with(2, true) == with(3, true));
  EXPECT_FALSE(with(2, false) == with(3, false));
  EXPECT_FALSE(with(2, false) == with(2, true));
  EXPECT_TRUE(with(2, false) == DataFrame::Builder().add("x", array_of<double>({1, 2})).build());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(with(nan, false) == with(nan, false));
  EXPECT_FALSE(sample() == sample().select(Names{"n", "x", "s", "c", "t"}));
  EXPECT_FALSE(Variant(sample()) == Variant(1));
  EXPECT_TRUE((Variant(Set{{sample()}}) == Variant(Set{{sample()}})));
  const auto coded = [](AnyArray codes, bool is_ordered) {
    return DataFrame::Builder().add_category("c", codes, Names{"a", "b"}, is_ordered).build();
  };
  EXPECT_TRUE(coded(array_of<std::int8_t>({0, 1}).any(), true) ==
              coded(array_of<std::int64_t>({0, 1}).any(), true));
  EXPECT_FALSE(coded(array_of<std::int8_t>({0, 1}).any(), true) ==
               coded(array_of<std::int8_t>({0, 1}).any(), false));
}

TEST(DataFrame, WithoutAnythingIsEmpty) {
  EXPECT_EQ(DataFrame().num_rows(), 0);
  EXPECT_EQ(DataFrame().num_columns(), 0u);
  EXPECT_EQ(DataFrame().parts().size(), 1u);
  EXPECT_TRUE(DataFrame() == DataFrame::Builder().build());
  EXPECT_EQ(DataFrame::Builder().build(7).num_rows(), 7);
  EXPECT_THAT(error_of([] { DataFrame().column("x"); }).what(), HasSubstr("it has no column"));
}

TEST(DataFrame, BuilderRefusesWhatDoesNotFit) {
  const auto refusal_of = [](DataFrame::Builder& builder) {
    return std::string(error_of([&] { builder.build(); }).what());
  };
  auto twice = DataFrame::Builder();
  twice.add("x", bools({true})).add("x", bools({true}));
  EXPECT_EQ(refusal_of(twice), "a dataframe has two columns 'x'");
  auto longer = DataFrame::Builder();
  longer.add("x", bools({true})).add("y", bools({true, false}));
  EXPECT_EQ(refusal_of(longer), "column 'y' has 2 elements instead of 1");
  auto structured = DataFrame::Builder();
  structured.add("x", make_array({"|V8", 'V', 8}, {1}));
  EXPECT_EQ(refusal_of(structured), "column 'x' is an array of |V8, which cannot be there");
  EXPECT_THAT(error_of([] { DataFrame::Builder().add("x", Texts{"\xff"}); }).what(),
              HasSubstr("the text of row 0 is not valid UTF-8"));
}

TEST(DataFrame, PartsOfAnotherFormAreRefused) {
  const Variant none;
  const Variant one = int64s({1});
  EXPECT_THAT(refusal({}), HasSubstr("number of rows"));
  EXPECT_THAT(refusal({-1}), HasSubstr("number of rows"));
  EXPECT_THAT(refusal({1.0}), HasSubstr("number of rows"));
  EXPECT_THAT(refusal({1, "x"}), HasSubstr("not a tuple"));
  EXPECT_THAT(refusal({1, Tuple{{"x", "values", one, none}}}), HasSubstr("not a tuple"));
  EXPECT_THAT(refusal({1, column(1, "values", one, none, none)}), HasSubstr("not a str but a int"));
  EXPECT_THAT(refusal({1, column("x", "rows", one, none, none)}), HasSubstr("layout: 'rows'"));
  EXPECT_THAT(refusal({2, column("x", "values", one, none, none)}), HasSubstr("instead of 2"));
  EXPECT_THAT(refusal({1, column("x", "values", one, bools({true, true}).any(), none)}),
              HasSubstr("the validity of column 'x' has 2 elements"));
  EXPECT_THAT(refusal({1, column("x", "values", one, one, none)}), HasSubstr("validity"));
  EXPECT_THAT(refusal({1, column("x", "values", one, none, "UTC")}), HasSubstr("no times"));
  EXPECT_THAT(refusal({1, column("x", "values", List{}, none, none)}),
              HasSubstr("not an array but a list"));
  EXPECT_THAT(refusal({1, column("x", "text", one, characters(""), none)}),
              HasSubstr("the offsets of column 'x' has 1 elements instead of 2"));
  EXPECT_THAT(
      refusal({0, column("x", "text", array_of<std::int32_t>({0}).any(), characters(""), none)}),
      HasSubstr("of int32, not int64"));
  EXPECT_THAT(refusal({0, column("x", "text", one, one, none)}), HasSubstr("characters"));
  EXPECT_THAT(refusal({1, column("x", "category", one, none, true)}), HasSubstr("no column"));
}

TEST(DataFrame, CategoriesOfAnotherFormAreRefused) {
  const Variant none;
  const Variant one = int64s({0});
  const auto refusal_of = [&](Variant categories, Variant is_ordered = true) {
    return refusal({1, column("x", "category", one, std::move(categories), is_ordered)});
  };
  const Variant plain = column("", "values", one, none, none);
  EXPECT_THAT(refusal_of(plain, 1), HasSubstr("ordered is not a bool"));
  EXPECT_THAT(refusal_of(column("y", "values", one, none, none)), HasSubstr("have a name"));
  EXPECT_THAT(refusal_of(column("", "values", one, bools({true}).any(), none)),
              HasSubstr("have nulls"));
  EXPECT_THAT(refusal_of(column("", "category", one, plain, false)), HasSubstr("no layout"));
  EXPECT_THAT(refusal_of(column("", "text", int64s({}), characters(""), none)),
              HasSubstr("no offsets"));
  EXPECT_THAT(refusal_of(column("", "values", make_array(DType::of<double>(), {1, 1}), none, none)),
              HasSubstr("one dimension"));
}

TEST(DataFrame, ArraysWithGapsAndOfAnotherOrderAreRefused) {
  AnyArray gaps = array_of<double>({1, 2, 3, 4}).any();
  gaps.shape = {2};
  gaps.strides = {16};
  EXPECT_THAT(refusal({2, column("x", "values", gaps, {}, {})}), HasSubstr("without gaps"));
  AnyArray swapped = array_of<double>({1}).any();
  swapped.dtype.text = ">f8";
  EXPECT_THAT(refusal({1, column("x", "values", swapped, {}, {})}), HasSubstr("cannot be there"));
  AnyArray text = make_array({"<U1", 'U', 4}, {1});
  EXPECT_THAT(refusal({1, column("x", "values", text, {}, {})}), HasSubstr("cannot be there"));
}

TEST(DataFrame, WhatIsNotAlignedIsCopied) {
  AnyArray bytes = array_of(std::vector<std::uint8_t>(17)).any();
  AnyArray crooked = bytes;
  crooked.dtype = DType::of<double>();
  crooked.shape = {2};
  crooked.strides = {8};
  crooked.data = bytes.data + 1;
  const double value = 2.5;
  std::memcpy(crooked.data + 8, &value, sizeof value);
  const DataFrame frame = DataFrame::from_parts({2, column("x", "values", crooked, {}, {})});
  EXPECT_THAT(frame.column("x").values<double>().span(), ElementsAre(0, 2.5));
}

// What somebody else may write while it is read.
TEST(DataFrame, PlacesThatLeadOutAreFoundWhenTheyAreRead) {
  const auto text_at = [](std::vector<std::int64_t> offsets, std::string_view chars) {
    const DataFrame frame =
        DataFrame::from_parts({1, column("x", "text", int64s(offsets), characters(chars), {})});
    return std::string(error_of([&] { frame.column("x").text(0); }).what());
  };
  EXPECT_EQ(text_at({0, 4}, "abc"),
            "column 'x': the text of row 0 is said to lie from 0 to 4 of 3 characters");
  EXPECT_THAT(text_at({2, 1}, "abc"), HasSubstr("from 2 to 1"));
  EXPECT_THAT(text_at({-1, 1}, "abc"), HasSubstr("from -1 to 1"));
  EXPECT_THAT(text_at({4, 4}, "abc"), HasSubstr("from 4 to 4"));
  EXPECT_THAT(text_at({std::numeric_limits<std::int64_t>::min(), 3}, "abc"), HasSubstr("from -9"));
  EXPECT_THAT(text_at({0, 3}, "a\xff\xfe"), HasSubstr("not valid UTF-8"));
  const Variant categories = column("", "values", int64s({7}), {}, {});
  for (const std::int64_t code : {std::int64_t{1}, std::int64_t{-2}}) {
    const DataFrame frame =
        DataFrame::from_parts({1, column("x", "category", int64s({code}), categories, false)});
    EXPECT_THAT(error_of([&] { frame.column("x").code(0); }).what(),
                HasSubstr("but there are 1 categories"));
  }
}

TEST(DataFrame, CopiesShareAndTellWhetherTheyDo) {
  DataFrame frame = sample();
  EXPECT_TRUE(frame.is_sole());
  const DataFrame copy = frame;
  EXPECT_FALSE(frame.is_sole());
  EXPECT_EQ(copy.column("x").cells().data, frame.column("x").cells().data);
}

TEST(DataFrame, AColumnOfAnotherFrameMayBeAdded) {
  const DataFrame frame = sample();
  const DataFrame other = DataFrame::Builder().add("y", frame.column("s")).build();
  EXPECT_EQ(other.num_rows(), 3);
  EXPECT_EQ(other.column("y").text(2), "drei");
  EXPECT_EQ(other.column("y").characters().data, frame.column("s").characters().data);
}

}  // namespace
}  // namespace cppipc::dataframe_test
