// SPDX-License-Identifier: Apache-2.0
#include "server/socket_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::socket_file_test {
namespace {

using testing::HasSubstr;

// Why a server cannot listen at `path`; empty if it can.
std::string refusal_at(const std::string& path) {
  try {
    SocketFile file({path});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(SocketFile, ListensForTheOwnUserOnly) {
  const TemporaryFolder folder;
  const SocketFile file({folder / "u.sock"});
  struct stat info {};
  ASSERT_EQ(::stat((folder / "u.sock").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_GE(connect_to(folder / "u.sock").get(), 0);
  EXPECT_NE(::fcntl(file.fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(file.fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(SocketFile, LeavesNothingBehind) {
  const TemporaryFolder folder;
  {
    const SocketFile file({folder / "u.sock"});
    EXPECT_FALSE(std::filesystem::exists(folder / "u.sock.lock"));
  }
  EXPECT_TRUE(folder.is_empty());
}

TEST(SocketFile, AStaleFileIsReplaced) {
  const TemporaryFolder folder;
  bind_at(folder / "u.sock").reset();  // closed, but the file stays
  ASSERT_TRUE(std::filesystem::exists(folder / "u.sock"));
  const SocketFile file({folder / "u.sock"});
  EXPECT_GE(connect_to(folder / "u.sock").get(), 0);
}

TEST(SocketFile, ALiveServerIsLeftAlone) {
  const TemporaryFolder folder;
  const SocketFile live({folder / "u.sock"});
  EXPECT_THAT(refusal_at(folder / "u.sock"),
              HasSubstr("already listening on '" + folder / "u.sock"));
  EXPECT_GE(connect_to(folder / "u.sock").get(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "u.sock.lock"));
}

TEST(SocketFile, ALiveServerWithAFullQueueIsLeftAlone) {
  const TemporaryFolder folder;
  const OwnedFd live = bind_at(folder / "u.sock");
  ASSERT_EQ(::listen(live.get(), 0), 0);
  std::vector<OwnedFd> waiting;
  for (;;) {
    OwnedFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_un address = unix_address(folder / "u.sock");
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(client.get(), plain, sizeof(address)) != 0) {
      ASSERT_EQ(errno, EAGAIN);
      break;
    }
    waiting.push_back(std::move(client));
  }
  EXPECT_THAT(refusal_at(folder / "u.sock"), HasSubstr("already listening"));
}

TEST(SocketFile, ASocketOfAnotherKindInUseIsLeftAlone) {
  const TemporaryFolder folder;
  const OwnedFd datagrams = bind_at(folder / "u.sock", SOCK_DGRAM);
  EXPECT_THAT(refusal_at(folder / "u.sock"), HasSubstr("already listening"));
  EXPECT_TRUE(std::filesystem::exists(folder / "u.sock"));
}

TEST(SocketFile, OtherFilesAreNeverRemoved) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plain") << "data";
  std::filesystem::create_directory(folder / "folder");
  std::filesystem::create_symlink(folder / "nowhere", folder / "link");
  for (const char* name : {"plain", "folder", "link"}) {
    EXPECT_THAT(refusal_at(folder / name), HasSubstr("is no socket; it is left as it is")) << name;
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(folder / name))) << name;
  }
  EXPECT_EQ(contents_of(folder / "plain"), "data");
}

TEST(SocketFile, AFileThatWasReplacedMeanwhileStays) {
  const TemporaryFolder folder;
  {
    const SocketFile file({folder / "u.sock"});
    std::filesystem::remove(folder / "u.sock");
    std::ofstream(folder / "u.sock") << "another's";
  }
  EXPECT_EQ(contents_of(folder / "u.sock"), "another's");
}

TEST(SocketFile, AFileThatWasRemovedMeanwhileIsNoError) {
  const TemporaryFolder folder;
  SocketFile file({folder / "u.sock"});
  std::filesystem::remove(folder / "u.sock");
  file.close();
  file.close();
  EXPECT_TRUE(folder.is_empty());
}

TEST(SocketFile, CloseRefusesLaterClients) {
  const TemporaryFolder folder;
  SocketFile file({folder / "u.sock"});
  file.close();
  EXPECT_LT(connect_to(folder / "u.sock").get(), 0);
  EXPECT_EQ(errno, ENOENT);
}

TEST(SocketFile, LongPathsWork) {
  const TemporaryFolder folder;
  const std::string deep = folder / (std::string(100, 'd') + "/" + std::string(100, 'e'));
  std::filesystem::create_directories(deep);
  {
    const SocketFile file({deep + "/u.sock"});
    EXPECT_GE(connect_through_folder(deep, "u.sock").get(), 0);
    EXPECT_THAT(refusal_at(deep + "/u.sock"), HasSubstr("already listening"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(deep));
}

TEST(SocketFile, LongNamesAreRefusedNamingTheLimit) {
  const TemporaryFolder folder;
  const std::string refusal = refusal_at(folder / std::string(120, 'n'));
  EXPECT_THAT(refusal, HasSubstr("at most 107 bytes"));
  EXPECT_TRUE(folder.is_empty());
}

TEST(SocketFile, AMissingFolderIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal_at(folder / "none/u.sock"), HasSubstr("none/u.sock': No such file"));
}

TEST(SocketFile, ALockOfAnotherStartingServerIsRespected) {
  const TemporaryFolder folder;
  const OwnedFd lock(::open((folder / "u.sock.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  EXPECT_THAT(refusal_at(folder / "u.sock"), HasSubstr("just starting"));
  EXPECT_TRUE(std::filesystem::exists(folder / "u.sock.lock"));
}

TEST(SocketFile, ALockFileThatWasLeftBehindIsReused) {
  const TemporaryFolder folder;
  std::ofstream(folder / "u.sock.lock").flush();
  { const SocketFile file({folder / "u.sock"}); }
  EXPECT_TRUE(folder.is_empty());
}

TEST(SocketFile, AFileThatOnlyLooksLikeALockStays) {
  const TemporaryFolder folder;
  std::ofstream(folder / "u.sock.lock") << "data";
  EXPECT_THAT(refusal_at(folder / "u.sock"), HasSubstr("is not a lock file"));
  EXPECT_EQ(contents_of(folder / "u.sock.lock"), "data");
}

TEST(SocketFile, OfManyStartingServersOneWins) {
  constexpr int kServers = 8;
  constexpr int kRounds = 50;
  const TemporaryFolder folder;
  for (int round = 0; round < kRounds; ++round) {
    bind_at(folder / "u.sock").reset();  // stale, so that all want to replace it
    std::barrier together(kServers);
    std::mutex guard;
    std::vector<std::unique_ptr<SocketFile>> winners;
    {
      std::vector<std::jthread> servers;
      for (int i = 0; i < kServers; ++i) {
        servers.emplace_back([&] {
          together.arrive_and_wait();
          try {
            auto file = std::make_unique<SocketFile>(Address{folder / "u.sock"});
            const std::lock_guard lock(guard);
            winners.push_back(std::move(file));
          } catch (const std::runtime_error& error) {
            EXPECT_THAT(error.what(),
                        testing::AnyOf(HasSubstr("already listening"), HasSubstr("just starting")));
          }
        });
      }
    }
    ASSERT_EQ(winners.size(), 1u) << "round " << round;
    EXPECT_GE(connect_to(folder / "u.sock").get(), 0);
    winners.clear();
    ASSERT_TRUE(folder.is_empty()) << "round " << round;
  }
}

}  // namespace
}  // namespace cppipc::server::socket_file_test
