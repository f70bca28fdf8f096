// SPDX-License-Identifier: Apache-2.0
// The shipped server as the private one of a launcher: whatever happens to the launcher, it ends.
#include <cppipc/client.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/options.h"
#include "server_process.h"
#include "temporary_folder.h"

namespace cppipc::server::process_private_test {
namespace {

using testing::HasSubstr;

// A process that does nothing but live, as a launcher does. Owns: the process.
class Launcher {
 public:
  Launcher() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Launcher() { kill(); }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

// A private server on one end of a socket pair, and its launcher's pidfd.
class PrivateServer : public testing::Test {
 protected:
  PrivateServer() : pidfd_(open_pidfd(launcher_.pid())) {
    std::vector<std::string> arguments{"--inherited-fd",
                                       std::to_string(sockets_.theirs.get()),
                                       "--launcher-pidfd",
                                       std::to_string(pidfd_.get()),
                                       "--diagnostics",
                                       "--end-grace-s",
                                       "0.1"};
    server_ = std::make_unique<ServerProcess>(
        arguments, ServerProcess::Setup{.inherited = {sockets_.theirs.get(), pidfd_.get()}});
    sockets_.theirs.reset();
  }
  std::shared_ptr<Client> connect() { return Client::adopt(sockets_.mine.release()); }

  // Begins a method that does not end by itself.
  static CallPtr sleep_long(Client& client) {
    const CallPtr call = client.run("diagnostics.sleep", {{Variant(1'000.0)}, {}});
    EXPECT_TRUE(eventually([&] {
      const Variant stats = client.stats()->wait(30.0);
      return stats.as<Dict>().find("calls_running")->as<std::int64_t>() >= 1;
    }));
    return call;
  }

  Launcher launcher_;
  OwnedFd pidfd_;
  StreamPair sockets_ = make_socket_pair();
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(PrivateServer, EndsWithItsSession) {
  const auto client = connect();
  EXPECT_EQ(client->server_pid(), server_->pid());
  EXPECT_TRUE(server_->is_running());
  client->close();
  EXPECT_EQ(server_->wait(), kExitOk);
  EXPECT_EQ(server_->stdout_text(), "");
  EXPECT_THAT(server_->stderr_text(), HasSubstr("ending: the launcher's session ended"));
}

TEST_F(PrivateServer, EndsWhenTheSocketClosesBeforeTheSessionBegan) {
  sockets_.mine.reset();
  EXPECT_EQ(server_->wait(), kExitOk);
}

TEST_F(PrivateServer, EndsWhenTheLauncherIsKilledThoughOthersHoldItsSocket) {
  const auto client = connect();  // held by this process, as a forked child of the launcher would
  launcher_.kill();
  EXPECT_EQ(server_->wait(), kExitOk);
  EXPECT_THAT(server_->stderr_text(), HasSubstr("ending: the launcher is gone"));
}

TEST_F(PrivateServer, EndsWithItsSessionThoughAMethodRefuses) {
  const auto client = connect();
  const CallPtr call = sleep_long(*client);
  client->close();
  EXPECT_EQ(server_->wait(), kExitForced);
}

TEST_F(PrivateServer, EndsWithItsLauncherThoughAMethodRefuses) {
  const auto client = connect();
  const CallPtr call = sleep_long(*client);
  launcher_.kill();
  EXPECT_EQ(server_->wait(), kExitForced);
}

TEST_F(PrivateServer, EndsAtOnceWithItsSessionIfMethodsLookAtCancellation) {
  const auto client = connect();
  const CallPtr call = client->run("diagnostics.work", {{Variant(1'000.0)}, {}});
  ASSERT_TRUE(eventually([&] {
    const Variant stats = client->stats()->wait(30.0);
    return stats.as<Dict>().find("calls_running")->as<std::int64_t>() >= 1;
  }));
  client->close();
  EXPECT_EQ(server_->wait(), kExitOk);
}

// Starts with the given descriptors and says what came of it.
int start_with(const std::string& option, int fd, std::string& text) {
  const StreamPair sockets = make_socket_pair();
  std::vector<std::string> arguments{option, std::to_string(fd)};
  if (option != "--inherited-fd") {
    arguments.insert(arguments.end(), {"--inherited-fd", std::to_string(sockets.theirs.get())});
  }
  ServerProcess server(arguments, ServerProcess::Setup{.inherited = {fd, sockets.theirs.get()}});
  const int code = server.wait();
  text = server.stderr_text();
  return code;
}

TEST(PrivateServerStart, DescriptorsOfAnotherKindAreRefused) {
  std::string text;
  const StreamPair pipe = make_pipe();
  EXPECT_EQ(start_with("--inherited-fd", pipe.theirs.get(), text), kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("is not a stream socket"));
  EXPECT_EQ(start_with("--inherited-fd", 777, text), kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("777"));
  const OwnedFd unconnected(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(start_with("--inherited-fd", unconnected.get(), text), kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("is not connected"));
  EXPECT_EQ(start_with("--launcher-pidfd", pipe.theirs.get(), text), kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("is not a pidfd"));
}

TEST(PrivateServerStart, ADeadLauncherEndsItAtOnce) {
  Launcher launcher;
  const OwnedFd pidfd = open_pidfd(launcher.pid());
  launcher.kill();
  std::string text;
  EXPECT_EQ(start_with("--launcher-pidfd", pidfd.get(), text), kExitOk);
  EXPECT_THAT(text, HasSubstr("the launcher is gone"));
}

TEST(PrivateServerStart, AlsoListensIfTold) {
  const TemporaryFolder folder;
  const StreamPair sockets = make_socket_pair();
  const std::string address = "unix:" + folder / "u.sock";
  ServerProcess server({"--inherited-fd", std::to_string(sockets.theirs.get()),  //
                        "--listen", address},
                       ServerProcess::Setup{.inherited = {sockets.theirs.get()}});
  EXPECT_EQ(server.read_line(), "listening on " + address);
  const auto other = Client::connect(address);
  ::shutdown(sockets.mine.get(), SHUT_RDWR);
  EXPECT_EQ(server.wait(), kExitOk);
  EXPECT_TRUE(folder.is_empty());
}

TEST(PrivateServerStart, ASessionAtItsAbstractNameDoesNotKeepItAlive) {
  const StreamPair sockets = make_socket_pair();
  const std::string address = "unix:@cppipc-private-test-" + std::to_string(::getpid());
  ServerProcess server({"--inherited-fd", std::to_string(sockets.theirs.get()),  //
                        "--listen", address},
                       ServerProcess::Setup{.inherited = {sockets.theirs.get()}});
  EXPECT_EQ(server.read_line(), "listening on " + address);
  const auto other = Client::connect(address);
  EXPECT_EQ(other->server_pid(), server.pid());
  ::shutdown(sockets.mine.get(), SHUT_RDWR);
  EXPECT_EQ(server.wait(), kExitOk);
  EXPECT_TRUE(eventually([&] { return other->is_closed(); }));
}

}  // namespace
}  // namespace cppipc::server::process_private_test
