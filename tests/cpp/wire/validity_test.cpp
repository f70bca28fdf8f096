// SPDX-License-Identifier: Apache-2.0
#include "wire/validity.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace cppipc::validity_test {
namespace {

TEST(Validity, DatesMustBeInTheCalendar) {
  for (const Date& date :
       {Date{1, 1, 1}, Date{9999, 12, 31}, Date{2000, 2, 29}, Date{2024, 2, 29}}) {
    EXPECT_EQ(problem_of(date), nullptr);
  }
  for (const Date& date :
       {Date{0, 1, 1}, Date{10'000, 1, 1}, Date{-1, 1, 1}, Date{2024, 0, 1}, Date{2024, 13, 1},
        Date{2024, 1, 0}, Date{2024, 4, 31}, Date{2023, 2, 29}, Date{1900, 2, 29}}) {
    EXPECT_NE(problem_of(date), nullptr) << date.year << "-" << int{date.month};
  }
}

TEST(Validity, TimesMustBeInTheDay) {
  EXPECT_EQ(problem_of(TimeOfDay{23, 59, 59, 999'999, 1, 86'399}), nullptr);
  EXPECT_EQ(problem_of(TimeOfDay{0, 0, 0, 0, 0, -86'399}), nullptr);
  for (const TimeOfDay& time :
       {TimeOfDay{24, 0, 0, 0, 0, {}}, TimeOfDay{0, 60, 0, 0, 0, {}}, TimeOfDay{0, 0, 60, 0, 0, {}},
        TimeOfDay{0, 0, 0, 1'000'000, 0, {}}, TimeOfDay{0, 0, 0, 0, 2, {}},
        TimeOfDay{0, 0, 0, 0, 0, 86'400}, TimeOfDay{0, 0, 0, 0, 0, -86'400}}) {
    EXPECT_NE(problem_of(time), nullptr);
  }
}

TEST(Validity, TimeDeltasMustBeNormalised) {
  EXPECT_EQ(problem_of(TimeDelta{-999'999'999, 0, 0}), nullptr);
  EXPECT_EQ(problem_of(TimeDelta{999'999'999, 86'399, 999'999}), nullptr);
  for (const TimeDelta& delta :
       {TimeDelta{1'000'000'000, 0, 0}, TimeDelta{-1'000'000'000, 0, 0}, TimeDelta{0, -1, 0},
        TimeDelta{0, 86'400, 0}, TimeDelta{0, 0, -1}, TimeDelta{0, 0, 1'000'000}}) {
    EXPECT_NE(problem_of(delta), nullptr);
  }
}

TEST(Validity, DecimalsMustBeNumbers) {
  for (const char* text : {"0", "-0", "+1", "1.5", ".5", "5.", "1E+5", "1e-5", "-1.5E10",
                           "Infinity", "-Infinity", "NaN", "-NaN123", "sNaN", "-sNaN7"}) {
    EXPECT_EQ(problem_of(Decimal{text}), nullptr) << text;
  }
  for (const char* text : {"", "-", ".", "1.2.3", "1E", "1E+", "E5", "abc", "1 ", " 1", "sInfinity",
                           "NaNx", "0x10", "1_000", "--1"}) {
    EXPECT_NE(problem_of(Decimal{text}), nullptr) << text;
  }
  EXPECT_NE(problem_of(Decimal{std::string("1\0", 2)}), nullptr);
}

TEST(Validity, DTypesOfEveryFixedSizeCanCross) {
  const std::vector<DType> dtypes = {
      {"|b1", '?', 1},
      {"|i1", 'b', 1},
      {"<i2", 'h', 2},
      {">i4", 'i', 4},
      {"<i8", 'l', 8},
      {"<i8", 'q', 8},
      {"|u1", 'B', 1},
      {"<u8", 'Q', 8},
      {"<f2", 'e', 2},
      {"<f4", 'f', 4},
      {">f8", 'd', 8},
      {"<f16", 'g', 16},
      {"<c8", 'F', 8},
      {"<c16", 'D', 16},
      {"<c32", 'G', 32},
      {"<m8", 'm', 8},
      {"<M8[ns]", 'M', 8},
      {"<m8[25s]", 'm', 8},
      {"|S5", 'S', 5},
      {"|S1", 'c', 1},
      {"<U3", 'U', 12},
      {"<U1", 'w', 4},
      {"|V7", 'V', 7},
      {"|S0", 'S', 0},
      {"[('a', '<f8'), ('b', '|S3')]", 'V', 11},
      {"{'names': ['a'], 'formats': ['<i4'], 'offsets': [4], 'itemsize': 8}", 'V', 8}};
  for (const DType& dtype : dtypes) EXPECT_EQ(problem_of(dtype), nullptr) << dtype.text;
}

TEST(Validity, DTypesOfThisMachineCanCross) {
  EXPECT_EQ(problem_of(DType::of<bool>()), nullptr);
  EXPECT_EQ(problem_of(DType::of<long>()), nullptr);
  EXPECT_EQ(problem_of(DType::of<long long>()), nullptr);
  EXPECT_EQ(problem_of(DType::of<std::uint16_t>()), nullptr);
  EXPECT_EQ(problem_of(DType::of<float>()), nullptr);
  EXPECT_EQ(problem_of(DType::of<std::complex<double>>()), nullptr);
}

TEST(Validity, DTypesThatLieOrPointAreRefused) {
  const std::vector<DType> dtypes = {
      {"", 'd', 8},
      {"<f8", 'd', 4},
      {"<f8", 'f', 8},
      {"<f4", 'd', 4},
      {"<f8", '\0', 8},
      {"|O8", 'O', 8},
      {"|O", 'O', 8},
      {"|T16", 'T', 16},
      {"<i3", 'i', 3},
      {"<i16", 'q', 16},
      {"f8", 'd', 8},
      {"<f", 'd', 8},
      {"<f8x", 'd', 8},
      {"<f 8", 'd', 8},
      {"<f-8", 'd', 8},
      {"<U3", 'U', 3},
      {"|S5", 'S', 4},
      {"|S5", 'V', 5},
      {"|S2", 'c', 2},
      {"<U2", 'w', 8},
      {"<M8[ns", 'M', 8},
      {"<M8[]", 'M', 8},
      {"<M8[n s]", 'M', 8},
      {"<f8[ns]", 'd', 8},
      {"<f99999999999", 'd', 8},
      {"[('a', '<f8')]", 'd', 8},
      {std::string("<f8\0", 4), 'd', 8},
      {"|V2147483648", 'V', 2147483648u},
      {"[" + std::string(65, '(') + std::string(65, ')') + "]", 'V', 8}};
  for (const DType& dtype : dtypes) EXPECT_NE(problem_of(dtype), nullptr) << dtype.text;
}

TEST(Validity, ShapesMustFitIn64Bits) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> most_dimensions(64, 1);
  const std::vector<std::int64_t> too_many_dimensions(65, 1);
  EXPECT_EQ(problem_of_shape({}, 8), nullptr);
  EXPECT_EQ(problem_of_shape(most_dimensions, 8), nullptr);
  EXPECT_NE(problem_of_shape(too_many_dimensions, 8), nullptr);
  EXPECT_EQ(problem_of_shape(std::vector<std::int64_t>{kMax}, 1), nullptr);
  EXPECT_EQ(problem_of_shape(std::vector<std::int64_t>{kMax}, 0), nullptr);
  EXPECT_NE(problem_of_shape(std::vector<std::int64_t>{kMax}, 2), nullptr);
  EXPECT_NE(problem_of_shape(std::vector<std::int64_t>{-1}, 8), nullptr);
  EXPECT_NE(problem_of_shape(std::vector<std::int64_t>{1ll << 32, 1ll << 32}, 1), nullptr);
  EXPECT_NE(problem_of_shape(std::vector<std::int64_t>{0, kMax, kMax}, 1), nullptr);
}

TEST(Validity, SizeOfAShapeIsTheProduct) {
  EXPECT_EQ(nbytes_of({}, 8), 8u);
  EXPECT_EQ(nbytes_of(std::vector<std::int64_t>{2, 3}, 8), 48u);
  EXPECT_EQ(nbytes_of(std::vector<std::int64_t>{2, 0, 3}, 8), 0u);
  EXPECT_EQ(nbytes_of(std::vector<std::int64_t>{5}, 0), 0u);
}

}  // namespace
}  // namespace cppipc::validity_test
