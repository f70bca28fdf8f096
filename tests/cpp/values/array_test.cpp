// SPDX-License-Identifier: Apache-2.0
#include <cppipc/array.h>
#include <cppipc/error.h>

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <ranges>

#include "values/calling.h"

namespace cppipc::array_test {
namespace {

using test::array_of;
using test::refusal;
using test::row_of;

AnyArray counting(std::vector<std::int64_t> shape) {
  Array<std::int32_t> array(std::move(shape));
  std::iota(array.span().begin(), array.span().end(), 0);
  return array.any();
}

AnyArray transposed(AnyArray array) {
  std::reverse(array.shape.begin(), array.shape.end());
  std::reverse(array.strides.begin(), array.strides.end());
  return array;
}

// array[::-1] of one dimension.
AnyArray reversed(AnyArray array) {
  array.data += (array.shape[0] - 1) * array.strides[0];
  array.strides[0] = -array.strides[0];
  return array;
}

std::vector<std::int32_t> elements(const AnyArray& array) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(array.size()));
  array.copy_to(reinterpret_cast<std::byte*>(values.data()));
  return values;
}

TEST(AnyArray, CountsElementsAndBytes) {
  const AnyArray array = counting({2, 3, 4});
  EXPECT_EQ(array.size(), 24);
  EXPECT_EQ(array.nbytes(), 96);
  EXPECT_EQ(array.strides, (std::vector<std::int64_t>{48, 16, 4}));
}

TEST(AnyArray, HasOneElementWithoutDimensions) {
  const AnyArray array = counting({});
  EXPECT_EQ(array.size(), 1);
  EXPECT_TRUE(array.is_c_contiguous());
  EXPECT_TRUE(array.is_f_contiguous());
  EXPECT_EQ(elements(array), std::vector<std::int32_t>{0});
}

TEST(AnyArray, MayBeEmpty) {
  const AnyArray array = counting({3, 0, 2});
  EXPECT_EQ(array.size(), 0);
  EXPECT_EQ(array.nbytes(), 0);
  EXPECT_TRUE(array.is_c_contiguous());
  EXPECT_TRUE(elements(array).empty());
  EXPECT_EQ(array.copy(), array);
}

TEST(AnyArray, RefusesSizesPast63Bits) {
  AnyArray array = counting({1});
  array.shape = {std::int64_t{1} << 32, std::int64_t{1} << 32};
  EXPECT_EQ(refusal([&] { (void)array.size(); }),
            "overflow: array is too large: more than 2^63-1 elements or bytes");
  array.shape = {std::int64_t{1} << 62};
  EXPECT_EQ(array.size(), std::int64_t{1} << 62);
  EXPECT_EQ(refusal([&] { (void)array.nbytes(); }),
            "overflow: array is too large: more than 2^63-1 elements or bytes");
}

TEST(AnyArray, IsEmptyHoweverLargeTheOtherDimensionsAre) {
  AnyArray array = counting({1});
  array.shape = {std::int64_t{1} << 62, 0, std::int64_t{1} << 62};
  EXPECT_EQ(array.size(), 0);
  EXPECT_EQ(array.nbytes(), 0);
}

TEST(AnyArray, KnowsItsOrder) {
  const AnyArray rows = counting({2, 3});
  EXPECT_TRUE(rows.is_c_contiguous());
  EXPECT_FALSE(rows.is_f_contiguous());
  const AnyArray columns = transposed(rows);
  EXPECT_FALSE(columns.is_c_contiguous());
  EXPECT_TRUE(columns.is_f_contiguous());
  EXPECT_FALSE(reversed(counting({3})).is_c_contiguous());
}

TEST(AnyArray, IgnoresStridesOfDimensionsOfLengthOne) {
  AnyArray array = counting({1, 3});
  array.strides[0] = 777;
  EXPECT_TRUE(array.is_c_contiguous());
  EXPECT_TRUE(array.is_f_contiguous());
}

TEST(AnyArray, CopiesAnyStridesInCOrder) {
  EXPECT_EQ(elements(transposed(counting({2, 3}))), (std::vector<std::int32_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(elements(reversed(counting({4}))), (std::vector<std::int32_t>{3, 2, 1, 0}));
  EXPECT_EQ(elements(transposed(counting({2, 2, 2}))),
            (std::vector<std::int32_t>{0, 4, 2, 6, 1, 5, 3, 7}));
}

TEST(AnyArray, RepeatsElementsWhereAStrideIsZero) {
  AnyArray array = counting({3});
  array.shape = {2, 3};
  array.strides = {0, 4};
  EXPECT_EQ(elements(array), (std::vector<std::int32_t>{0, 1, 2, 0, 1, 2}));
  array.shape = {2, 2};
  array.strides = {0, 0};
  EXPECT_EQ(elements(array), (std::vector<std::int32_t>{0, 0, 0, 0}));
}

TEST(AnyArray, CopiesEveryItemsize) {
  for (const std::uint32_t itemsize : {1u, 2u, 3u, 4u, 8u, 12u, 16u}) {
    AnyArray array = make_array({"|V" + std::to_string(itemsize), 'V', itemsize}, {5});
    for (std::int64_t i = 0; i < array.nbytes(); ++i) array.data[i] = static_cast<std::byte>(i);
    const AnyArray backwards = reversed(array).copy();
    EXPECT_EQ(reversed(backwards), array) << itemsize;
    EXPECT_FALSE(backwards == array) << itemsize;
  }
}

TEST(AnyArray, KeepsFortranOrderInACopy) {
  const AnyArray columns = transposed(counting({2, 3}));
  const AnyArray copied = columns.copy();
  EXPECT_TRUE(copied.is_f_contiguous());
  EXPECT_NE(copied.data, columns.data);
  EXPECT_FALSE(copied.is_readonly);
  EXPECT_EQ(elements(copied), elements(columns));
}

TEST(AnyArray, ComparesElementsNotStrides) {
  const AnyArray rows = counting({2, 3});
  AnyArray columns = transposed(rows);
  EXPECT_EQ(transposed(columns.copy()), rows);
  EXPECT_FALSE(rows == columns);
  EXPECT_FALSE(rows == counting({3, 2}));
  AnyArray other = rows.copy();
  other.data[23] = std::byte{9};
  EXPECT_FALSE(rows == other);
}

TEST(AnyArray, ComparesBitwise) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(row_of<double>({nan}), row_of<double>({nan}));
  EXPECT_FALSE(row_of<double>({0.0}) == row_of<double>({-0.0}));
  EXPECT_FALSE(row_of<float>({0}) == row_of<std::int32_t>({0}));
}

TEST(MakeArray, GivesWritableZeros) {
  const AnyArray array = make_array(DType::of<double>(), {3, 5});
  EXPECT_FALSE(array.is_readonly);
  EXPECT_EQ(array, array_of<double>(std::vector<double>(15, 0.0), {3, 5}));
}

TEST(MakeArray, RefusesImpossibleShapes) {
  EXPECT_EQ(refusal([] {
              make_array(DType::of<double>(), {2, -1});
            }),
            "invalidArgument: negative dimensions are not allowed");
  EXPECT_EQ(refusal([] { make_array(DType::of<double>(), {std::int64_t{1} << 62}); }),
            "overflow: array is too large: more than 2^63-1 elements or bytes");
}

TEST(MakeArray, TakesItemsOfNoBytes) {
  const AnyArray array = make_array({"|V0", 'V', 0}, {4});
  EXPECT_EQ(array.size(), 4);
  EXPECT_EQ(array.nbytes(), 0);
  EXPECT_EQ(array.copy(), array);
}

TEST(ArrayView, ReadsAnyStrides) {
  const ArrayView<std::int32_t> view(transposed(counting({2, 3})));
  EXPECT_EQ(view.ndim(), 2u);
  EXPECT_EQ(view.size(), 6);
  EXPECT_FALSE(view.is_contiguous());
  EXPECT_EQ(view[0], 0);
  EXPECT_EQ(view[1], 3);
  EXPECT_EQ(view[5], 5);
  EXPECT_THROW((void)view.span(), std::logic_error);
}

TEST(ArrayView, GivesASpanOfContiguousElements) {
  const ArrayView<std::int32_t> view(counting({2, 3}));
  ASSERT_TRUE(view.is_contiguous());
  EXPECT_EQ(view.span().size(), 6u);
  EXPECT_EQ(view.span()[4], 4);
}

AnyArray misaligned(double first, double second) {
  AnyArray array = make_array({"|V1", 'V', 1}, {17});
  std::memcpy(array.data + 1, &first, sizeof(first));
  std::memcpy(array.data + 9, &second, sizeof(second));
  array.dtype = DType::of<double>();
  array.data += 1;
  array.shape = {2};
  array.strides = {8};
  return array;
}

TEST(ArrayView, ReadsElementsThatAreNotAligned) {
  const ArrayView<double> view(misaligned(2.5, 3.5));
  EXPECT_FALSE(view.is_contiguous());
  EXPECT_EQ(view[0], 2.5);
}

static_assert(std::ranges::forward_range<const ArrayView<double>>);
static_assert(std::ranges::forward_range<const ArrayView<bool>>);

// What a loop over a view finds.
template <class T = std::int32_t>
std::vector<T> walked(const AnyArray& array) {
  std::vector<T> values;
  for (const T value : ArrayView<T>(array)) values.push_back(value);
  return values;
}

TEST(ArrayView, IsARangeInCOrder) {
  const AnyArray cube = counting({2, 3, 4});
  AnyArray planes = cube;  // cube[:, ::2, 1:3]
  planes.data += 4;
  planes.shape = {2, 2, 2};
  planes.strides[1] *= 2;
  AnyArray repeated = counting({3});
  repeated.shape = {2, 3};
  repeated.strides = {0, 4};
  for (const AnyArray& array : {cube, transposed(cube), planes, reversed(counting({4})), repeated,
                                transposed(counting({1, 3})), counting({}), counting({5})}) {
    EXPECT_EQ(walked(array), elements(array));
    EXPECT_EQ(walked(array).size(), static_cast<std::size_t>(array.size()));
  }
  EXPECT_EQ(walked(planes), (std::vector<std::int32_t>{1, 2, 9, 10, 13, 14, 21, 22}));
}

TEST(ArrayView, IsAnEmptyRangeIfADimensionIs) {
  EXPECT_TRUE(walked(counting({0})).empty());
  EXPECT_TRUE(walked(transposed(counting({3, 0, 2}))).empty());
}

TEST(ArrayView, IsARangeOfElementsThatAreNotAligned) {
  AnyArray array = misaligned(2.5, 3.5);
  EXPECT_EQ(walked<double>(array), (std::vector<double>{2.5, 3.5}));
  array.shape.clear();
  array.strides.clear();
  EXPECT_EQ(walked<double>(array), std::vector<double>{2.5});
}

TEST(ArrayView, HasIteratorsThatMayGoTwice) {
  const ArrayView<std::int32_t> view(transposed(counting({2, 3})));
  auto first = view.begin();
  const auto before = first++;
  EXPECT_EQ(*before, 0);
  EXPECT_EQ(*first, 3);
  EXPECT_FALSE(first == before);
  EXPECT_EQ(std::accumulate(first, view.end(), 0), 15);
  EXPECT_EQ(std::accumulate(first, view.end(), 0), 15);
  EXPECT_EQ(std::distance(view.begin(), view.end()), 6);
  EXPECT_EQ(*std::ranges::max_element(view), 5);
}

TEST(ArrayView, RefusesOtherDtypesNamingBoth) {
  EXPECT_EQ(refusal([] { ArrayView<double> view(counting({2})); }),
            "wrongType: expected an array of float64, got an array of int32");
}

TEST(ArrayView, ReadsEveryNonzeroByteAsTrue) {
  AnyArray array = row_of<bool>({false, true});
  array.data[1] = std::byte{7};
  const ArrayView<bool> view(array);
  EXPECT_FALSE(view[0]);
  EXPECT_TRUE(view[1]);
}

TEST(OwnedArray, TakesMemoryItMayWrite) {
  const AnyArray given = counting({4});
  const Array<std::int32_t> array(given);
  EXPECT_EQ(array.any().data, given.data);
}

TEST(OwnedArray, CopiesMemoryItMayNotWriteOrWalk) {
  AnyArray readonly = counting({4});
  readonly.is_readonly = true;
  EXPECT_NE(Array<std::int32_t>(readonly).any().data, readonly.data);
  AnyArray borrowed = counting({4});
  const auto keeper = std::exchange(borrowed.owner, nullptr);
  EXPECT_NE(Array<std::int32_t>(borrowed).any().data, borrowed.data);
  const Array<std::int32_t> straight(transposed(counting({2, 3})));
  EXPECT_EQ(straight[1], 3);
  EXPECT_TRUE(straight.any().is_c_contiguous());
}

TEST(OwnedArray, StartsWithZeros) {
  Array<float> array(5);
  EXPECT_EQ(std::accumulate(array.span().begin(), array.span().end(), 0.0f), 0.0f);
  array[2] = 1.5f;
  EXPECT_EQ(ArrayView<float>(array.any())[2], 1.5f);
}

}  // namespace
}  // namespace cppipc::array_test
