// SPDX-License-Identifier: Apache-2.0
#include "server/log_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "captured_log.h"

namespace cppipc::server::log_format_test {
namespace {

std::string json_line_of(std::string_view message) {
  CapturedLog captured({.level = LogLevel::kInfo, .is_json = true});
  captured.log().warning(message);
  return captured.text();
}

TEST(LogFormat, ControlCharactersBecomeEscapes) {
  EXPECT_EQ(on_one_line("a\nb\rc\x1b[0m\td\x7f"), "a\\nb\\x0dc\\x1b[0m\td\\x7f");
  EXPECT_EQ(on_one_line("plain \xc3\xa4"), "plain \xc3\xa4");
  EXPECT_EQ(on_one_line("\xc2\x9b"
                        "31m \xc2\xa0\xe2\x82\x80"),
            "\\x9b31m \xc2\xa0\xe2\x82\x80");
}

TEST(LogFormat, ALongTextIsShortenedBetweenCharacters) {
  EXPECT_EQ(shortened(std::string(500, 'x')), std::string(500, 'x'));
  EXPECT_EQ(shortened(std::string(501, 'x')), std::string(500, 'x') + "... (501 bytes)");
  EXPECT_EQ(shortened(std::string(499, 'x') + "\xc3\xa4"),
            std::string(499, 'x') + "... (501 bytes)");
}

TEST(LogFormat, TextLinesHaveTimeLevelThreadAndMessage) {
  CapturedLog captured;
  captured.log().info("one\ntwo {} %s");
  EXPECT_THAT(captured.text(),
              testing::MatchesRegex("[0-9-]+T[0-9:.]+[+-][0-9]+:[0-9]+ info \\[[0-9]+\\] "
                                    "one\\\\ntwo \\{\\} %s\n"));
}

TEST(LogFormat, JsonLinesAreObjects) {
  const std::string line = json_line_of("say \"hi\"\n\x01\\");
  EXPECT_EQ(count_of(line, "\n"), 1);
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["message"], "say \"hi\"\n\x01\\");
  EXPECT_EQ(object["level"], "warning");
  EXPECT_EQ(object["pid"], ::getpid());
  EXPECT_TRUE(object["thread"].is_number_unsigned());
  EXPECT_THAT(object["time"].get<std::string>(), testing::MatchesRegex("[0-9-]+T[0-9:.]+[+-].*"));
}

TEST(LogFormat, JsonReplacesWhatIsNotUtf8) {
  const auto object =
      nlohmann::json::parse(json_line_of("a\xff"
                                         "b"));
  EXPECT_EQ(object["message"],
            "a\xef\xbf\xbd"
            "b");
}

}  // namespace
}  // namespace cppipc::server::log_format_test
