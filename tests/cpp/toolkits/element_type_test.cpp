// SPDX-License-Identifier: Apache-2.0
#include "toolkits/element_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <string>

#include "called.h"

namespace cppipc::toolkits::element_type_test {
namespace {

TEST(ElementType, NamesAndTypeStringsAreUnderstood) {
  EXPECT_EQ(dtype_of("float64"), DType::of<double>());
  EXPECT_EQ(dtype_of("f8"), DType::of<double>());
  EXPECT_EQ(dtype_of("=f4"), DType::of<float>());
  EXPECT_EQ(dtype_of("bool"), DType::of<bool>());
  EXPECT_EQ(dtype_of("int64"), DType::of<long>());
  EXPECT_EQ(dtype_of("uint16"), DType::of<std::uint16_t>());
  EXPECT_EQ(dtype_of("int8"), DType::of<std::int8_t>());
  EXPECT_EQ(dtype_of("complex128"), DType::of<std::complex<double>>());
  EXPECT_EQ(dtype_of(">i4"), (DType{">i4", 'i', 4}));
  EXPECT_EQ(dtype_of("S5"), (DType{"|S5", 'S', 5}));
  EXPECT_EQ(dtype_of("<U3"), (DType{"<U3", 'U', 12}));
  EXPECT_EQ(dtype_of("V4"), (DType{"|V4", 'V', 4}));
  EXPECT_EQ(dtype_of("<M8[ns]"), (DType{"<M8[ns]", 'M', 8}));
}

TEST(ElementType, OtherNamesAreRefused) {
  for (const char* name : {"", "f", "<", "f3", "i8x", "float65", "O8", "[('a','<i4')", "M4[ns]",
                           "M8ns", "S99999999999", "f-8"}) {
    EXPECT_THAT(refusal_of(ErrorKind::kWrongType, [&] { dtype_of(name); }),
                testing::HasSubstr("'" + std::string(name) + "'"));
  }
}

TEST(ElementType, BufferFormats) {
  EXPECT_EQ(buffer_format_of(dtype_of("float64")), "d");
  EXPECT_EQ(buffer_format_of(dtype_of("bool")), "?");
  EXPECT_EQ(buffer_format_of(dtype_of("int64")), "l");
  EXPECT_EQ(buffer_format_of(DType{"<i8", 'q', 8}), "q");
  EXPECT_EQ(buffer_format_of(dtype_of("complex64")), "Zf");
  EXPECT_EQ(buffer_format_of(dtype_of("S5")), "5s");
  EXPECT_EQ(buffer_format_of(dtype_of("U3")), "3w");
  EXPECT_EQ(buffer_format_of(dtype_of("V4")), "4x");
  EXPECT_EQ(buffer_format_of(DType::of<long double>()), "g");
  EXPECT_EQ(buffer_format_of(dtype_of("M8[ns]")), "");
  EXPECT_EQ(buffer_format_of(DType{"[('a','<i4')", 'V', 4}), "");
}

TEST(ElementType, SwappedMeansTheOtherByteOrder) {
  const bool little = std::endian::native == std::endian::little;
  EXPECT_EQ(element_type_of(dtype_of(">i4"))->is_swapped(), little);
  EXPECT_EQ(element_type_of(dtype_of("<i4"))->is_swapped(), !little);
  EXPECT_FALSE(element_type_of(dtype_of("i4"))->is_swapped());
  EXPECT_FALSE(element_type_of(dtype_of("bool"))->is_swapped());
  EXPECT_EQ(buffer_format_of(dtype_of(little ? ">i4" : "<i4")), little ? ">i" : "<i");
  EXPECT_FALSE(element_type_of(DType{"{'names': []}", 'V', 0}));
}

}  // namespace
}  // namespace cppipc::toolkits::element_type_test
