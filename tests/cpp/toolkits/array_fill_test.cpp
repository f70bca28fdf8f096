// SPDX-License-Identifier: Apache-2.0
#include "toolkits/array_fill.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <string>

#include "called.h"
#include "toolkits/element_type.h"

namespace cppipc::toolkits::array_fill_test {
namespace {

// An array of two elements of that dtype after it was filled, as bytes.
std::string filled(const std::string& dtype, const Variant& value) {
  const AnyArray array = make_array(dtype_of(dtype), {2});
  fill(array, value);
  return {reinterpret_cast<const char*>(array.data), static_cast<std::size_t>(array.nbytes())};
}

TEST(Fill, SetsNumbersInTheirByteOrder) {
  EXPECT_EQ(filled("bool", true), "\1\1");
  EXPECT_EQ(filled("int8", -1), "\xff\xff");
  EXPECT_EQ(filled("<u2", 0x0102), "\2\1\2\1");
  EXPECT_EQ(filled(">u2", 0x0102), "\1\2\1\2");
  EXPECT_EQ(filled(">f4", 1.0), std::string("\x3f\x80\0\0\x3f\x80\0\0", 8));
  EXPECT_EQ(filled(">c8", std::complex<double>(1, 0)).substr(0, 8),
            std::string("\x3f\x80\0\0\0\0\0\0", 8));
  EXPECT_EQ(filled("<i4", 5), std::string("\5\0\0\0\5\0\0\0", 8));
  EXPECT_EQ(filled("float64", 5), filled("float64", 5.0));
}

TEST(Fill, RoundsToTheNearestHalf) {
  EXPECT_EQ(filled(">f2", 1.0).substr(0, 2), std::string("\x3c\0", 2));
  EXPECT_EQ(filled(">f2", -2.0).substr(0, 2), std::string("\xc0\0", 2));
  EXPECT_EQ(filled(">f2", 0.1).substr(0, 2), "\x2e\x66");
  EXPECT_EQ(filled(">f2", 65504.0).substr(0, 2), "\x7b\xff");
  EXPECT_EQ(filled(">f2", 65519.0).substr(0, 2), "\x7b\xff");
  EXPECT_EQ(filled(">f2", std::ldexp(1.0, -24)).substr(0, 2), std::string("\0\1", 2));
  EXPECT_EQ(filled(">f2", std::ldexp(1023.75, -24)).substr(0, 2), std::string("\x04\0", 2));
  EXPECT_EQ(filled(">f2", 2047.5).substr(0, 2), std::string("\x68\0", 2));
  EXPECT_EQ(filled(">f2", -0.0).substr(0, 2), std::string("\x80\0", 2));
  EXPECT_EQ(filled(">f2", HUGE_VAL).substr(0, 2), std::string("\x7c\0", 2));
  refusal_of(ErrorKind::kOverflow, [] { filled("f2", 65520.0); });
  const AnyArray wide = make_array(DType::of<long double>(), {});
  fill(wide, 1.5);
  EXPECT_EQ(ArrayView<long double>(wide)[0], 1.5L);
}

TEST(Fill, SetsEveryElementOfAnyShape) {
  AnyArray array = make_array(DType::of<std::int32_t>(), {3, 2, 4});
  array.shape = {3, 2, 2};  // every other one of the last axis, backwards
  array.strides = {32, 16, -8};
  array.data += 8;
  fill(array, 1);
  EXPECT_EQ(array.copy().size(), 12);
  std::int32_t total = 0;
  const ArrayView<std::int32_t> view(array);
  for (std::int64_t i = 0; i < view.size(); ++i) total += view[i];
  EXPECT_EQ(total, 12);
  fill(make_array(DType::of<double>(), {0, 5}), 1.5);
  const AnyArray scalar = make_array(DType::of<double>(), {});
  fill(scalar, 2.5);
  EXPECT_EQ(ArrayView<double>(scalar)[0], 2.5);
}

TEST(Fill, TakesAnElementOfTheSameTypeForAnyType) {
  const AnyArray dates = make_array(dtype_of("<M8[s]"), {2});
  const AnyArray date = make_array(dtype_of("<M8[s]"), {});
  date.data[0] = std::byte{9};
  fill(dates, date);
  EXPECT_EQ(dates.data[0], std::byte{9});
  EXPECT_EQ(dates.data[8], std::byte{9});
}

TEST(Fill, RefusesWhatDoesNotFit) {
  const AnyArray dates = make_array(dtype_of("<M8[s]"), {2});
  EXPECT_EQ(refusal_of(ErrorKind::kWrongType, [&] { fill(dates, 5); }),
            "to fill an array of <M8[s] takes an element of that dtype, not int");
  const AnyArray bytes = make_array(dtype_of("u1"), {2});
  refusal_of(ErrorKind::kOverflow, [&] { fill(bytes, 256); });
  refusal_of(ErrorKind::kWrongType, [&] { fill(bytes, 1.0); });
}

}  // namespace
}  // namespace cppipc::toolkits::array_fill_test
