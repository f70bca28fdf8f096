// SPDX-License-Identifier: Apache-2.0
#include "toolkits/demo_addone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "called.h"

namespace cppipc::toolkits::demo_addone_test {
namespace {

using testing::HasSubstr;

Variant add_one(const Variant& x) {
  const Called called(&register_demo_addone);
  return at(called.run("demo_addone", Given({}, {{"x", x}})), "x");
}

TEST(DemoAddone, KeepsTheTypeOfX) {
  EXPECT_EQ(add_one(5), Variant(6));
  EXPECT_EQ(add_one(-1), Variant(0));
  EXPECT_EQ(add_one(1.5), Variant(2.5));
  EXPECT_TRUE(std::isinf(add_one(std::numeric_limits<double>::infinity()).as<double>()));
}

Variant scalar_of(const AnyArray& row) {
  AnyArray scalar = row;
  scalar.shape.clear();
  scalar.strides.clear();
  scalar.flavor = ArrayFlavor::kScalar;
  return scalar;
}

TEST(DemoAddone, KeepsTheTypeOfANumPyScalar) {
  EXPECT_EQ(add_one(scalar_of(array_of<double>({1.5}))), scalar_of(array_of<double>({2.5})));
  EXPECT_EQ(add_one(scalar_of(array_of<std::int8_t>({5}))), scalar_of(array_of<std::int8_t>({6})));
  EXPECT_EQ(add_one(scalar_of(array_of<std::int8_t>({5}))).as_array().flavor, ArrayFlavor::kScalar);
  refusal_of(ErrorKind::kOverflow, [] { add_one(scalar_of(array_of<std::int8_t>({127}))); });
  refusal_of(ErrorKind::kWrongType, [] { add_one(scalar_of(array_of<bool>({true}))); });
  refusal_of(ErrorKind::kWrongType, [] { add_one(array_of<double>({1.5})); });
}

TEST(DemoAddone, OverflowIsAnError) {
  const Variant most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(refusal_of(ErrorKind::kOverflow, [&] { add_one(most); }), HasSubstr("64 bits"));
}

TEST(DemoAddone, OtherTypesAreRefused) {
  for (const Variant& x : {Variant("a"), Variant(true), Variant(), Variant(List{})}) {
    EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { add_one(x); }),
                HasSubstr(std::string(name_of(x.kind()))));
  }
}

TEST(DemoAddone, TakesXAndNothingElse) {
  const Called called(&register_demo_addone);
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { called.run("demo_addone"); }),
              HasSubstr("x"));
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType,
                         [&] {
                           called.run("demo_addone", Given({}, {{"x", 1}, {"y", 2}}));
                         }),
              HasSubstr("y"));
}

TEST(DemoAddone, AsAPlainFunctionItChecksToo) {
  EXPECT_EQ(demo_addone({{"x", 1}}), (VariantMap{{"x", 2}}));
  refusal_of(ErrorKind::kWrongType, [] { demo_addone({}); });
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType,
                         [] {
                           demo_addone({{"x", 1}, {"z", 2}});
                         }),
              HasSubstr("'z'"));
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType,
                         [] {
                           demo_addone({{"a", 1}, {"x", 2}});
                         }),
              HasSubstr("'a'"));
}

}  // namespace
}  // namespace cppipc::toolkits::demo_addone_test
