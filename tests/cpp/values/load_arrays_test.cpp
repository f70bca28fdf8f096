// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::load_arrays_test {
namespace {

using test::array_of;
using test::call;
using test::refusal;
using test::row_of;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

TEST(ArrayViewParameter, TakesExactlyItsDtypeInTheSameMemory) {
  const AnyArray array = array_of<float>({1, 2, 3, 4}, {2, 2});
  const auto view = from_variant<ArrayView<float>>(array);
  EXPECT_EQ(view.any().data, array.data);
  EXPECT_EQ(view[3], 4.0f);
  EXPECT_EQ(from_variant<ArrayView<long long>>(row_of<long>({5}))[0], 5);
}

TEST(ArrayViewParameter, RefusesOtherDtypesNamingBoth) {
  EXPECT_EQ(refused<ArrayView<double>>(row_of<float>({1})),
            "wrongType: value: expected ndarray[float64], got ndarray[float32]");
  EXPECT_EQ(refused<ArrayView<double>>(List{{1.0}}),
            "wrongType: value: expected ndarray[float64], got list");
  AnyArray swapped = row_of<std::int32_t>({1});
  swapped.dtype.text = swapped.dtype.text[0] == '<' ? ">i4" : "<i4";
  EXPECT_EQ(refused<ArrayView<std::int32_t>>(swapped),
            "wrongType: value: expected ndarray[int32], got ndarray[" + swapped.dtype.text + "]");
}

TEST(ArrayParameter, TakesWhatCastsSafely) {
  const auto array = from_variant<Array<double>>(array_of<std::int32_t>({1, 2, 3, 4}, {2, 2}));
  EXPECT_EQ(array.shape().size(), 2u);
  EXPECT_EQ(array[3], 4.0);
  AnyArray readonly = row_of<double>({1.5});
  readonly.is_readonly = true;
  EXPECT_EQ(from_variant<Array<double>>(readonly)[0], 1.5);
}

TEST(ArrayParameter, RefusesLossyCasts) {
  EXPECT_EQ(refused<Array<float>>(row_of<double>({1})),
            "wrongType: value: expected ndarray[float32], got ndarray[float64]");
  EXPECT_EQ(refused<Array<std::int32_t>>(row_of<std::uint32_t>({1})),
            "wrongType: value: expected ndarray[int32], got ndarray[uint32]");
  EXPECT_EQ(refused<Array<double>>("x"), "wrongType: value: expected ndarray[float64], got str");
}

TEST(ArrayParameter, TakesOverMemoryThatNobodyElseHas) {
  AnyArray array = row_of<double>({1, 2});
  const std::byte* data = array.data;
  EXPECT_EQ(from_variant<Array<double>>(Variant(std::move(array))).any().data, data);
}

TEST(ArrayParameter, NeverChangesMemoryThatSomebodyElseHas) {
  const AnyArray kept = row_of<double>({1, 2});
  auto array = from_variant<Array<double>>(kept);
  array[0] = 9;
  EXPECT_EQ(ArrayView<double>(kept)[0], 1.0);
}

TEST(ArrayParameter, LeavesItsDefaultAsItWas) {
  Registry registry;
  registry.function(
      "write",
      [](Array<double> array) {
        array[0] += 1;
        return array[0];
      },
      arg("array") = Array<double>(2));
  EXPECT_EQ(call(registry, "write"), Variant(1.0));
  EXPECT_EQ(call(registry, "write"), Variant(1.0));
}

TEST(AnyArrayParameter, TakesEveryArray) {
  const AnyArray odd = make_array({"[('a', '<f8')]", 'V', 8}, {3});
  EXPECT_EQ(from_variant<AnyArray>(odd).data, odd.data);
  EXPECT_EQ(refused<AnyArray>(List{}), "wrongType: value: expected ndarray, got list");
}

TEST(ArrayResult, SharesItsMemory) {
  const Array<double> array(3);
  const Variant stored = to_variant(array);
  EXPECT_EQ(stored.as_array().data, array.any().data);
  EXPECT_EQ(stored.as_array().flavor, ArrayFlavor::kArray);
}

TEST(ArrayParameter, IsAnArrayEvenIfAScalarCame) {
  const Variant back = to_variant(from_variant<Array<double>>(test::scalar_of(1.5)));
  EXPECT_EQ(back.as_array().flavor, ArrayFlavor::kArray);
  EXPECT_TRUE(back.as_array().shape.empty());
}

}  // namespace
}  // namespace cppipc::load_arrays_test
