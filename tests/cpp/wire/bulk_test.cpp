// SPDX-License-Identifier: Apache-2.0
// str, bytes and arrays, inside the message and beside it.

#include "wire/bulk.h"

#include "support/memory_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

namespace cppipc::bulk_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::round_trip;

const MarshalLimits kSmall{64 << 20, 100, nullptr};

// 0, 1, 2 ... as elements of type T.
template <class T>
AnyArray counted(std::vector<std::int64_t> shape) {
  Array<T> array(std::move(shape));
  std::iota(array.data(), array.data() + array.size(), T{0});
  return array.any();
}

// The same elements with the axes in reverse.
AnyArray transposed(AnyArray array) {
  std::reverse(array.shape.begin(), array.shape.end());
  std::reverse(array.strides.begin(), array.strides.end());
  return array;
}

// Every second element of a one-dimensional array, backwards.
AnyArray every_second_backwards(AnyArray array) {
  const std::int64_t count = array.shape[0] / 2;
  array.data += (2 * count - 1) * array.strides[0];
  array.shape[0] = count;
  array.strides[0] *= -2;
  return array;
}

struct Sent {
  Variant value;
  int blobs;
};
Sent send(const Variant& value, const MarshalLimits& limits = kSmall) {
  MemoryCaps caps;
  Variant back = round_trip(value, caps, limits);
  return {std::move(back), caps.blobs_sent};
}

TEST(Bulk, TextsLieInTheMessageUpToTheLimit) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 99, 100}) {
    const Sent sent = send(std::string(size, 'x'));
    EXPECT_EQ(sent.blobs, 0) << size;
    EXPECT_TRUE(sent.value == Variant(std::string(size, 'x'))) << size;
  }
  for (const std::size_t size : {101, 102, 1000}) {
    const Sent sent = send(std::string(size, 'x'));
    EXPECT_EQ(sent.blobs, 1) << size;
    EXPECT_TRUE(sent.value == Variant(std::string(size, 'x'))) << size;
  }
}

TEST(Bulk, BytesLieInTheMessageUpToTheLimit) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 99, 100}) {
    const Sent sent = send(Bytes(std::string(size, '\xff')));
    EXPECT_EQ(sent.blobs, 0) << size;
    EXPECT_EQ(sent.value.as<Bytes>().view(), std::string(size, '\xff')) << size;
  }
  for (const std::size_t size : {101, 1000}) {
    const Sent sent = send(Bytes(std::string(size, '\xff')));
    EXPECT_EQ(sent.blobs, 1) << size;
    EXPECT_EQ(sent.value.as<Bytes>().view(), std::string(size, '\xff')) << size;
  }
}

TEST(Bulk, ArraysLieInTheMessageUpToTheLimit) {
  EXPECT_EQ(send(counted<std::uint8_t>({100})).blobs, 0);
  EXPECT_EQ(send(counted<std::uint8_t>({101})).blobs, 1);
  EXPECT_EQ(send(counted<double>({12})).blobs, 0);
  EXPECT_EQ(send(counted<double>({13})).blobs, 1);
}

TEST(Bulk, AnInlineLimitOfZeroSendsEverythingBeside) {
  const MarshalLimits limits{64 << 20, 0};
  const Variant value = List{{"x", Bytes("y"), counted<double>({1})}};
  const Sent sent = send(value, limits);
  EXPECT_EQ(sent.blobs, 3);
  EXPECT_TRUE(sent.value == value);
  EXPECT_EQ(send(List{{"", Bytes(""), counted<double>({0})}}, limits).blobs, 0);
}

TEST(Bulk, ArraysComeBackWritableInMemoryOfTheirOwn) {
  for (const std::int64_t length : {3, 300}) {
    AnyArray array = counted<std::int64_t>({length});
    array.is_readonly = true;
    const Sent sent = send(array);
    const AnyArray& back = sent.value.as_array();
    EXPECT_TRUE(back == array);
    EXPECT_FALSE(back.is_readonly);
    EXPECT_NE(back.data, array.data);
    EXPECT_NE(back.owner, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back.data) % 64, 0u);
    std::memset(back.data, 0xee, static_cast<std::size_t>(back.nbytes()));
    EXPECT_FALSE(back == array);
  }
}

TEST(Bulk, ArraysOfEveryShapeComeBack) {
  const std::vector<std::vector<std::int64_t>> shapes = {
      {}, {0}, {1}, {5}, {2, 3}, {0, 3}, {3, 0}, {2, 3, 4}, {1, 1, 1}, {20, 30}, {2, 0, 4}};
  for (const auto& shape : shapes) {
    const AnyArray array = counted<float>(shape);
    const Sent sent = send(array);
    EXPECT_EQ(sent.value.as_array().shape, shape);
    EXPECT_TRUE(sent.value.as_array() == array);
    EXPECT_TRUE(sent.value.as_array().is_c_contiguous());
  }
}

TEST(Bulk, FortranOrderIsKept) {
  for (const std::int64_t rows : {2, 50}) {
    const AnyArray array = transposed(counted<std::int32_t>({rows, 3, 2}));
    ASSERT_TRUE(array.is_f_contiguous() && !array.is_c_contiguous());
    const Sent sent = send(array);
    EXPECT_EQ(sent.blobs, rows == 50 ? 1 : 0);
    EXPECT_TRUE(sent.value.as_array() == array);
    EXPECT_EQ(sent.value.as_array().strides, array.strides);
  }
}

TEST(Bulk, StridedArraysComeBackInCOrder) {
  for (const std::int64_t length : {10, 1000}) {
    const AnyArray array = every_second_backwards(counted<std::int64_t>({length}));
    ASSERT_FALSE(array.is_c_contiguous() || array.is_f_contiguous());
    const Sent sent = send(array);
    EXPECT_TRUE(sent.value.as_array() == array);
    EXPECT_TRUE(sent.value.as_array().is_c_contiguous());
  }
}

TEST(Bulk, BroadcastArraysComeBackWhole) {
  AnyArray array = counted<std::int64_t>({1});
  array.shape = {7, 30};
  array.strides = {0, 0};
  const Sent sent = send(array);
  EXPECT_TRUE(sent.value.as_array() == array);
  EXPECT_EQ(sent.value.as_array().nbytes(), 7 * 30 * 8);
}

TEST(Bulk, FlavorAndDTypeAreKept) {
  AnyArray array = counted<std::uint8_t>({12});
  array.dtype = {"[('a', '<i4'), ('b', '|S8')]", 'V', 12};
  array.shape = {1};
  array.strides = {12};
  for (const ArrayFlavor flavor :
       {ArrayFlavor::kArray, ArrayFlavor::kScalar, ArrayFlavor::kByteArray,
        ArrayFlavor::kArrayArray, ArrayFlavor::kBuffer}) {
    array.flavor = flavor;
    const Variant back = round_trip(array);
    EXPECT_EQ(back.as_array().flavor, flavor);
    EXPECT_EQ(back.as_array().dtype, array.dtype);
  }
}

TEST(Bulk, ArraysOfEmptyElementsKeepTheirShape) {
  AnyArray array = make_array({"|V0", 'V', 0}, {3, 1'000'000'000});
  const Variant back = round_trip(array);
  EXPECT_EQ(back.as_array().shape, array.shape);
  EXPECT_EQ(back.as_array().nbytes(), 0);
}

TEST(Bulk, LargeContiguousMemoryIsSharedNotCopied) {
  const Bytes bytes(std::string(1000, 'b'));
  const AnyArray array = counted<double>({1000});
  const AnyArray fortran = transposed(counted<double>({20, 50}));
  const long owners = array.owner.use_count();
  MemoryCaps caps;
  MemoryMessage message;
  marshal(List{{bytes, array, fortran}}, message.init<wire::Variant>(), caps, kSmall);
  ASSERT_EQ(caps.sent_bytes.size(), 3u);
  EXPECT_EQ(caps.sent_bytes[0].data(), bytes.span().data());
  EXPECT_EQ(caps.sent_bytes[1].data(), array.data);
  EXPECT_EQ(caps.sent_bytes[2].data(), fortran.data);
  EXPECT_EQ(array.owner.use_count(), owners + 1);
}

TEST(Bulk, MemoryWithoutAnOwnerIsCopied) {
  std::vector<double> numbers(1000, 1.5);
  AnyArray array;
  array.dtype = DType::of<double>();
  array.shape = {1000};
  array.strides = {8};
  array.data = reinterpret_cast<std::byte*>(numbers.data());
  const Bytes bytes(std::as_bytes(std::span(numbers)), nullptr);
  const Variant expected = List{{Variant(array.copy()), Bytes(bytes.view())}};
  MemoryCaps caps;
  MemoryMessage message;
  marshal(List{{array, bytes}}, message.init<wire::Variant>(), caps, kSmall);
  std::fill(numbers.begin(), numbers.end(), 0.0);
  EXPECT_TRUE(unmarshal(message.read<wire::Variant>(), caps) == expected);
}

TEST(Bulk, LargeValuesOutliveWhatTheyWereMarshalledFrom) {
  MemoryCaps caps;
  MemoryMessage message;
  {
    const Variant value =
        List{{std::string(1000, 's'), Bytes(std::string(1000, 'b')), counted<double>({1000}),
              every_second_backwards(counted<double>({1000}))}};
    marshal(value, message.init<wire::Variant>(), caps, kSmall);
  }
  const Variant expected =
      List{{std::string(1000, 's'), Bytes(std::string(1000, 'b')), counted<double>({1000}),
            every_second_backwards(counted<double>({1000}))}};
  EXPECT_TRUE(unmarshal(message.read<wire::Variant>(), caps) == expected);
}

TEST(Bulk, TextsBeyondTheTrustedSizeComeBack) {
  const std::string text(65 << 20, 't');
  EXPECT_TRUE(send(text).value == Variant(text));
}

}  // namespace
}  // namespace cppipc::bulk_test
