// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "called.h"
#include "toolkits/diagnostics.h"

namespace cppipc::toolkits::diagnostics_values_test {
namespace {

class DiagnosticsValues : public testing::Test {
 protected:
  Variant run(const std::string& name, const Given& given) const {
    return called_.run("diagnostics." + name, given);
  }

  const Called called_{&register_diagnostics_values, &register_probe};
  // One of every kind.
  const std::vector<std::pair<const char*, Variant>> kinds_{
      {"null", nullptr},
      {"bool", true},
      {"int", 1},
      {"float", 1.5},
      {"complex", std::complex<double>(1, 2)},
      {"str", "text"},
      {"bytes", Bytes("bytes")},
      {"list", List{{1, List{{Bytes("in")}}}}},
      {"tuple", Tuple{{1, 2}}},
      {"set", Set{{1}}},
      {"frozenset", FrozenSet{{1}}},
      {"dict", Dict{{{"a", 1}, {2, Bytes("b")}}}},
      {"datetime", DateTime{}},
      {"date", Date{}},
      {"time", TimeOfDay{}},
      {"timedelta", TimeDelta{1, 2, 3}},
      {"decimal", Decimal{"1.5"}},
      {"uuid", Uuid{{1}}},
      {"array", array_of<double>({1, 2})},
      {"enum", EnumMember{"diagnostics.Order", "C"}},
      {"object", called_.create("Probe").reference()}};
};

TEST_F(DiagnosticsValues, DescribeNamesEveryKind) {
  for (const auto& [kind, value] : kinds_) {
    EXPECT_EQ(at(run("describe", {value}), "kind"), Variant(kind));
  }
  EXPECT_EQ(at(run("describe", {kinds_.back().second}), "type"), Variant("Probe"));
}

TEST_F(DiagnosticsValues, EchoAndCopyGiveEqualValues) {
  for (const auto& [kind, value] : kinds_) {
    EXPECT_EQ(run("echo", {value}), value) << kind;
    EXPECT_EQ(run("copy", {value}), value) << kind;
  }
}

TEST_F(DiagnosticsValues, EchoSharesMemoryAndCopyDoesNot) {
  const AnyArray array = array_of<double>({1, 2});
  EXPECT_EQ(run("echo", {array}).as_array().data, array.data);
  EXPECT_NE(run("copy", {array}).as_array().data, array.data);
  const Bytes bytes("bytes");
  EXPECT_EQ(run("echo", {bytes}).as<Bytes>().view().data(), bytes.view().data());
  EXPECT_NE(run("copy", {bytes}).as<Bytes>().view().data(), bytes.view().data());
}

TEST_F(DiagnosticsValues, CopyKeepsWhatAnArrayWas) {
  AnyArray array = array_of<std::uint8_t>({1, 2});
  array.flavor = ArrayFlavor::kByteArray;
  EXPECT_EQ(run("copy", {array}).as_array().flavor, ArrayFlavor::kByteArray);
}

TEST_F(DiagnosticsValues, DescribeShowsAnArraysLayout) {
  AnyArray array = make_array(DType::of<std::int32_t>(), {2, 3});
  array.origin = ArrayOrigin::kMessage;
  const Variant seen = run("describe", {array});
  EXPECT_EQ(at(seen, "format"), Variant("i"));
  EXPECT_EQ(at(seen, "dtype"), Variant(array.dtype.text));
  EXPECT_EQ(at(seen, "itemsize"), Variant(4));
  EXPECT_EQ(at(seen, "shape"), Variant(Tuple{{2, 3}}));
  EXPECT_EQ(at(seen, "strides"), Variant(Tuple{{12, 4}}));
  EXPECT_EQ(at(seen, "readonly"), Variant(false));
  EXPECT_EQ(at(seen, "nbytes"), Variant(24));
  EXPECT_EQ(at(seen, "inline"), Variant(true));
  array.origin = ArrayOrigin::kBeside;
  EXPECT_EQ(at(run("describe", {array}), "inline"), Variant(false));
  EXPECT_EQ(at(seen, "arena"), Variant());
  EXPECT_EQ(at(seen, "offset"), Variant());
}

TEST_F(DiagnosticsValues, TotalAddsUpArraysOnly) {
  EXPECT_EQ(run("total", {array_of<std::int16_t>({1, 2})}), Variant(3));
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { run("total", {List{{1}}}); }),
              testing::HasSubstr("not list"));
}

TEST_F(DiagnosticsValues, AllocMakesZeros) {
  const Variant matrix = run("alloc", {Tuple{{2, 3}}, "float32"});
  EXPECT_EQ(matrix.as_array().shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(matrix.as_array().dtype.is<float>());
  EXPECT_FALSE(matrix.as_array().is_readonly);
  EXPECT_EQ(run("total", {matrix}), Variant(0.0));
  EXPECT_EQ(run("alloc", {5, "u1"}).as_array().shape, (std::vector<std::int64_t>{5}));
  EXPECT_TRUE(run("alloc", {Tuple{}, "bool"}).as_array().shape.empty());
  refusal_of(ErrorKind::kInvalidArgument, [&] { run("alloc", {-1, "u1"}); });
  refusal_of(ErrorKind::kWrongType, [&] { run("alloc", {1, "nothing"}); });
}

TEST_F(DiagnosticsValues, AllocTakesAnOrder) {
  const AnyArray array = run("alloc", {Tuple{{2, 3}}, "float32", "F"}).as_array();
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(array.strides, (std::vector<std::int64_t>{4, 8}));
  EXPECT_THAT(refusal_of(ErrorKind::kWrongType,
                         [&] {
                           run("alloc", {1, "u1", 0});
                         }),
              testing::HasSubstr("parameter 'order': expected diagnostics.Order, got int"));
}

TEST_F(DiagnosticsValues, FillWritesInPlaceWhatIsOurs) {
  AnyArray array = array_of<std::int16_t>({1, 2, 3, 4});
  array.shape = {2};
  array.strides = {4};
  run("fill", {array, 7});
  AnyArray whole = array;
  whole.shape = {4};
  whole.strides = {2};
  EXPECT_EQ(elements_of<std::int16_t>(whole), (std::vector<std::int16_t>{7, 2, 7, 4}));
  EXPECT_THAT(refusal_of(ErrorKind::kOverflow,
                         [&] {
                           run("fill", {array, 1 << 16});
                         }),
              testing::HasSubstr("expected int"));
  refusal_of(ErrorKind::kWrongType, [&] { run("fill", {array, "a"}); });
  EXPECT_EQ(run("total", {array}), Variant(14));
}

TEST_F(DiagnosticsValues, FillRefusesWhatWasNotLentWritable) {
  AnyArray array = array_of<std::int16_t>({1, 2});
  for (const ArrayOrigin origin : {ArrayOrigin::kMessage, ArrayOrigin::kBeside}) {
    array.origin = origin;
    EXPECT_THAT(refusal_of(ErrorKind::kInvalidArgument,
                           [&] {
                             run("fill", {array, 7});
                           }),
                testing::HasSubstr("x was not lent writable"));
  }
  array.origin = ArrayOrigin::kHere;
  array.is_readonly = true;
  refusal_of(ErrorKind::kInvalidArgument, [&] { run("fill", {array, 7}); });
  EXPECT_EQ(elements_of<std::int16_t>(array), (std::vector<std::int16_t>{1, 2}));
}

TEST_F(DiagnosticsValues, PairMakesAList) {
  EXPECT_EQ(run("pair", {1, "a"}), Variant(List{{1, "a"}}));
}

}  // namespace
}  // namespace cppipc::toolkits::diagnostics_values_test
