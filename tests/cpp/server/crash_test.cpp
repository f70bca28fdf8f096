// SPDX-License-Identifier: Apache-2.0
#include "server/crash.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "server/socket_file.h"
#include "temporary_folder.h"

namespace cppipc::server::crash_test {
namespace {

using testing::HasSubstr;

struct Outcome {
  int status = 0;      // as waitpid gives it
  std::string stderr;  // all of it
};

// Runs `crash` in a child with the crash handler installed, without a core file.
Outcome run_in_child(const std::function<void()>& crash) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const OwnedFd reader(ends[0]);
  OwnedFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(writer.get(), STDERR_FILENO);
    install_crash_handler();
    crash();
    ::_exit(0);
  }
  writer.reset();
  Outcome outcome;
  std::array<char, 4096> piece;
  for (ssize_t n; (n = ::read(reader.get(), piece.data(), piece.size())) > 0;) {
    outcome.stderr.append(piece.data(), static_cast<std::size_t>(n));
  }
  ::waitpid(child, &outcome.status, 0);
  return outcome;
}

void expect_ended_by(int signal, const Outcome& outcome) {
  ASSERT_TRUE(WIFSIGNALED(outcome.status)) << outcome.stderr;
  EXPECT_EQ(WTERMSIG(outcome.status), signal) << outcome.stderr;
}

TEST(Crash, EverySignalIsReportedAndEndsTheProcess) {
  const std::array<std::pair<int, const char*>, 5> signals{{{SIGSEGV, "SIGSEGV"},
                                                            {SIGBUS, "SIGBUS"},
                                                            {SIGFPE, "SIGFPE"},
                                                            {SIGILL, "SIGILL"},
                                                            {SIGABRT, "SIGABRT"}}};
  for (const auto& [signal, name] : signals) {
    const int number = signal;
    const Outcome outcome = run_in_child([number] { ::raise(number); });
    expect_ended_by(signal, outcome);
    EXPECT_THAT(outcome.stderr,
                HasSubstr(std::string("unity_server: crashed with ") + name + "\n"));
    EXPECT_THAT(outcome.stderr, HasSubstr("unity_server: backtrace:\n"));
    EXPECT_THAT(outcome.stderr, HasSubstr("[0x")) << "no frames";
  }
}

TEST(Crash, ABadAddressIsNamed) {
  const Outcome outcome = run_in_child([] {
    volatile int* nowhere = reinterpret_cast<volatile int*>(0x10);
    *nowhere = 1;
  });
  expect_ended_by(SIGSEGV, outcome);
  EXPECT_THAT(outcome.stderr, HasSubstr("fault at address 0x10\n"));
}

// Needs more stack than there is. Returns something, so that no call is optimised away.
int overflow(int depth) {
  volatile char frame[1 << 12];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

TEST(Crash, AnOverflowOfTheStackIsReported) {
  const Outcome on_main = run_in_child([] { overflow(0); });
  expect_ended_by(SIGSEGV, on_main);
  EXPECT_THAT(on_main.stderr, HasSubstr("crashed with SIGSEGV"));
  const Outcome on_thread = run_in_child([] {
    std::thread([] {
      use_crash_stack();
      overflow(0);
    }).join();
  });
  expect_ended_by(SIGSEGV, on_thread);
  EXPECT_THAT(on_thread.stderr, HasSubstr("crashed with SIGSEGV"));
}

TEST(Crash, TwoThreadsThatCrashGiveOneReport) {
  const Outcome outcome = run_in_child([] {
    std::thread other([] { ::raise(SIGSEGV); });
    ::raise(SIGSEGV);
    other.join();
  });
  expect_ended_by(SIGSEGV, outcome);
  const std::string line = "unity_server: crashed with";
  EXPECT_EQ(outcome.stderr.find(line), outcome.stderr.rfind(line)) << outcome.stderr;
}

TEST(Crash, AnUncaughtExceptionIsNamed) {
  const Outcome outcome = run_in_child(
      [] { std::thread([] { throw std::runtime_error("nobody catches this"); }).join(); });
  expect_ended_by(SIGABRT, outcome);
  EXPECT_THAT(outcome.stderr, HasSubstr("terminated by an uncaught exception: "
                                        "std::runtime_error: nobody catches this\n"));
  EXPECT_THAT(outcome.stderr, HasSubstr("crashed with SIGABRT\n"));
}

TEST(Crash, AnUncaughtThingThatIsNoExceptionIsNamed) {
  const Outcome outcome = run_in_child([] { std::thread([] { throw 42; }).join(); });
  expect_ended_by(SIGABRT, outcome);
  EXPECT_THAT(outcome.stderr, HasSubstr("uncaught exception: int (not a std::exception)\n"));
}

TEST(Crash, TheLogFileGetsItToo) {
  const TemporaryFolder folder;
  const OwnedFd log(::open((folder / "log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const Outcome outcome = run_in_child([&] {
    set_crash_log(log.get());
    ::raise(SIGILL);
  });
  expect_ended_by(SIGILL, outcome);
  EXPECT_THAT(contents_of(folder / "log"), HasSubstr("unity_server: crashed with SIGILL\n"));
}

TEST(Crash, AFullPipeDoesNotKeepTheProcessAlive) {
  const Outcome outcome = run_in_child([] {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const std::string text(4096, 'x');
    while (::write(ends[1], text.data(), text.size()) > 0) {
    }
    ::fcntl(ends[1], F_SETFL, 0);
    ::dup2(ends[1], STDERR_FILENO);  // full, and the reading end is ours: nobody reads
    ::raise(SIGSEGV);
  });
  expect_ended_by(SIGSEGV, outcome);
}

}  // namespace
}  // namespace cppipc::server::crash_test
