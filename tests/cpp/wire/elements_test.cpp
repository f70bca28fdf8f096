// SPDX-License-Identifier: Apache-2.0
#include "wire/elements.h"

#include <capnp/message.h>
#include <capnp/schema.h>
#include <gtest/gtest.h>

#include <limits>

namespace cppipc::elements_test {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

TEST(Elements, AreAsTheSchemaLaysThemOut) {
  const auto node = capnp::Schema::from<wire::Variant>().getProto().getStruct();
  EXPECT_EQ(node.getDataWordCount() * sizeof(capnp::word), kVariantBytes);
  EXPECT_EQ(node.getPointerCount(), kVariantPointers);
  EXPECT_EQ(node.getDiscriminantOffset() * sizeof(std::uint16_t), kTagOffset);
}

TEST(Elements, WhatCapnProtoWritesIsRead) {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Variant>().initList(6);
  list[1].setBool(true);
  list[2].setBool(false);
  list[3].setInt(kLeast);
  list[4].setFloat(-0.1);
  list[5].setStr("text");
  const ElementReader elements(list.asReader());
  EXPECT_EQ(elements.which(0), wire::Variant::NULL_);
  EXPECT_EQ(elements.which(1), wire::Variant::BOOL);
  EXPECT_TRUE(elements.boolean(1));
  EXPECT_EQ(elements.which(2), wire::Variant::BOOL);
  EXPECT_FALSE(elements.boolean(2));
  EXPECT_EQ(elements.which(3), wire::Variant::INT);
  EXPECT_EQ(elements.number<std::int64_t>(3), kLeast);
  EXPECT_EQ(elements.which(4), wire::Variant::FLOAT);
  EXPECT_EQ(elements.number<double>(4), -0.1);
  EXPECT_EQ(elements.which(5), wire::Variant::STR);
}

TEST(Elements, WhatIsWrittenCapnProtoReads) {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Variant>().initList(5);
  ElementWriter elements(list);
  elements.set_boolean(1, true);
  elements.set_boolean(2, false);
  elements.set_int(3, kLeast);
  elements.set_float(4, -0.1);
  const auto reader = list.asReader();
  EXPECT_TRUE(reader[0].isNull());
  EXPECT_TRUE(reader[1].isBool() && reader[1].getBool());
  EXPECT_TRUE(reader[2].isBool() && !reader[2].getBool());
  EXPECT_TRUE(reader[3].isInt());
  EXPECT_EQ(reader[3].getInt(), kLeast);
  EXPECT_TRUE(reader[4].isFloat());
  EXPECT_EQ(reader[4].getFloat(), -0.1);
}

TEST(Elements, EmptyListsHaveNone) {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Variant>().initList(0);
  EXPECT_NO_THROW(ElementReader(list.asReader()));
  EXPECT_NO_THROW(ElementWriter{list});
}

}  // namespace
}  // namespace cppipc::elements_test
