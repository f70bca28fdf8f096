// SPDX-License-Identifier: Apache-2.0
#include "server/lifetime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "captured_log.h"
#include "server/socket_file.h"

namespace cppipc::server::lifetime_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class LifetimeTest : public testing::Test {
 protected:
  // A lifetime whose hooks only note that they were called.
  Lifetime make(milliseconds drain, milliseconds grace) {
    return Lifetime(
        loop_, captured_.log(), drain, grace,
        {[this](milliseconds patience) { ends_.push_back(patience); }, [this] { ++forced_; }});
  }
  // The same, but SIGHUP reloads.
  Lifetime make_reloading() {
    return Lifetime(loop_, captured_.log(), hours(1), hours(1),
                    {[this](milliseconds patience) { ends_.push_back(patience); },
                     [this] { ++forced_; }, [this] { ++reloads_; }});
  }
  // Runs the loop until `condition` holds. Returns whether it did before the deadline.
  template <class Condition>
  bool run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_one_for(std::chrono::seconds(1));
    }
    return condition();
  }

  CapturedLog captured_;
  boost::asio::io_context loop_;
  std::vector<milliseconds> ends_;
  int forced_ = 0;
  int reloads_ = 0;
};

// A child process that waits until it is killed. Owns: the process.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  int pidfd() const { return static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)); }

 private:
  pid_t pid_;
};

TEST_F(LifetimeTest, ASignalBeginsTheEndWithTheDrain) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    ends_.clear();
    Lifetime lifetime = make(milliseconds(700), hours(1));
    lifetime.watch_signals();
    ::raise(signal);
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    EXPECT_THAT(ends_, ElementsAre(milliseconds(700)));
    EXPECT_TRUE(lifetime.is_ending());
    EXPECT_EQ(forced_, 0);
  }
  EXPECT_THAT(captured_.text(), HasSubstr("ending: SIGTERM"));
}

TEST_F(LifetimeTest, ASecondSignalEndsAtOnce) {
  Lifetime lifetime = make(hours(1), hours(1));
  lifetime.watch_signals();
  ::raise(SIGTERM);
  ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
  ::raise(SIGINT);
  ASSERT_TRUE(run_until([&] { return forced_ == 1; }));
  EXPECT_EQ(ends_.size(), 1u);
  EXPECT_THAT(captured_.text(), HasSubstr("a second signal (SIGINT)"));
}

TEST_F(LifetimeTest, SighupReloadsAgainAndAgain) {
  Lifetime lifetime = make_reloading();
  lifetime.watch_signals();
  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGHUP);
    ASSERT_TRUE(run_until([&] { return reloads_ == i; }));
  }
  EXPECT_TRUE(ends_.empty());
  EXPECT_FALSE(lifetime.is_ending());
}

TEST_F(LifetimeTest, SighupNeitherReloadsNorForcesWhatIsEnding) {
  Lifetime lifetime = make_reloading();
  lifetime.watch_signals();
  lifetime.end("test", hours(1));
  ::raise(SIGHUP);
  ASSERT_TRUE(run_until([&] { return count_of(captured_.text(), "no reload") == 1; }));
  EXPECT_EQ(reloads_, 0);
  EXPECT_EQ(forced_, 0);
}

TEST_F(LifetimeTest, TheGraceEndsWhatRefusesToEnd) {
  Lifetime lifetime = make(milliseconds(0), milliseconds(1));
  lifetime.end("test", milliseconds(0));
  EXPECT_EQ(forced_, 0);
  ASSERT_TRUE(run_until([&] { return forced_ == 1; }));
  EXPECT_THAT(captured_.text(), HasSubstr("end grace"));
}

TEST_F(LifetimeTest, FinishedInTimeIsNotForced) {
  Lifetime lifetime = make(hours(1), hours(1));
  lifetime.watch_signals();
  lifetime.end("test", milliseconds(0));
  lifetime.finished();
  loop_.run();  // returns, although a signal could still come
  EXPECT_EQ(forced_, 0);
}

TEST_F(LifetimeTest, TheEndBeginsOnce) {
  Lifetime lifetime = make(hours(1), hours(1));
  lifetime.end("one", milliseconds(5));
  lifetime.end("two", milliseconds(6));
  EXPECT_THAT(ends_, ElementsAre(milliseconds(5)));
  EXPECT_EQ(count_of(captured_.text(), "ending:"), 1);
}

TEST_F(LifetimeTest, ALaterEndWithLessPatienceShortensTheWait) {
  Lifetime lifetime = make(hours(1), milliseconds(1));
  lifetime.end("signal", hours(1));
  lifetime.end("the launcher is gone", milliseconds(0));
  EXPECT_TRUE(run_until([&] { return forced_ == 1; }));
}

TEST_F(LifetimeTest, ALaterEndWithMorePatienceChangesNothing) {
  Lifetime lifetime = make(hours(1), milliseconds(1));
  lifetime.end("one", milliseconds(0));
  lifetime.end("two", hours(1));
  EXPECT_TRUE(run_until([&] { return forced_ == 1; }));
}

TEST_F(LifetimeTest, EndsWhenTheLauncherIsKilled) {
  Child launcher;
  Lifetime lifetime = make(hours(1), hours(1));
  lifetime.watch_launcher(launcher.pidfd());
  loop_.poll();
  EXPECT_TRUE(ends_.empty());
  launcher.kill();
  ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
  EXPECT_THAT(ends_, ElementsAre(milliseconds(0)));
  EXPECT_THAT(captured_.text(), HasSubstr("the launcher is gone"));
}

TEST_F(LifetimeTest, EndsWhenTheLauncherWasDeadBefore) {
  Child launcher;
  const int pidfd = launcher.pidfd();
  launcher.kill();
  Lifetime lifetime = make(hours(1), hours(1));
  lifetime.watch_launcher(pidfd);
  EXPECT_TRUE(run_until([&] { return !ends_.empty(); }));
}

TEST_F(LifetimeTest, ADescriptorThatIsNoPidfdIsRefused) {
  Lifetime lifetime = make(hours(1), hours(1));
  const OwnedFd other(::dup(0));
  EXPECT_THROW(lifetime.watch_launcher(other.get()), std::runtime_error);
  EXPECT_THROW(lifetime.watch_launcher(1'000'000), std::runtime_error);
}

}  // namespace
}  // namespace cppipc::server::lifetime_test
