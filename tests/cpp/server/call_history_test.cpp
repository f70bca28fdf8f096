// SPDX-License-Identifier: Apache-2.0
#include "server/call_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace cppipc::server::call_history_test {
namespace {

// "+name" while it runs, "-name" after, "*" before it if it is this thread's own.
std::vector<std::string> latest(const CallHistory& history) {
  std::vector<std::string> calls;
  history.for_each_latest([&](const CallHistory::Call& call) {
    calls.push_back((call.is_own ? "*" : "") + std::string(call.is_running ? "+" : "-") +
                    call.name + " " + std::to_string(call.session));
  });
  return calls;
}

TEST(CallHistory, IsEmptyAtFirst) { EXPECT_TRUE(latest(CallHistory()).empty()); }

TEST(CallHistory, ShowsTheLatestFirst) {
  CallHistory history;
  history.began(1, "Counter.increment");
  history.ended();
  history.began(2, "work");
  EXPECT_EQ(latest(history), (std::vector<std::string>{"*+work 2", "-Counter.increment 1"}));
  history.ended();
  EXPECT_EQ(latest(history).front(), "-work 2");
}

TEST(CallHistory, ShowsSoManyAndNoMore) {
  CallHistory history;
  for (int i = 0; i < 200; ++i) {
    history.began(7, std::to_string(i));
    history.ended();
  }
  const auto calls = latest(history);
  ASSERT_EQ(calls.size(), CallHistory::kCalls);
  EXPECT_EQ(calls.front(), "-199 7");
  EXPECT_EQ(calls.back(), "-194 7");
}

TEST(CallHistory, ShowsAsManyAsItIsToldTo) {
  CallHistory history;
  for (int i = 0; i < 200; ++i) history.began(7, std::to_string(i));
  history.show(CallHistory::kShownMax);
  EXPECT_EQ(latest(history).size(), CallHistory::kShownMax);
  history.show(0);
  EXPECT_TRUE(latest(history).empty());
}

TEST(CallHistory, CutsLongNames) {
  CallHistory history;
  history.began(1, std::string(1000, 'x'));
  EXPECT_EQ(latest(history).front(), "*+" + std::string(CallHistory::kNameBytes - 1, 'x') + " 1");
}

TEST(CallHistory, NamesTheFilesOfExtensionsAndTheEndOfLongOnes) {
  CallHistory history;
  const auto latest_file = [&] {
    std::string file;
    history.for_each_latest([&](const CallHistory::Call& call) {
      if (call.is_own) file = call.file;
    });
    return file;
  };
  const std::string tail = "/square.so";
  history.began(1, "square.root", std::string(1000, 'x') + tail);
  EXPECT_EQ(latest_file(), std::string(CallHistory::kFileBytes - 1 - tail.size(), 'x') + tail);
  for (int i = 0; i < 200; ++i) history.began(1, "square.root", "/lib/square.so");
  EXPECT_EQ(latest_file(), "/lib/square.so");
  for (int i = 0; i < 200; ++i) history.began(1, "Counter.increment");
  EXPECT_EQ(latest_file(), "");
  history.enters("/lib/square.so");
  EXPECT_EQ(latest_file(), "/lib/square.so");
  history.ended();
  history.enters("/lib/cube.so");
  history.for_each_latest([](const CallHistory::Call& call) {
    EXPECT_THAT(call.file, testing::AnyOf(testing::StrEq(""), testing::StrEq("/lib/square.so")));
  });
}

TEST(CallHistory, KnowsWhoseCallsRun) {
  CallHistory history;
  history.began(1, "mine");
  std::thread other([&] {
    history.began(2, "other");
    EXPECT_EQ(latest(history), (std::vector<std::string>{"*+other 2", "+mine 1"}));
  });
  other.join();
  EXPECT_EQ(latest(history), (std::vector<std::string>{"+other 2", "*+mine 1"}));
}

TEST(CallHistory, ACallThatOutlastsManyOthersEndsNoneOfTheirs) {
  CallHistory history;
  history.began(1, "long");
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) history.began(2, "short");
  });
  other.join();
  history.ended();
  for (const auto& call : latest(history)) EXPECT_EQ(call, "+short 2");
}

TEST(CallHistory, TakesNotesOfManyThreads) {
  CallHistory history;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2000; ++n) {
        history.began(3, "method");
        history.ended();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& call : latest(history)) EXPECT_EQ(call, "-method 3");
}

}  // namespace
}  // namespace cppipc::server::call_history_test
