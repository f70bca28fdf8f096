// SPDX-License-Identifier: Apache-2.0
#include "values/scalar.h"

#include <gtest/gtest.h>

#include "values/calling.h"
#include "values/dtype.h"

namespace cppipc::scalar_test {
namespace {

using detail::Number;
using detail::scalar_number;
using detail::scalar_text;
using test::refusal;
using test::scalar_of;

Variant text_scalar(const std::u32string& characters) {
  AnyArray array =
      make_array({std::string(1, detail::kNativeOrder) + "U" + std::to_string(characters.size()),
                  'U', static_cast<std::uint32_t>(characters.size() * 4)},
                 {});
  std::memcpy(array.data, characters.data(), characters.size() * 4);
  return array;
}

TEST(ScalarNumber, ReadsEveryKindOfNumber) {
  EXPECT_EQ(scalar_number(scalar_of(true)), Number(true));
  EXPECT_EQ(scalar_number(scalar_of(std::int8_t{-5})), Number(std::int64_t{-5}));
  EXPECT_EQ(scalar_number(scalar_of(std::uint64_t{1} << 63)), Number(std::uint64_t{1} << 63));
  EXPECT_EQ(scalar_number(scalar_of(1.5f)), Number(1.5));
  EXPECT_EQ(scalar_number(scalar_of(1.5L)), Number(1.5));
  EXPECT_EQ(scalar_number(scalar_of(std::complex<float>(1, 2))),
            Number(std::complex<double>(1, 2)));
}

TEST(ScalarNumber, IsNothingForOtherValues) {
  EXPECT_FALSE(scalar_number(1));
  EXPECT_FALSE(scalar_number(make_array(DType::of<double>(), {1})));
  EXPECT_FALSE(scalar_number(make_array({"<M8[s]", 'M', 8}, {})));
}

TEST(ScalarText, ReadsCharactersWithoutTheirPadding) {
  EXPECT_EQ(scalar_text(text_scalar(U"h\u00e9\U0001f600")), "h\u00e9\U0001f600");
  EXPECT_EQ(scalar_text(text_scalar(std::u32string(U"ab\0\0", 4))), "ab");
  EXPECT_EQ(scalar_text(text_scalar(U"")), "");
}

TEST(ScalarText, ReadsTheOtherByteOrder) {
  AnyArray array = text_scalar(std::u32string{0x61000000u}).as_array();
  array.dtype.text[0] = detail::kNativeOrder == '<' ? '>' : '<';
  EXPECT_EQ(scalar_text(array), "a");
}

TEST(ScalarText, RefusesCodesThatAreNoCharacters) {
  EXPECT_EQ(refusal([] { scalar_text(text_scalar({char32_t{0xd800}})); }),
            "invalidArgument: numpy.str_ holds a code that is no character");
  EXPECT_EQ(refusal([] { scalar_text(text_scalar({char32_t{0x110000}})); }),
            "invalidArgument: numpy.str_ holds a code that is no character");
}

}  // namespace
}  // namespace cppipc::scalar_test
