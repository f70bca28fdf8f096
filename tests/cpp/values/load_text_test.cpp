// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "values/calling.h"
#include "values/dtype.h"

namespace cppipc::load_text_test {
namespace {

using test::call;
using test::refusal;
using test::row_of;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

Variant text_scalar() {
  AnyArray array = make_array({std::string(1, detail::kNativeOrder) + "U2", 'U', 8}, {});
  const char32_t characters[2] = {U'h', U'i'};
  std::memcpy(array.data, characters, sizeof(characters));
  array.flavor = ArrayFlavor::kScalar;
  return array;
}

TEST(StringParameter, TakesText) {
  EXPECT_EQ(from_variant<std::string>("h\u00e9llo"), "h\u00e9llo");
  EXPECT_EQ(from_variant<std::string>(std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(from_variant<std::string>(text_scalar()), "hi");
}

TEST(StringParameter, RefusesBytesNumbersAndNone) {
  EXPECT_EQ(refused<std::string>(Bytes("x")), "wrongType: value: expected str, got bytes");
  EXPECT_EQ(refused<std::string>(1), "wrongType: value: expected str, got int");
  EXPECT_EQ(refused<std::string>({}), "wrongType: value: expected str, got None");
  EXPECT_EQ(refused<std::string>(row_of<std::uint8_t>({65})),
            "wrongType: value: expected str, got ndarray[uint8]");
}

TEST(StringParameter, MayBeAViewForTheTimeOfTheCall) {
  Registry registry;
  registry.function(
      "join", [](std::string_view a, const char* b) { return std::string(a) + "+" + b; }, arg("a"),
      arg("b"));
  EXPECT_EQ(call(registry, "join", {{"left", "right"}, {}}), Variant("left+right"));
  EXPECT_EQ(call(registry, "join", {{text_scalar(), text_scalar()}, {}}), Variant("hi+hi"));
  EXPECT_EQ(refusal([&] {
              call(registry, "join", {{"left", std::string("a\0b", 3)}, {}});
            }),
            "invalidArgument: join() parameter 'b': str with an embedded null character");
}

TEST(StringResult, MustBeUtf8) {
  Registry registry;
  registry.function("bad", [] { return std::string("ab\xff"); });
  EXPECT_EQ(refusal([&] { call(registry, "bad"); }),
            "remote: bad() result: text that is not UTF-8 (byte 0xff at 2); return bytes instead");
}

TEST(StringResult, MayBeAViewOrAPointer) {
  EXPECT_EQ(to_variant(std::string_view("view")), Variant("view"));
  const char* text = "pointer";
  EXPECT_EQ(to_variant(text), Variant("pointer"));
  text = nullptr;
  EXPECT_EQ(to_variant(text), Variant());
}

TEST(PathParameter, TakesTextWithoutNulls) {
  EXPECT_EQ(from_variant<std::filesystem::path>("/tmp/x"), std::filesystem::path("/tmp/x"));
  EXPECT_EQ(refused<std::filesystem::path>(Bytes("/tmp")),
            "wrongType: value: expected str, got bytes");
  EXPECT_EQ(refused<std::filesystem::path>(std::string("a\0b", 3)),
            "invalidArgument: value: str with an embedded null character");
  EXPECT_EQ(to_variant(std::filesystem::path("/tmp/x")), Variant("/tmp/x"));
}

TEST(BytesParameter, TakesEveryRunOfBytes) {
  EXPECT_EQ(from_variant<Bytes>(Bytes("raw")).view(), "raw");
  EXPECT_EQ(from_variant<Bytes>(row_of<std::uint8_t>({65, 66})).view(), "AB");
  EXPECT_EQ(from_variant<Bytes>(row_of<std::int8_t>({65})).view(), "A");
  AnyArray backwards = row_of<std::uint8_t>({65, 66});
  backwards.data += 1;
  backwards.strides[0] = -1;
  EXPECT_EQ(from_variant<Bytes>(backwards).view(), "BA");
}

TEST(BytesParameter, TakesANumPyBytesScalarWithoutPadding) {
  AnyArray array = make_array({"|S4", 'S', 4}, {});
  std::memcpy(array.data, "ab", 2);
  EXPECT_EQ(from_variant<Bytes>(array).view(), "ab");
}

TEST(BytesParameter, DoesNotChangeWhenTheArrayDoes) {
  const AnyArray array = row_of<std::uint8_t>({65, 66});
  const Bytes bytes = from_variant<Bytes>(array);
  array.data[0] = std::byte{90};
  EXPECT_EQ(bytes.view(), "AB");
}

TEST(BytesParameter, TakesOverMemoryThatNobodyElseHas) {
  AnyArray array = row_of<std::uint8_t>({65, 66});
  const std::byte* data = array.data;
  const Bytes bytes = from_variant<Bytes>(Variant(std::move(array)));
  EXPECT_EQ(bytes.span().data(), data);
}

TEST(BytesParameter, RefusesTextAndOtherArrays) {
  EXPECT_EQ(refused<Bytes>("x"), "wrongType: value: expected bytes, got str");
  EXPECT_EQ(refused<Bytes>(List{{1}}), "wrongType: value: expected bytes, got list");
  EXPECT_EQ(refused<Bytes>(row_of<bool>({true})),
            "wrongType: value: expected bytes, got ndarray[bool]");
  EXPECT_EQ(refused<Bytes>(row_of<std::int16_t>({1})),
            "wrongType: value: expected bytes, got ndarray[int16]");
  EXPECT_EQ(refused<Bytes>(make_array(DType::of<std::uint8_t>(), {2, 2})),
            "wrongType: value: expected bytes, got ndarray[uint8]");
}

TEST(BytesResult, StaysBytes) { EXPECT_EQ(to_variant(Bytes("\xff")), Variant(Bytes("\xff"))); }

}  // namespace
}  // namespace cppipc::load_text_test
