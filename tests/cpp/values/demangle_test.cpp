// SPDX-License-Identifier: Apache-2.0
#include "values/demangle.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cppipc::demangle_test {
namespace {

struct Local {};

TEST(Demangle, WritesTypesAsAProgrammerDoes) {
  EXPECT_EQ(detail::type_name(typeid(int)), "int");
  EXPECT_EQ(detail::type_name(typeid(std::string)), "std::string");
  EXPECT_EQ(detail::type_name(typeid(std::pair<std::string, int>)), "std::pair<std::string, int>");
  EXPECT_NE(detail::type_name(typeid(Local)).find("Local"), std::string::npos);
}

TEST(Demangle, LeavesWhatIsNoMangledName) { EXPECT_EQ(detail::demangle("???"), "???"); }

}  // namespace
}  // namespace cppipc::demangle_test
