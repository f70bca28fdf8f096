// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/place.h>

#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::place_test {
namespace {

using detail::Place;
using detail::python_text;
using detail::python_type;
using detail::quote;
using test::refusal;

Place parameter() {
  Place place;
  place.role = Place::Role::kParameter;
  place.function = "increment";
  place.name = "by";
  return place;
}

TEST(Place, NamesFunctionAndParameter) {
  EXPECT_EQ(parameter().text(), "increment() parameter 'by'");
}

TEST(Place, NamesTheWayToANestedValue) {
  const Place root = parameter();
  const Place item = root.item(3);
  const Variant key = "key";
  const Place entry = item.entry(key);
  EXPECT_EQ(entry.text(), "increment() parameter 'by'[3]['key']");
  const Variant member = 7;
  EXPECT_EQ(root.member(member).text(), "increment() parameter 'by' element 7");
}

TEST(Place, NamesPropertyResultAndValue) {
  Place place = parameter();
  place.role = Place::Role::kProperty;
  EXPECT_EQ(place.text(), "property 'by'");
  place.role = Place::Role::kResult;
  EXPECT_EQ(place.text(), "increment() result");
  EXPECT_EQ(Place().text(), "value");
}

TEST(Refuse, SaysWhereWhatWasExpectedAndWhatCame) {
  EXPECT_EQ(refusal([] { detail::refuse(parameter(), "int", Variant("x")); }),
            "wrongType: increment() parameter 'by': expected int, got str");
}

TEST(PythonType, NamesValuesAsPythonDoes) {
  EXPECT_EQ(python_type({}), "None");
  EXPECT_EQ(python_type(Decimal{"1"}), "Decimal");
  EXPECT_EQ(python_type(Uuid{}), "UUID");
  EXPECT_EQ(python_type(FrozenSet{}), "frozenset");
  AnyArray array = make_array(DType::of<float>(), {2});
  EXPECT_EQ(python_type(array), "ndarray[float32]");
  array.flavor = ArrayFlavor::kByteArray;
  EXPECT_EQ(python_type(array), "bytearray");
  EXPECT_EQ(python_type(test::scalar_of(1.5)), "numpy.float64");
}

TEST(PythonText, WritesValuesAsPythonDoes) {
  EXPECT_EQ(python_text({}), "None");
  EXPECT_EQ(python_text(true), "True");
  EXPECT_EQ(python_text(-3), "-3");
  EXPECT_EQ(python_text(2.0), "2.0");
  EXPECT_EQ(python_text(1e300), "1e+300");
  EXPECT_EQ(python_text(Tuple{{1, "a"}}), "(1, 'a')");
  EXPECT_EQ(python_text(Tuple{{1}}), "(1,)");
  EXPECT_EQ(python_text(Tuple{{1, 2, 3, 4, 5, 6}}), "(1, 2, 3, 4, ...)");
  EXPECT_EQ(python_text(List{}), "<list>");
}

TEST(Quote, EscapesAndCuts) {
  EXPECT_EQ(quote("it's"), "'it\\'s'");
  EXPECT_EQ(quote("a\nb\x01\\"), "'a\\nb\\x01\\\\'");
  EXPECT_EQ(quote("\xff"), "'\xef\xbf\xbd'");
  EXPECT_EQ(quote(std::string(100, 'x')), "'" + std::string(60, 'x') + "...'");
  // Not in the middle of a character.
  EXPECT_EQ(quote(std::string(59, 'x') + "\u00e9\u00e9"), "'" + std::string(59, 'x') + "...'");
}

}  // namespace
}  // namespace cppipc::place_test
