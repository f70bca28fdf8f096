// SPDX-License-Identifier: Apache-2.0
#include "server/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

namespace cppipc::server::address_test {
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

TEST(Address, AcceptsTwoSpellingsOfTcp) {
  for (const char* text : {"tcp:127.0.0.1:4000", "tcp://127.0.0.1:4000"}) {
    EXPECT_TRUE(parse_address(text).is_tcp()) << text;
    EXPECT_EQ(parse_address(text).text(), "tcp:127.0.0.1:4000") << text;
  }
  EXPECT_EQ(parse_address("tcp://[::1]:0").host, "::1");
  EXPECT_EQ(parse_address("tcp:[::1]:0").text(), "tcp:[::1]:0");
  EXPECT_EQ(parse_address("tcp:localhost:65535").port, "65535");
  EXPECT_FALSE(parse_address("unix:/tcp:a:1").is_tcp());
}

TEST(Address, RefusesWhatIsNoTcpAddress) {
  for (const char* text : {"tcp:", "tcp:localhost", "tcp:localhost:", "tcp::1", "tcp:::1:4000",
                           "tcp:[]:1", "tcp:[::1]", "tcp:[[::1]]:1", "tcp:host:http",
                           "tcp:host:65536", "tcp:host:-1", "tcp:host:+1", "tcp:host:000001"}) {
    EXPECT_THAT(refusal_of(text), testing::HasSubstr("tcp:HOST:PORT")) << text;
  }
  EXPECT_THAT(refusal_of(std::string_view("tcp:a\0b:1", 9)), testing::HasSubstr("HOST:PORT"));
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
}  // namespace cppipc::server::address_test
