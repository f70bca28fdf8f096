// SPDX-License-Identifier: Apache-2.0
#include "server/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/options.h"
#include "temporary_folder.h"

namespace cppipc::server::config_file_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<ConfigEntry> read(const std::string& text) {
  std::istringstream stream(text);
  return read_config(stream);
}

std::string mistake_in(const std::string& text) {
  try {
    read(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ReadConfig, TakesNumbersSwitchesTextsAndLists) {
  const auto entries = read(R"(# a comment
drain-s = 1.5   # another
  diagnostics=true

log-file = "C:\\a \"b\" # no comment"
extension-dir = '\literal "text"'
listen = [
  "unix:/a",  # one
  'unix:/b'
]
set = []
)");
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries[0].key, "drain-s");
  EXPECT_EQ(entries[0].line, 2u);
  EXPECT_FALSE(entries[0].is_list);
  EXPECT_THAT(entries[0].values, ElementsAre("1.5"));
  EXPECT_THAT(entries[1].values, ElementsAre("true"));
  EXPECT_THAT(entries[2].values, ElementsAre("C:\\a \"b\" # no comment"));
  EXPECT_THAT(entries[3].values, ElementsAre("\\literal \"text\""));
  EXPECT_EQ(entries[4].line, 7u);
  EXPECT_TRUE(entries[4].is_list);
  EXPECT_THAT(entries[4].values, ElementsAre("unix:/a", "unix:/b"));
  EXPECT_THAT(entries[5].values, IsEmpty());
  EXPECT_EQ(entries[5].line, 11u);
}

TEST(ReadConfig, ATextMayEndAnywhere) {
  EXPECT_THAT(read(""), IsEmpty());
  EXPECT_THAT(read("# only"), IsEmpty());
  EXPECT_EQ(read("a=1").size(), 1u);
  EXPECT_EQ(read("a=[1,2,]\r\n").front().values.size(), 2u);
}

TEST(ReadConfig, MistakesNameTheirLine) {
  EXPECT_THAT(mistake_in("a = 1\n\nnonsense\n"), HasSubstr("line 3: expected KEY = VALUE"));
  EXPECT_THAT(mistake_in("[server]\n"), HasSubstr("line 1: there are no sections"));
  EXPECT_THAT(mistake_in("a = info\n"), HasSubstr("'info' has to be in quotes: \"info\""));
  EXPECT_THAT(mistake_in("a =\n"), HasSubstr("line 1: expected a value"));
  EXPECT_THAT(mistake_in("a = 007\n"), HasSubstr("quotes"));
  EXPECT_THAT(mistake_in("a = 1 2\n"), HasSubstr("behind the value of 'a'"));
  EXPECT_THAT(mistake_in("a = \"open\nb = 1\n"), HasSubstr("line 1: a text has no \""));
  EXPECT_THAT(mistake_in("a = \"\\x\"\n"), HasSubstr("escapes"));
  EXPECT_THAT(mistake_in("a = [1\n2]\n"), HasSubstr("line 2: expected , or ]"));
  EXPECT_THAT(mistake_in("a = [1,\n"), HasSubstr("no ] at its end"));
  EXPECT_THAT(mistake_in("a = 1\nb = 2\na = 3\n"), HasSubstr("line 3: 'a' is set in line 1"));
  EXPECT_THAT(mistake_in("= 1\n"), HasSubstr("KEY = VALUE"));
}

class ConfigFileTest : public testing::Test {
 protected:
  // What becomes of a file and a command line that follows --config.
  ParsedOptions parse(const std::string& text, std::vector<const char*> more = {}) {
    std::ofstream(path_) << text;
    more.insert(more.begin(), {"unity_server", "--config", path_.c_str()});
    return parse_options(static_cast<int>(more.size()), more.data());
  }
  std::string refusal_of(const std::string& text) {
    const auto parsed = parse("listen = \"unix:/u\"\n" + text);
    EXPECT_EQ(parsed.exit_code, kExitUsage) << text;
    EXPECT_THAT(parsed.text, HasSubstr(path_));
    return parsed.text;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "unity.toml";
};

TEST_F(ConfigFileTest, GivesOptionsTheirValues) {
  const auto parsed = parse(R"(
listen = ["unix:/a", "unix:/b"]
drain-s = 1.5
live-objects = 7
diagnostics = true
no-shared-memory = false
log-level = "WARNING"
set = "log.level=debug"
status = ["unix:/s", "tcp:127.0.0.1:0"]
status-anywhere = true
)");
  ASSERT_TRUE(parsed.options) << parsed.text;
  const Options& options = *parsed.options;
  EXPECT_THAT(options.listen, ElementsAre(Address{"/a"}, Address{"/b"}));
  EXPECT_EQ(options.drain, milliseconds(1'500));
  EXPECT_EQ(options.limits.live_objects, 7u);
  EXPECT_TRUE(options.has_diagnostics);
  EXPECT_TRUE(options.shares_memory);
  EXPECT_EQ(options.log.level, LogLevel::kWarning);
  EXPECT_EQ(options.settings.size(), 1u);
  EXPECT_EQ(options.status.addresses.size(), 2u);
  EXPECT_TRUE(options.status.is_anywhere);
  EXPECT_EQ(options.config_file, path_);
  EXPECT_TRUE(options.is_log_level_of_file);
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  const auto parsed = parse("listen = \"unix:/a\"\ndrain-s = 5\nlog-level = \"debug\"\n",
                            {"--listen", "unix:/b", "--drain-s", "6", "--log-level", "error"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_THAT(parsed.options->listen, ElementsAre(Address{"/b"}));
  EXPECT_EQ(parsed.options->drain, milliseconds(6'000));
  EXPECT_EQ(parsed.options->log.level, LogLevel::kError);
  EXPECT_FALSE(parsed.options->is_log_level_of_file);
}

TEST_F(ConfigFileTest, MistakesNameFileLineAndKey) {
  EXPECT_THAT(refusal_of("nonsense = 1\n"), HasSubstr("line 2: there is no option 'nonsense'"));
  EXPECT_THAT(refusal_of("drain-s = \"5s\"\n"), HasSubstr("line 2: drain-s: '5s' is not a number"));
  EXPECT_THAT(refusal_of("message-mib = 1.5\n"), HasSubstr("line 2: message-mib: "));
  EXPECT_THAT(refusal_of("drain-s = [1, 2]\n"), HasSubstr("line 2: 'drain-s' has one value"));
  EXPECT_THAT(refusal_of("diagnostics = 1\n"), HasSubstr("'diagnostics' is true or false"));
  EXPECT_THAT(refusal_of("log-level = \"loud\"\n"), HasSubstr("line 2: log-level: must be"));
  EXPECT_THAT(refusal_of("config = \"other\"\n"), HasSubstr("for the command line only"));
  EXPECT_THAT(refusal_of("help = true\n"), HasSubstr("for the command line only"));
  EXPECT_THAT(refusal_of("set = \"x\"\n"), HasSubstr("line 2: set wants NAME=VALUE"));
  EXPECT_THAT(refusal_of("status = \"x\"\n"), HasSubstr("line 2: status: "));
  EXPECT_THAT(refusal_of("nonsense\n"), HasSubstr("line 2: expected KEY = VALUE"));
}

TEST_F(ConfigFileTest, AMistakeOfTheCommandLineIsNotBlamedOnTheFile) {
  const auto parsed = parse("listen = \"unix:/a\"\ndrain-s = 5\n", {"--drain-s", "x"});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("unity_server: --drain-s: 'x'"));
}

TEST_F(ConfigFileTest, TwoFilesOrOneThatIsMissingAreMistakes) {
  EXPECT_EQ(parse("listen = \"unix:/a\"\n", {"--config", path_.c_str()}).exit_code, kExitUsage);
  const char* missing[] = {"unity_server", "--listen", "unix:/a", "--config", "/no/such/file"};
  const auto parsed = parse_options(5, missing);
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("/no/such/file"));
}

TEST_F(ConfigFileTest, WhatIsPrintedIsReadBackAsTheSame) {
  const auto printed = parse("listen = [\"unix:/a b\\\\c\\\"\", \"unix:/d\"]\nset = \"a=1\"\n",
                             {"--print-config", "--drain-s", "1.5", "--log-json"});
  ASSERT_EQ(printed.exit_code, kExitOk) << printed.text;
  EXPECT_THAT(printed.text, HasSubstr("\ndrain-s = 1.5\n"));
  EXPECT_THAT(printed.text, HasSubstr("\nlog-json = true\n"));
  EXPECT_THAT(printed.text, HasSubstr("\ndiagnostics = false\n"));
  EXPECT_THAT(printed.text, HasSubstr("\nlog-level = \"info\"\n"));
  const auto again = parse(printed.text, {"--print-config"});
  EXPECT_EQ(again.text, printed.text);
  const auto run = parse(printed.text);
  ASSERT_TRUE(run.options) << run.text;
  EXPECT_EQ(run.options->listen.front().path, "/a b\\c\"");
}

TEST_F(ConfigFileTest, PrintingNeedsNoFile) {
  const char* arguments[] = {"unity_server", "--listen", "unix:/a", "--print-config"};
  const auto printed = parse_options(4, arguments);
  EXPECT_EQ(printed.exit_code, kExitOk);
  EXPECT_THAT(printed.text, HasSubstr("listen = [\"unix:/a\"]\n"));
}

TEST_F(ConfigFileTest, TheLevelCanBeReadAnew) {
  std::ofstream(path_) << "listen = \"unix:/a\"\nlog-level = \"debug\"\n";
  EXPECT_EQ(log_level_in(path_), LogLevel::kDebug);
  std::ofstream(path_) << "listen = \"unix:/a\"\n";
  EXPECT_EQ(log_level_in(path_), std::nullopt);
  for (const char* bad : {"log-level = \"loud\"\n", "log-level = [\"info\"]\n", "nonsense\n"}) {
    std::ofstream(path_) << bad;
    EXPECT_THROW(log_level_in(path_), std::runtime_error) << bad;
  }
  EXPECT_THROW(log_level_in("/no/such/file"), std::runtime_error);
}

}  // namespace
}  // namespace cppipc::server::config_file_test
