// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "values/calling.h"

namespace cppipc::load_numbers_test {
namespace {

using test::refusal;
using test::scalar_of;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

TEST(IntegerParameter, TakesIntsBoolsAndNumPyIntegers) {
  EXPECT_EQ(from_variant<int>(7), 7);
  EXPECT_EQ(from_variant<int>(true), 1);
  EXPECT_EQ(from_variant<int>(scalar_of(std::int16_t{-4})), -4);
  EXPECT_EQ(from_variant<std::uint8_t>(scalar_of(std::uint64_t{200})), 200);
  EXPECT_EQ(from_variant<long long>(-5), -5);
}

TEST(IntegerParameter, RefusesFloatsEvenWholeOnes) {
  EXPECT_EQ(refused<int>(2.0), "wrongType: value: expected int, got float");
  EXPECT_EQ(refused<int>(scalar_of(2.0)), "wrongType: value: expected int, got numpy.float64");
}

TEST(IntegerParameter, RefusesTextNoneListsAndNumPyBools) {
  EXPECT_EQ(refused<int>("2"), "wrongType: value: expected int, got str");
  EXPECT_EQ(refused<int>({}), "wrongType: value: expected int, got None");
  EXPECT_EQ(refused<int>(List{{1}}), "wrongType: value: expected int, got list");
  EXPECT_EQ(refused<int>(scalar_of(true)), "wrongType: value: expected int, got numpy.bool");
  EXPECT_EQ(refused<int>(test::row_of<int>({1})),
            "wrongType: value: expected int, got ndarray[int32]");
}

TEST(IntegerParameter, RefusesWhatIsOutOfRange) {
  EXPECT_EQ(refused<std::int8_t>(128), "overflow: value: expected int from -128 to 127, got 128");
  EXPECT_EQ(refused<std::int8_t>(-129), "overflow: value: expected int from -128 to 127, got -129");
  EXPECT_EQ(refused<std::uint16_t>(-1), "overflow: value: expected int from 0 to 65535, got -1");
  EXPECT_EQ(refused<std::uint64_t>(-1),
            "overflow: value: expected int from 0 to 18446744073709551615, got -1");
  EXPECT_EQ(refused<std::int64_t>(scalar_of(std::uint64_t{1} << 63)),
            "overflow: value: expected int from -9223372036854775808 to 9223372036854775807, got "
            "9223372036854775808");
}

TEST(IntegerParameter, TakesItsWholeRange) {
  EXPECT_EQ(from_variant<std::int8_t>(-128), -128);
  EXPECT_EQ(from_variant<std::uint32_t>(4294967295LL), 4294967295u);
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(from_variant<std::int64_t>(kLowest), kLowest);
  EXPECT_EQ(from_variant<std::uint64_t>(scalar_of(~std::uint64_t{0})), ~std::uint64_t{0});
}

TEST(IntegerResult, RefusesUnsignedPast63Bits) {
  EXPECT_EQ(to_variant(std::uint64_t{9223372036854775807u}), Variant(9223372036854775807LL));
  EXPECT_EQ(refusal([] { to_variant(std::uint64_t{1} << 63); }),
            "overflow: value: 9223372036854775808 is past 9223372036854775807, the largest int");
  EXPECT_EQ(to_variant(std::int8_t{-3}), Variant(-3));
}

TEST(FloatParameter, TakesFloatsIntsAndNumPyReals) {
  EXPECT_EQ(from_variant<double>(1.5), 1.5);
  EXPECT_EQ(from_variant<double>(3), 3.0);
  EXPECT_EQ(from_variant<double>(scalar_of(2.5f)), 2.5);
  EXPECT_EQ(from_variant<double>(scalar_of(std::uint64_t{7})), 7.0);
  EXPECT_EQ(from_variant<float>(0.5), 0.5f);
  EXPECT_TRUE(std::isnan(from_variant<double>(std::nan(""))));
}

TEST(FloatParameter, RefusesBoolsTextAndComplex) {
  EXPECT_EQ(refused<double>(true), "wrongType: value: expected float, got bool");
  EXPECT_EQ(refused<double>(scalar_of(true)), "wrongType: value: expected float, got numpy.bool");
  EXPECT_EQ(refused<double>("1.5"), "wrongType: value: expected float, got str");
  EXPECT_EQ(refused<double>(std::complex<double>(1, 0)),
            "wrongType: value: expected float, got complex");
  EXPECT_EQ(refused<double>({}), "wrongType: value: expected float, got None");
}

TEST(FloatParameter, RefusesFiniteValuesThatWouldBecomeInfinite) {
  EXPECT_EQ(refused<float>(1e300),
            "overflow: value: expected float that fits in 32 bits, got 1e+300");
  EXPECT_TRUE(std::isinf(from_variant<float>(std::numeric_limits<double>::infinity())));
}

TEST(BoolParameter, TakesBoolsOnly) {
  EXPECT_TRUE(from_variant<bool>(true));
  EXPECT_TRUE(from_variant<bool>(scalar_of(true)));
  EXPECT_EQ(refused<bool>(1), "wrongType: value: expected bool, got int");
  EXPECT_EQ(refused<bool>({}), "wrongType: value: expected bool, got None");
  EXPECT_EQ(refused<bool>(scalar_of(std::int8_t{1})),
            "wrongType: value: expected bool, got numpy.int8");
}

TEST(ComplexParameter, TakesEveryNumberButBools) {
  using Complex = std::complex<double>;
  EXPECT_EQ(from_variant<Complex>(Complex(1, 2)), Complex(1, 2));
  EXPECT_EQ(from_variant<Complex>(1.5), Complex(1.5, 0));
  EXPECT_EQ(from_variant<Complex>(2), Complex(2, 0));
  EXPECT_EQ(from_variant<Complex>(scalar_of(std::complex<float>(1, 2))), Complex(1, 2));
  EXPECT_EQ(from_variant<std::complex<float>>(Complex(1, 2)), std::complex<float>(1, 2));
  EXPECT_EQ(refused<Complex>(true), "wrongType: value: expected complex, got bool");
  EXPECT_EQ(refused<Complex>("1j"), "wrongType: value: expected complex, got str");
  EXPECT_EQ(refused<std::complex<float>>(Complex(0, 1e300)),
            "overflow: value: expected float that fits in 32 bits, got 1e+300");
}

TEST(NumberResult, HasThePythonTypeOfItsCppType) {
  EXPECT_EQ(to_variant(1.5f), Variant(1.5));
  EXPECT_EQ(to_variant(true), Variant(true));
  EXPECT_EQ(to_variant(std::complex<float>(1, 2)), Variant(std::complex<double>(1, 2)));
}

}  // namespace
}  // namespace cppipc::load_numbers_test
