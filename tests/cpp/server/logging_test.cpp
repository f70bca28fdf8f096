// SPDX-License-Identifier: Apache-2.0
#include "server/logging.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

#include "captured_log.h"
#include "temporary_folder.h"

namespace cppipc::server::logging_test {
namespace {

// A sink that fails in the given manner.
class BrokenSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit BrokenSink(bool throws_int) : throws_int_(throws_int) {}
  int calls = 0;

 protected:
  void sink_it_(const spdlog::details::log_msg&) override {
    ++calls;
    if (throws_int_) throw 42;
    throw std::runtime_error("disk full");
  }
  void flush_() override {}

 private:
  const bool throws_int_;
};

// The open descriptors of this process that lead to `path`.
std::vector<int> descriptors_of(const std::string& path) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) == path) {
      found.push_back(std::stoi(entry.path().filename()));
    }
  }
  return found;
}

TEST(Logging, LevelsBelowTheChosenOneAreLeftOut) {
  CapturedLog captured({.level = LogLevel::kWarning});
  captured.log().debug("one");
  captured.log().info("two");
  captured.log().warning("three");
  captured.log().error("four");
  EXPECT_EQ(count_of(captured.text(), "\n"), 2);
  EXPECT_THAT(captured.text(), testing::HasSubstr("warning"));
  EXPECT_THAT(captured.text(), testing::HasSubstr("error"));
}

TEST(Logging, OffWritesNothing) {
  CapturedLog captured({.level = LogLevel::kOff});
  captured.log().error("one");
  EXPECT_EQ(captured.text(), "");
}

TEST(Logging, FileIsRotatedAndOldOnesAreDropped) {
  const TemporaryFolder folder;
  Log log({.file = folder / "server.log", .file_mib = 1, .files = 2});
  const std::string line(4'000, 'x');
  for (int i = 0; i < 1'200; ++i) log.info(line);  // 4.8 MB: five files' worth
  for (const char* name : {"server.log", "server.1.log", "server.2.log"}) {
    ASSERT_TRUE(std::filesystem::exists(folder / name)) << name;
    EXPECT_LE(std::filesystem::file_size(folder / name), 1u << 20) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "server.3.log"));
}

TEST(Logging, FileIsContinuedByTheNextServer) {
  const TemporaryFolder folder;
  const LogOptions options{.file = folder / "server.log", .is_json = true};
  for (const char* text : {"first", "second"}) Log(options).info(text);
  std::istringstream lines(contents_of(folder / "server.log"));
  std::vector<std::string> messages;
  for (std::string line; std::getline(lines, line);) {
    messages.push_back(nlohmann::json::parse(line)["message"]);
  }
  EXPECT_EQ(messages, (std::vector<std::string>{"first", "second"}));
}

TEST(Logging, EveryLineIsInTheFileAtOnce) {
  const TemporaryFolder folder;
  Log log({.file = folder / "server.log"});
  log.info("here");
  EXPECT_THAT(contents_of(folder / "server.log"), testing::HasSubstr("here"));
}

TEST(Logging, FileIsNotInheritedByOtherPrograms) {
  const TemporaryFolder folder;
  const std::string path = std::filesystem::canonical(folder.path()) / "server.log";
  Log log({.file = path});
  const std::vector<int> open = descriptors_of(path);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_NE(::fcntl(open.front(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Logging, FileThatWasRenamedIsOpenedAnew) {
  const TemporaryFolder folder;
  const std::string path = std::filesystem::canonical(folder.path()) / "server.log";
  Log log({.file = path, .is_json = true});
  log.info("first");
  std::filesystem::rename(path, folder / "old.log");
  log.info("second");
  log.reopen();
  log.info("third");
  EXPECT_EQ(nlohmann::json::parse(contents_of(path))["message"], "third");
  EXPECT_THAT(contents_of(folder / "old.log"), testing::HasSubstr("second"));
  EXPECT_EQ(descriptors_of(path).size(), 1u);
  EXPECT_TRUE(descriptors_of(folder / "old.log").empty());
}

TEST(Logging, FileThatCannotBeOpenedAnewIsNamedAndTheOldOneGoesOn) {
  const TemporaryFolder folder;
  Log log({.file = folder / "server.log"});
  std::filesystem::rename(folder / "server.log", folder / "old.log");
  std::filesystem::create_directory(folder / "server.log");
  EXPECT_THROW(log.reopen(), std::runtime_error);
  log.info("still here");
  EXPECT_THAT(contents_of(folder / "old.log"), testing::HasSubstr("still here"));
}

TEST(Logging, WithoutAFileThereIsNothingToReopen) {
  CapturedLog captured;
  captured.log().reopen();
  captured.log().info("here");
  EXPECT_THAT(captured.text(), testing::HasSubstr("here"));
}

TEST(Logging, FileThatCannotBeOpenedIsNamed) {
  const TemporaryFolder folder;
  try {
    Log log({.file = folder.path().string()});  // a directory
    FAIL() << "was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(folder.path().string()));
  }
}

TEST(Logging, FailuresOfTheSinkStayInside) {
  for (const bool throws_int : {false, true}) {
    const auto sink = std::make_shared<BrokenSink>(throws_int);
    Log log({}, sink);
    log.info("one");
    log.error("two");
    EXPECT_EQ(sink->calls, 2);
  }
}

}  // namespace
}  // namespace cppipc::server::logging_test
