// SPDX-License-Identifier: Apache-2.0
#include "server/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

namespace cppipc::server::status_text_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

StatusFigures some_figures() {
  StatusFigures figures;
  figures.version = "1.2.3";
  figures.pid = 77;
  figures.addresses = {"unix:/run/u.sock"};
  figures.now = std::chrono::system_clock::time_point(std::chrono::seconds(1'000));
  figures.host.calls = 12'345'678'901;
  figures.host.calls_failed = 2;
  figures.host.bytes_sent = 99;
  figures.process.cpu_s = 0.25;
  SessionStats session;
  session.id = 5;
  session.peer = "unix: pid 1 uid 2";
  session.since = std::chrono::system_clock::time_point(std::chrono::seconds(900));
  session.queued_bytes = 7;
  figures.sessions.push_back(session);
  return figures;
}

TEST(PrometheusText, EachFigureHasItsHelpAndType) {
  const std::string text = prometheus_text(some_figures());
  EXPECT_THAT(text, StartsWith("# HELP unity_build_info "));
  EXPECT_THAT(text, HasSubstr("\nunity_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\n# TYPE unity_calls_total counter\nunity_calls_total 12345678901"));
  EXPECT_THAT(text, HasSubstr("\n# TYPE unity_sessions gauge\nunity_sessions 0\n"));
  EXPECT_THAT(text, HasSubstr("\nunity_draining 0\n"));
  EXPECT_THAT(text, HasSubstr("\nprocess_cpu_seconds_total 0.25\n"));
  std::istringstream lines(text);
  std::set<std::string> names;
  int help = 0;
  int type = 0;
  for (std::string line; std::getline(lines, line);) {
    help += line.starts_with("# HELP ") ? 1 : 0;
    type += line.starts_with("# TYPE ") ? 1 : 0;
    if (!line.starts_with('#')) names.insert(line.substr(0, line.find_first_of(" {")));
  }
  EXPECT_EQ(help, type);
  EXPECT_EQ(static_cast<std::size_t>(help), names.size());
}

TEST(PrometheusText, AFigureThatCannotBeReadIsLeftOut) {
  EXPECT_THAT(prometheus_text(some_figures()), Not(HasSubstr("process_open_fds")));
}

TEST(PrometheusText, ALabelIsEscaped) {
  StatusFigures figures;
  figures.version = "a\"b\\c\nd";
  EXPECT_THAT(prometheus_text(figures), HasSubstr("{version=\"a\\\"b\\\\c\\nd\"}"));
}

TEST(JsonText, SaysWhatTheMetricsSayAndEachSession) {
  const auto json = nlohmann::json::parse(json_text(some_figures()));
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["pid"], 77);
  EXPECT_EQ(json["state"], "serving");
  EXPECT_EQ(json["time_s"], 1'000.0);
  EXPECT_EQ(json["addresses"][0], "unix:/run/u.sock");
  EXPECT_EQ(json["host"]["calls"], 12'345'678'901);
  EXPECT_EQ(json["host"]["bytes_sent"], 99);
  EXPECT_EQ(json["process"]["cpu_s"], 0.25);
  EXPECT_TRUE(json["process"]["open_fds"].is_null());
  ASSERT_EQ(json["sessions"].size(), 1u);
  EXPECT_EQ(json["sessions"][0]["id"], 5);
  EXPECT_EQ(json["sessions"][0]["since_s"], 900.0);
  EXPECT_EQ(json["sessions"][0]["queued_bytes"], 7);
}

TEST(JsonText, ANameThatIsNoUtf8IsMadeReadable) {
  StatusFigures figures;
  figures.is_draining = true;
  figures.sessions.emplace_back().peer = "a\xff";
  const auto json = nlohmann::json::parse(json_text(figures));
  EXPECT_EQ(json["state"], "draining");
  EXPECT_EQ(json["sessions"][0]["peer"], "a\xef\xbf\xbd");
}

TEST(ProcessFigures, AreThoseOfThisProcess) {
  const auto figures = process_figures();
  const double now_s = seconds_since_1970(std::chrono::system_clock::now());
  ASSERT_TRUE(figures.start_time_s && figures.cpu_s && figures.resident_bytes && figures.open_fds);
  EXPECT_LT(*figures.start_time_s, now_s + 1);
  EXPECT_GT(*figures.start_time_s, now_s - 86'400);
  EXPECT_GE(*figures.cpu_s, 0);
  EXPECT_GT(*figures.resident_bytes, 1u << 20);
  EXPECT_LT(*figures.resident_bytes, *figures.virtual_bytes);
  EXPECT_GE(*figures.threads, 1u);
  const int more = ::dup(0);
  EXPECT_EQ(*process_figures().open_fds, *figures.open_fds + 1);
  ::close(more);
  EXPECT_EQ(process_figures().start_time_s, figures.start_time_s);
}

}  // namespace
}  // namespace cppipc::server::status_text_test
