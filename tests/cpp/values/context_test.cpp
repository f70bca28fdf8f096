// SPDX-License-Identifier: Apache-2.0
#include <cppipc/context.h>

#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::context_test {
namespace {

using std::chrono::hours;
using test::refusal;

TEST(Context, IsNotCancelledAtFirst) {
  const Context context;
  EXPECT_FALSE(context.cancelled());
  EXPECT_NO_THROW(context.throw_if_cancelled());
  EXPECT_FALSE(context.deadline().has_value());
}

TEST(Context, IsCancelledOnceAskedToStop) {
  std::stop_source source;
  const Context context(source.get_token(), Context::Clock::now() + hours(1));
  EXPECT_FALSE(context.cancelled());
  source.request_stop();
  EXPECT_TRUE(context.cancelled());
  EXPECT_EQ(refusal([&] { context.throw_if_cancelled(); }), "cancelled: the call was cancelled");
}

TEST(Context, IsCancelledPastItsDeadline) {
  const Context context({}, Context::Clock::now() - hours(1));
  EXPECT_TRUE(context.cancelled());
  EXPECT_EQ(refusal([&] { context.throw_if_cancelled(); }),
            "timeout: the deadline of the call has passed");
}

TEST(Context, CallsItselfCancelledWhenBothHold) {
  std::stop_source source;
  source.request_stop();
  const Context context(source.get_token(), Context::Clock::now() - hours(1));
  EXPECT_EQ(refusal([&] { context.throw_if_cancelled(); }), "cancelled: the call was cancelled");
}

TEST(Context, PassesProgressAndLogOnIfAnybodyListens) {
  Context context;
  context.progress(0.5, "half");
  context.log("nobody hears this");
  std::string heard;
  context.on_progress = [&](double fraction, std::string_view text) {
    heard += std::to_string(fraction).substr(0, 3) + " " + std::string(text);
  };
  context.on_log = [&](LogLevel, std::string_view text) { heard += "; " + std::string(text); };
  context.progress(0.5, "half");
  context.log("line");
  EXPECT_EQ(heard, "0.5 half; line");
}

}  // namespace
}  // namespace cppipc::context_test
