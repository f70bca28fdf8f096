// SPDX-License-Identifier: Apache-2.0
#include "server/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

namespace cppipc::server {
namespace {

std::string refusal_of(std::string_view text) {
  try {
    parse_address(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Address, AcceptsThreeSpellingsOfAUnixSocket) {
  for (const char* text : {"unix:/run/u.sock", "unix:///run/u.sock", "ipc:///run/u.sock"}) {
    EXPECT_EQ(parse_address(text).path, "/run/u.sock") << text;
    EXPECT_EQ(parse_address(text).text(), "unix:/run/u.sock") << text;
  }
}

TEST(Address, TakesRelativePathsFromTheWorkingDirectory) {
  const auto here = std::filesystem::current_path() / "u.sock";
  EXPECT_EQ(parse_address("unix:u.sock").path, here.string());
  EXPECT_EQ(parse_address("ipc://u.sock").path, here.string());
}

TEST(Address, APathThatBeginsWithAnAtSignIsAnAbstractName) {
  for (const char* text : {"unix:@one/two", "unix://@one/two", "ipc://@one/two"}) {
    EXPECT_EQ(parse_address(text).text(), "unix:@one/two") << text;
    EXPECT_TRUE(parse_address(text).is_abstract()) << text;
  }
  EXPECT_FALSE(parse_address("unix:./@one").is_abstract());
  EXPECT_FALSE(parse_address("unix:/run/@one").is_abstract());
}

TEST(Address, RefusesTcpAndSaysWhatToDo) {
  EXPECT_THAT(refusal_of("tcp:127.0.0.1:4000"), testing::HasSubstr("does not listen on TCP"));
  EXPECT_THAT(refusal_of("tcp://127.0.0.1:4000"), testing::HasSubstr("unix:PATH"));
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "unix:", "unix://", "ipc://", "/run/u.sock", "http://host", "UNIX:a", "unix:@"}) {
    EXPECT_THAT(refusal_of(text), testing::HasSubstr("is no address")) << text;
  }
  EXPECT_THAT(refusal_of("unix:/run/"), testing::HasSubstr("names a directory"));
  EXPECT_THAT(refusal_of(std::string_view("unix:/a\0b", 9)), testing::HasSubstr("NUL"));
  EXPECT_THAT(refusal_of(std::string_view("unix:@a\0b", 9)), testing::HasSubstr("NUL"));
}

}  // namespace
}  // namespace cppipc::server
