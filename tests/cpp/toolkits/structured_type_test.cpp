// SPDX-License-Identifier: Apache-2.0
#include "toolkits/structured_type.h"

#include <gtest/gtest.h>

#include <string>

#include "called.h"

namespace cppipc::toolkits::structured_type_test {
namespace {

TEST(StructuredType, ListsHaveNoGaps) {
  EXPECT_EQ(structure_bytes("[]"), 0u);
  EXPECT_EQ(structure_bytes("[('a', '<i4')]"), 4u);
  EXPECT_EQ(structure_bytes("[('a', 'i1'), (\"b\", '>f8'), ('c', '<U3', 2), ]"), 33u);
  EXPECT_EQ(structure_bytes("[('a', 'u2', (2, 3)), ('b', [('c', 'S3')])]"), 15u);
}

TEST(StructuredType, DictsSayTheirSize) {
  EXPECT_EQ(structure_bytes("{'names': ['a', 'b'], 'formats': ['|i1', ('<f8', (2,))], "
                            "'offsets': [0, 8], 'itemsize': 24, 'aligned': True}"),
            24u);
  EXPECT_EQ(structure_bytes("{'names': ['a'], 'formats': [{'names': [], 'formats': [], "
                            "'offsets': [], 'itemsize': 3}], 'offsets': [1], 'itemsize': 4, "
                            "'titles': [None]}"),
            4u);
}

TEST(StructuredType, RefusesTheRest) {
  for (const std::string text :
       {"[", "[]]", "[('a')]", "[('a', 5)]", "[('a', 'O')]", "[('a', 'i4', -1)]", "[('a', 'i4'",
        "[('a', 'i4', 'x')]", "[('a', 'S1', 99999999)]", "[('a', 'i4', (99999, 99999, 99999))]",
        "{}", "{'itemsize': 4}", "[('a\\n', 'i4')]", "[nonsense]", "['i4']",
        "{'names': ['a'], 'formats': ['i4'], 'offsets': [1], 'itemsize': 4}",
        "{'names': ['a'], 'formats': ['i4'], 'offsets': [-1], 'itemsize': 4}",
        "{'names': [], 'formats': [], 'offsets': [], 'itemsize': -4}"}) {
    refusal_of(ErrorKind::kWrongType, [&] { structure_bytes(text); });
  }
  refusal_of(ErrorKind::kWrongType, [] { structure_bytes(std::string(1000, '[')); });
}

}  // namespace
}  // namespace cppipc::toolkits::structured_type_test
