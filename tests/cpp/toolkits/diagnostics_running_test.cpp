// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <limits>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "called.h"
#include "toolkits/all.h"
#include "toolkits/diagnostics.h"

namespace cppipc::toolkits::diagnostics_running_test {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class DiagnosticsRunning : public testing::Test {
 protected:
  Variant run(const std::string& name, const Given& given) const {
    return called_.run("diagnostics." + name, given);
  }
  const Called called_{&register_diagnostics_running};
};

TEST_F(DiagnosticsRunning, SleepTakesItsTimeWhateverTheCallerWants) {
  std::stop_source stop;
  stop.request_stop();
  Context cancelled(stop.get_token(), std::nullopt);
  const auto start = Clock::now();
  EXPECT_EQ(called_.run("diagnostics.sleep", {0.02}, cancelled), Variant(0.02));
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(20));
}

TEST_F(DiagnosticsRunning, WorkReportsTenTimes) {
  Context context;
  std::vector<double> fractions;
  context.on_progress = [&](double fraction, std::string_view) { fractions.push_back(fraction); };
  const auto start = Clock::now();
  EXPECT_EQ(called_.run("diagnostics.work", {0.02}, context), Variant(0.02));
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(20));
  ASSERT_EQ(fractions.size(), 10u);
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
  EXPECT_EQ(fractions.back(), 1.0);
}

TEST_F(DiagnosticsRunning, WorkEndsWhenItIsCancelled) {
  std::stop_source stop;
  Context context(stop.get_token(), std::nullopt);
  int reports = 0;
  context.on_progress = [&](double, std::string_view) {
    if (++reports == 3) stop.request_stop();
  };
  refusal_of(ErrorKind::kCancelled, [&] { called_.run("diagnostics.work", {0.05}, context); });
  EXPECT_EQ(reports, 3);
}

TEST_F(DiagnosticsRunning, SecondsAreChecked) {
  for (const char* name : {"sleep", "work"}) {
    for (const double seconds : {-1.0, 1e7, std::numeric_limits<double>::quiet_NaN()}) {
      refusal_of(ErrorKind::kInvalidArgument, [&] { run(name, {seconds}); });
    }
    EXPECT_TRUE(called_.registry().find_function(std::string("diagnostics.") + name)->is_blocking);
  }
}

TEST_F(DiagnosticsRunning, FailThrowsEveryKindWithItsText) {
  const std::vector<std::pair<const char*, ErrorKind>> kinds{
      {"runtime_error", ErrorKind::kRemote},
      {"invalid_argument", ErrorKind::kInvalidArgument},
      {"domain_error", ErrorKind::kDomain},
      {"out_of_range", ErrorKind::kOutOfRange},
      {"bad_alloc", ErrorKind::kOutOfMemory},
      {"bad_cast", ErrorKind::kWrongType},
      {"overflow_error", ErrorKind::kOverflow},
      {"ios_base::failure", ErrorKind::kInputOutput},
      {"system_error", ErrorKind::kInputOutput},
      {"logic_error", ErrorKind::kRemote},
      {"string", ErrorKind::kRemote},
      {"char*", ErrorKind::kRemote}};
  for (const auto& [kind, expected] : kinds) {
    const Given given{kind, "the text"};
    EXPECT_THAT(refusal_of(expected, [&] { run("fail", given); }), HasSubstr("the text")) << kind;
  }
  EXPECT_THAT(refusal_of(ErrorKind::kRemote, [&] { run("fail", {"int", ""}); }), HasSubstr("int"));
}

TEST_F(DiagnosticsRunning, AnUnknownKindOfFailureIsRefused) {
  EXPECT_THAT(refusal_of(ErrorKind::kUnknownName,
                         [&] {
                           run("fail", {"nothing", ""});
                         }),
              testing::AllOf(HasSubstr("'nothing'"), HasSubstr("runtime_error")));
}

TEST_F(DiagnosticsRunning, CrashRaisesTheSignal) {
  EXPECT_EXIT(run("crash", {SIGKILL}), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(run("crash", {SIGTERM}), testing::KilledBySignal(SIGTERM), "");
  refusal_of(ErrorKind::kInputOutput, [&] { run("crash", {12345}); });
}

TEST(RegisterAll, DiagnosticsAreThereOnlyOnRequest) {
  Registry plain;
  register_all(plain);
  EXPECT_EQ(plain.find_function("diagnostics.echo"), nullptr);
  EXPECT_EQ(plain.find_type("Probe"), nullptr);
  for (const char* name : {"Counter", "VariantMap"}) EXPECT_NE(plain.find_type(name), nullptr);
  for (const char* name : {"demo_addone", "pagerank"}) {
    EXPECT_NE(plain.find_function(name), nullptr);
  }
  Registry full;
  register_all(full, {.has_diagnostics = true});
  EXPECT_NE(full.find_function("diagnostics.echo"), nullptr);
  EXPECT_NE(full.find_type("Probe"), nullptr);
  EXPECT_NE(full.find_type("Holder"), nullptr);
}

TEST(RegisterAll, EverythingIsDocumented) {
  Registry full;
  register_all(full, {.has_diagnostics = true});
  const Description description = full.describe("1");
  for (const FunctionDescription& function : description.functions) {
    EXPECT_NE(function.doc, "") << function.name;
    EXPECT_NE(function.result, "") << function.name;
  }
  for (const TypeDescription& type : description.types) {
    EXPECT_NE(type.doc, "") << type.name;
    for (const auto& method : type.methods) EXPECT_NE(method.doc, "") << type.name << method.name;
    for (const auto& property : type.properties) EXPECT_NE(property.doc, "") << property.name;
  }
}

}  // namespace
}  // namespace cppipc::toolkits::diagnostics_running_test
