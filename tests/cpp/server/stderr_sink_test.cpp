// SPDX-License-Identifier: Apache-2.0
#include "server/stderr_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "server/logging.h"
#include "server/socket_file.h"

namespace cppipc::server::stderr_sink_test {
namespace {

// A pipe whose reading end never makes the reader wait. Owns: both ends.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  }
  // What is in the pipe now.
  std::string drain() {
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t n; (n = ::read(reader.get(), piece.data(), piece.size())) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(n));
    }
    return text;
  }
  OwnedFd reader;
  OwnedFd writer;
};

TEST(StderrSink, LinesArrive) {
  Pipe pipe;
  Log log({}, std::make_shared<StderrSink>(pipe.writer.get()));
  log.info("hello");
  EXPECT_THAT(pipe.drain(), testing::EndsWith("hello\n"));
}

TEST(StderrSink, AFullPipeDropsLinesAndSaysSoLater) {
  Pipe pipe;
  Log log({}, std::make_shared<StderrSink>(pipe.writer.get()));
  const std::string line(1'000, 'x');
  for (int i = 0; i < 1'000; ++i) log.info(line);  // a megabyte, far more than a pipe holds
  const std::string first = pipe.drain();
  EXPECT_LT(first.size(), 1'000'000u);
  log.info("after");
  const std::string second = pipe.drain();
  EXPECT_THAT(second, testing::MatchesRegex("unity_server: [0-9]+ log lines were dropped.*\n.*\n"));
  EXPECT_THAT(second, testing::EndsWith("after\n"));
}

TEST(StderrSink, ALongLineThatFitsIsWhole) {
  Pipe pipe;
  const std::string line(20'000, 'y');
  EXPECT_TRUE(write_without_waiting(pipe.writer.get(), line));
  EXPECT_EQ(pipe.drain(), line);
}

TEST(StderrSink, AReaderThatIsGoneHarmsNobody) {
  ::signal(SIGPIPE, SIG_IGN);  // as the server does
  Pipe pipe;
  pipe.reader.reset();
  EXPECT_FALSE(write_without_waiting(pipe.writer.get(), "text"));
  Log log({}, std::make_shared<StderrSink>(pipe.writer.get()));
  log.info("text");
}

}  // namespace
}  // namespace cppipc::server::stderr_sink_test
