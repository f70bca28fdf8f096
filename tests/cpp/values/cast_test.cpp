// SPDX-License-Identifier: Apache-2.0
#include "values/cast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "values/calling.h"
#include "values/dtype.h"

namespace cppipc::cast_test {
namespace {

using test::row_of;

template <class T>
std::vector<T> cast(const AnyArray& from) {
  std::vector<T> out(static_cast<std::size_t>(from.size()));
  detail::cast_elements(from, detail::dtype_kind<T>(), sizeof(T), out.data());
  return out;
}

// The same elements in the other byte order.
AnyArray swapped(AnyArray array, std::size_t part) {
  array = array.copy();
  for (std::int64_t i = 0; i < array.nbytes(); i += static_cast<std::int64_t>(part)) {
    std::reverse(array.data + i, array.data + i + part);
  }
  array.dtype.text[0] = detail::kNativeOrder == '<' ? '>' : '<';
  return array;
}

AnyArray halves(const std::vector<std::uint16_t>& bits) {
  AnyArray array = row_of<std::uint16_t>(bits);
  array.dtype = {std::string(1, detail::kNativeOrder) + "f2", 'e', 2};
  return array;
}

TEST(CastElements, WidensIntegers) {
  EXPECT_EQ(cast<std::int64_t>(row_of<std::int8_t>({-128, 127})),
            (std::vector<std::int64_t>{-128, 127}));
  EXPECT_EQ(cast<std::uint64_t>(row_of<std::uint32_t>({0xffffffffu})),
            (std::vector<std::uint64_t>{0xffffffffu}));
  EXPECT_EQ(cast<std::int32_t>(row_of<std::uint16_t>({65535})), (std::vector<std::int32_t>{65535}));
}

TEST(CastElements, TurnsIntegersAndBoolsIntoFloats) {
  EXPECT_EQ(cast<double>(row_of<std::int64_t>({-3, 4})), (std::vector<double>{-3.0, 4.0}));
  EXPECT_EQ(cast<float>(row_of<bool>({true, false})), (std::vector<float>{1.0f, 0.0f}));
  EXPECT_EQ(cast<std::complex<float>>(row_of<std::int16_t>({-3})),
            (std::vector<std::complex<float>>{{-3.0f, 0.0f}}));
}

TEST(CastElements, CopiesElementsOfTheSameType) {
  EXPECT_EQ(cast<double>(row_of<double>({1.5, -2.5})), (std::vector<double>{1.5, -2.5}));
  EXPECT_EQ(cast<std::uint8_t>(row_of<std::uint8_t>({9})), (std::vector<std::uint8_t>{9}));
}

TEST(CastElements, ReadsTheOtherByteOrder) {
  EXPECT_EQ(cast<double>(swapped(row_of<double>({1.5, -2.5}), 8)),
            (std::vector<double>{1.5, -2.5}));
  EXPECT_EQ(cast<std::int64_t>(swapped(row_of<std::int32_t>({-70000}), 4)),
            (std::vector<std::int64_t>{-70000}));
  EXPECT_EQ(cast<std::complex<double>>(swapped(row_of<std::complex<double>>({{1, 2}}), 8)),
            (std::vector<std::complex<double>>{{1, 2}}));
}

TEST(CastElements, FollowsStrides) {
  AnyArray array = row_of<std::int32_t>({1, 2, 3, 4});
  array.data += 12;
  array.shape = {2};
  array.strides = {-8};
  EXPECT_EQ(cast<double>(array), (std::vector<double>{4.0, 2.0}));
}

TEST(CastElements, ReadsHalves) {
  const auto values = cast<float>(halves({0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00}));
  EXPECT_EQ(values[0], 0.0f);
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_EQ(values[2], 1.0f);
  EXPECT_EQ(values[3], -2.0f);
  EXPECT_EQ(values[4], 65504.0f);
  EXPECT_EQ(values[5], std::ldexp(1.0f, -24));
  EXPECT_TRUE(std::isinf(values[6]));
  EXPECT_TRUE(std::isnan(cast<double>(halves({0x7e00}))[0]));
}

TEST(CastElements, NormalisesBools) {
  AnyArray array = row_of<bool>({true});
  array.data[0] = std::byte{5};
  bool out[1] = {};
  detail::cast_elements(array, 'b', 1, out);
  std::uint8_t byte = 0;
  std::memcpy(&byte, out, 1);
  EXPECT_EQ(byte, 1);
}

TEST(CanCast, RefusesWhatIsNoNumber) {
  EXPECT_FALSE(detail::can_cast({"<M8[ns]", 'M', 8}, 'i', 8));
  EXPECT_FALSE(detail::can_cast({"<U4", 'U', 16}, 'f', 8));
  EXPECT_FALSE(detail::can_cast({"|V8", 'V', 8}, 'f', 8));
  EXPECT_FALSE(detail::can_cast(DType::of<double>(), 'f', 4));
  EXPECT_TRUE(detail::can_cast({">f4", 'f', 4}, 'f', 8));
}

// Every pair that is called safe has a loop, so that no output is left as it was.
TEST(CastElements, WritesForEverySafePair) {
  const std::vector<std::string> types = {"b1", "i1", "i2", "i4", "i8", "u1", "u2",
                                          "u4", "u8", "f2", "f4", "f8", "c8", "c16"};
  for (const std::string& from : types) {
    for (const std::string& to : types) {
      const auto target = *detail::parse_dtype("<" + to);
      const auto source = *detail::parse_dtype("<" + from);
      const DType dtype{(source.number == 1 ? "|" : std::string(1, detail::kNativeOrder)) + from,
                        'x', source.number};
      if (to == "f2" || !detail::can_cast(dtype, target.kind, target.number)) continue;
      const AnyArray zero = make_array(dtype, {1});
      std::vector<std::byte> out(target.number, std::byte{0x5a});
      detail::cast_elements(zero, target.kind, target.number, out.data());
      EXPECT_EQ(out, std::vector<std::byte>(target.number)) << from << " to " << to;
    }
  }
}

}  // namespace
}  // namespace cppipc::cast_test
