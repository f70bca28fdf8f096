// SPDX-License-Identifier: Apache-2.0
#include "values/dtype.h"

#include <gtest/gtest.h>

namespace cppipc::dtype_test {
namespace {

TEST(DType, SpellsCppTypesAsNumPyDoes) {
  EXPECT_EQ(DType::of<bool>(), (DType{"|b1", '?', 1}));
  EXPECT_EQ(DType::of<std::int8_t>(), (DType{"|i1", 'b', 1}));
  EXPECT_EQ(DType::of<std::uint8_t>(), (DType{"|u1", 'B', 1}));
  const std::string order(1, detail::kNativeOrder);
  EXPECT_EQ(DType::of<std::int16_t>(), (DType{order + "i2", 'h', 2}));
  EXPECT_EQ(DType::of<std::uint32_t>(), (DType{order + "u4", 'I', 4}));
  EXPECT_EQ(DType::of<float>(), (DType{order + "f4", 'f', 4}));
  EXPECT_EQ(DType::of<double>(), (DType{order + "f8", 'd', 8}));
  EXPECT_EQ(DType::of<std::complex<float>>(), (DType{order + "c8", 'F', 8}));
  EXPECT_EQ(DType::of<std::complex<double>>(), (DType{order + "c16", 'D', 16}));
}

TEST(DType, KeepsLongAndLongLongApartButTakesThemForOne) {
  EXPECT_EQ(DType::of<long>().code, 'l');
  EXPECT_EQ(DType::of<long long>().code, 'q');
  EXPECT_EQ(DType::of<unsigned long>().code, 'L');
  EXPECT_FALSE(DType::of<long>() == DType::of<long long>());
  EXPECT_TRUE(DType::of<long long>().is<long>());
  EXPECT_TRUE(DType::of<long>().is<long long>());
}

TEST(DType, IsOnlyATypeOfItsOwnByteOrder) {
  const std::string other = detail::kNativeOrder == '<' ? ">" : "<";
  EXPECT_FALSE((DType{other + "f8", 'd', 8}).is<double>());
  EXPECT_TRUE((DType{"=f8", 'd', 8}).is<double>());
  EXPECT_FALSE((DType{other + "f8", 'd', 8}).is<std::int64_t>());
}

TEST(DType, IsNoNumberIfSizeAndTextDisagree) {
  EXPECT_FALSE((DType{"<f8", 'd', 1}).is<double>());
  EXPECT_FALSE(detail::number_dtype({"<f8", 'd', 4}));
  EXPECT_FALSE(detail::number_dtype({"|f8", 'd', 8}));
  EXPECT_FALSE(detail::number_dtype({"<i3", 'i', 3}));
}

TEST(DType, HasNumPysName) {
  EXPECT_EQ(DType::of<bool>().name(), "bool");
  EXPECT_EQ(DType::of<std::uint16_t>().name(), "uint16");
  EXPECT_EQ(DType::of<std::complex<double>>().name(), "complex128");
  EXPECT_EQ((DType{std::string(1, detail::kNativeOrder) + "f2", 'e', 2}).name(), "float16");
}

TEST(DType, IsNamedByItsTextIfItHasNoOtherName) {
  EXPECT_EQ((DType{"<M8[ns]", 'M', 8}).name(), "<M8[ns]");
  EXPECT_EQ((DType{"|V5", 'V', 5}).name(), "|V5");
  const std::string other = detail::kNativeOrder == '<' ? ">i4" : "<i4";
  EXPECT_EQ((DType{other, 'i', 4}).name(), other);
}

TEST(DTypeText, IsTakenApartOrRefused) {
  const auto parts = detail::parse_dtype(">U12");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->order, '>');
  EXPECT_EQ(parts->kind, 'U');
  EXPECT_EQ(parts->number, 12u);
  for (const char* text : {"", "f8", "<f", "<f8 ", "<M8[ns]", "[('a', '<f8')]", "<f99999999999"}) {
    EXPECT_FALSE(detail::parse_dtype(text)) << text;
  }
}

// Rows and columns as numpy.can_cast(from, to, "safe") gives them.
TEST(CastsSafely, AgreesWithNumPy) {
  const std::vector<std::string> types = {"b1", "i1", "i2", "i4", "i8", "u1", "u2",
                                          "u4", "u8", "f4", "f8", "c8", "c16"};
  const std::vector<std::string> rows = {
      "1111111111111",  // bool
      "0111100001111",  // int8
      "0011100001111",  // int16
      "0001100000101",  // int32
      "0000100000101",  // int64
      "0011111111111",  // uint8
      "0001101111111",  // uint16
      "0000100110101",  // uint32
      "0000000010101",  // uint64
      "0000000001111",  // float32
      "0000000000101",  // float64
      "0000000000011",  // complex64
      "0000000000001",  // complex128
  };
  for (std::size_t from = 0; from < types.size(); ++from) {
    for (std::size_t to = 0; to < types.size(); ++to) {
      const auto source = detail::parse_dtype("<" + types[from]);
      const auto target = detail::parse_dtype("<" + types[to]);
      EXPECT_EQ(detail::casts_safely(*source, target->kind, target->number), rows[from][to] == '1')
          << types[from] << " to " << types[to];
    }
  }
}

}  // namespace
}  // namespace cppipc::dtype_test
