// SPDX-License-Identifier: Apache-2.0
#include "toolkits/array_total.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "called.h"
#include "toolkits/element_type.h"

namespace cppipc::toolkits::array_total_test {
namespace {

// An array of raw elements given as bytes.
AnyArray raw_array(const std::string& dtype, const std::vector<std::uint8_t>& bytes) {
  const DType type = dtype_of(dtype);
  AnyArray array = make_array(type, {static_cast<std::int64_t>(bytes.size() / type.itemsize)});
  std::memcpy(array.data, bytes.data(), bytes.size());
  return array;
}

TEST(ArrayTotal, IntegersOfEveryWidth) {
  EXPECT_EQ(total_of(array_of<bool>({true, false, true})), Variant(2));
  EXPECT_EQ(total_of(array_of<std::int8_t>({-128, 1})), Variant(-127));
  EXPECT_EQ(total_of(array_of<std::uint8_t>({255, 255})), Variant(510));
  EXPECT_EQ(total_of(array_of<std::int16_t>({-5, 2})), Variant(-3));
  EXPECT_EQ(total_of(array_of<std::uint16_t>({65535, 1})), Variant(65536));
  EXPECT_EQ(total_of(array_of<std::int32_t>({1, -2})), Variant(-1));
  EXPECT_EQ(total_of(array_of<std::uint32_t>({4294967295u, 1})), Variant(4294967296));
  EXPECT_EQ(total_of(array_of<std::int64_t>({1, 2, 3})), Variant(6));
}

TEST(ArrayTotal, OnlyTheSumMustFit) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(total_of(array_of<std::int64_t>({kMost, kMost, -kMost})), Variant(kMost));
  EXPECT_EQ(total_of(array_of<std::uint64_t>({1, 2})), Variant(3));
  refusal_of(ErrorKind::kOverflow, [] { total_of(array_of<std::int64_t>({kMost, 1})); });
  refusal_of(ErrorKind::kOverflow,
             [] { total_of(array_of<std::uint64_t>({std::uint64_t{1} << 63})); });
}

TEST(ArrayTotal, RealsAreSummedWithCompensation) {
  EXPECT_EQ(total_of(array_of<double>({1e100, 1, -1e100})), Variant(1.0));
  EXPECT_EQ(total_of(array_of<float>({0.5f, 0.25f})), Variant(0.75));
  EXPECT_EQ(total_of(array_of<long double>({1.5L, 2})), Variant(3.5));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(total_of(array_of<double>({infinity, 1})), Variant(infinity));
  EXPECT_TRUE(std::isnan(total_of(array_of<double>({infinity, -infinity})).as<double>()));
}

TEST(ArrayTotal, ComplexNumbers) {
  EXPECT_EQ(total_of(array_of<std::complex<float>>({{1, 2}, {3, -4}})),
            Variant(std::complex<double>(4, -2)));
  EXPECT_EQ(total_of(array_of<std::complex<double>>({{1, 2}, {3, -4}})),
            Variant(std::complex<double>(4, -2)));
}

TEST(ArrayTotal, HalfPrecision) {
  // 1.0, -2.0, the least subnormal 2^-24, and 65504.
  const AnyArray halves = raw_array("<f2", {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b});
  EXPECT_EQ(total_of(halves), Variant(65503 + std::ldexp(1.0, -24)));
  EXPECT_TRUE(std::isinf(total_of(raw_array("<f2", {0x00, 0x7c})).as<double>()));
  EXPECT_TRUE(std::isnan(total_of(raw_array("<f2", {0x01, 0x7c})).as<double>()));
}

TEST(ArrayTotal, BothByteOrders) {
  EXPECT_EQ(total_of(raw_array(">i4", {0, 0, 1, 2})), Variant(258));
  EXPECT_EQ(total_of(raw_array("<i4", {2, 1, 0, 0})), Variant(258));
  EXPECT_EQ(total_of(raw_array(">f8", {0x3f, 0xf0, 0, 0, 0, 0, 0, 0})), Variant(1.0));
}

TEST(ArrayTotal, AnyShapeAndStrides) {
  AnyArray array = array_of<std::int32_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  array.shape = {3, 4};
  array.strides = {16, 4};
  EXPECT_EQ(total_of(array), Variant(66));
  array.shape = {2, 2};  // every second row and column: 0, 2, 8, 10
  array.strides = {32, 8};
  EXPECT_EQ(total_of(array), Variant(20));
  array.data += 11 * 4;  // backwards: 11, 10, 9
  array.shape = {3};
  array.strides = {-4};
  EXPECT_EQ(total_of(array), Variant(30));
  array.shape = {5};  // one element, five times
  array.strides = {0};
  EXPECT_EQ(total_of(array), Variant(55));
}

TEST(ArrayTotal, NoDimensionsAndNoElements) {
  AnyArray array = array_of<double>({2.5});
  array.shape = {};
  array.strides = {};
  EXPECT_EQ(total_of(array), Variant(2.5));
  EXPECT_EQ(total_of(make_array(DType::of<std::int64_t>(), {3, 0, 2})), Variant(0));
  EXPECT_EQ(total_of(make_array(DType::of<double>(), {0})), Variant(0.0));
}

TEST(ArrayTotal, UnalignedElements) {
  const AnyArray bytes = raw_array("u1", {9, 1, 0, 0, 0, 2, 0, 0, 0});
  AnyArray array = bytes;
  array.dtype = dtype_of("<i4");
  array.data += 1;
  array.shape = {2};
  array.strides = {4};
  EXPECT_EQ(total_of(array), Variant(3));
}

TEST(ArrayTotal, WhatIsNoNumberIsRefused) {
  for (const char* dtype : {"S4", "U1", "V8", "<M8[ns]"}) {
    refusal_of(ErrorKind::kWrongType, [&] { total_of(make_array(dtype_of(dtype), {1})); });
  }
  refusal_of(ErrorKind::kWrongType, [] {
    total_of(make_array(DType{"[('a', '<i4')]", 'V', 4}, {1}));
  });
}

}  // namespace
}  // namespace cppipc::toolkits::array_total_test
