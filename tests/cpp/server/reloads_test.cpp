// SPDX-License-Identifier: Apache-2.0
#include "server/reloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "captured_log.h"

namespace cppipc::server::reloads_test {
namespace {

using testing::HasSubstr;

TEST(Reloads, OneThatFailsIsLoggedAndTheOthersGoOn) {
  CapturedLog captured;
  int calls = 0;
  const Reloads reloads{{"first part", [&] { ++calls; }},
                        {"second part", [] { throw std::runtime_error("it is gone"); }},
                        {"third part", [&] { ++calls; }}};
  EXPECT_FALSE(reload_all(reloads, captured.log()));
  EXPECT_EQ(calls, 2);
  EXPECT_THAT(captured.text(), HasSubstr("reloaded the first part"));
  EXPECT_THAT(captured.text(), HasSubstr("cannot reload the second part: it is gone"));
  EXPECT_THAT(captured.text(), HasSubstr("reloaded the third part"));
}

TEST(Reloads, AllThatGoWellAreAWholeReload) {
  CapturedLog captured;
  EXPECT_TRUE(reload_all({{"part", [] {}}}, captured.log()));
  EXPECT_TRUE(reload_all({}, captured.log()));
}

}  // namespace
}  // namespace cppipc::server::reloads_test
