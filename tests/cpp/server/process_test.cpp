// SPDX-License-Identifier: Apache-2.0
// The shipped server over its sockets: the start and the end.
#include <cppipc/client.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "server/options.h"
#include "server_process.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::process_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ProcessTest : public testing::Test {
 protected:
  std::string address() const { return "unix:" + path(); }
  std::string path() const { return folder_ / "u.sock"; }
  // A server that listens at path().
  std::unique_ptr<ServerProcess> start(std::vector<std::string> more = {},
                                       const ServerProcess::Setup& setup = {}) const {
    more.insert(more.begin(), {"--listen", address()});
    auto server = std::make_unique<ServerProcess>(more, setup);
    if (setup.stdout_path.empty() && setup.closed.empty()) {
      EXPECT_EQ(server->read_line(), "listening on " + address());
    }
    return server;
  }
  // The exit code of a server that cannot start, and what it says.
  static int start_of(std::vector<std::string> arguments, std::string& text) {
    ServerProcess server(std::move(arguments));
    const int code = server.wait();
    text = server.stderr_text();
    EXPECT_THAT(server.stdout_text(), IsEmpty());
    return code;
  }
  static Variant add_one(Client& client) {
    return client.run("demo_addone", {{Variant(5)}, {"x"}})->wait(30.0);
  }

  const TemporaryFolder folder_;
};

// An entry of the server's statistics.
std::int64_t statistic(Client& client, std::string_view name) {
  return client.stats()->wait(30.0).as<Dict>().find(name)->as<std::int64_t>();
}

TEST_F(ProcessTest, ServesAndEndsInOrder) {
  const auto server = start();
  const auto client = Client::connect(address());
  EXPECT_EQ(client->server_pid(), server->pid());
  EXPECT_EQ(*add_one(*client).as<Dict>().find("x"), Variant(6));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), kExitOk);
  EXPECT_TRUE(folder_.is_empty());
  const std::string log = server->stderr_text();
  EXPECT_THAT(log, HasSubstr("session 1 began: unix: pid " + std::to_string(::getpid())));
  EXPECT_THAT(log, HasSubstr("session 1 ended"));
  EXPECT_THAT(log, HasSubstr("ending: SIGTERM"));
}

TEST_F(ProcessTest, ListensAtSeveralAddresses) {
  const auto server = start({"--listen", "ipc://" + folder_ / "v.sock"});
  EXPECT_EQ(server->read_line(), "listening on unix:" + folder_ / "v.sock");
  for (const char* name : {"u.sock", "v.sock"}) {
    add_one(*Client::connect("unix:" + folder_ / name));
  }
  server->signal(SIGINT);
  EXPECT_EQ(server->wait(), kExitOk);
  EXPECT_TRUE(folder_.is_empty());
}

TEST_F(ProcessTest, HelpAndVersionArePrinted) {
  for (const auto& [option, text] :
       {std::pair{"--help", "--listen"}, {"--version", "unity_server "}}) {
    ServerProcess server({option});
    EXPECT_EQ(server.wait(), kExitOk);
    EXPECT_THAT(server.stdout_text(), HasSubstr(text));
    EXPECT_THAT(server.stderr_text(), IsEmpty());
  }
}

TEST_F(ProcessTest, AWrongCommandLineIsExplained) {
  std::string text;
  EXPECT_EQ(start_of({"--no-such-option"}, text), kExitUsage);
  EXPECT_THAT(text, HasSubstr("--no-such-option"));
  EXPECT_EQ(start_of({"--listen", "tcp:127.0.0.1:0"}, text), kExitUsage);
  EXPECT_THAT(text, HasSubstr("--insecure-tcp to allow it all the same on loopback"));
}

TEST_F(ProcessTest, ALiveServerEndsTheStart) {
  const auto server = start();
  std::string text;
  EXPECT_EQ(start_of({"--listen", address()}, text), kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("unity_server: a server is already listening on '" + path()));
  add_one(*Client::connect(address()));
}

TEST_F(ProcessTest, AStaleSocketFileIsReplaced) {
  const auto killed = start();
  killed->signal(SIGKILL);
  EXPECT_EQ(killed->wait(), -SIGKILL);
  EXPECT_TRUE(std::filesystem::exists(path()));
  const auto server = start();
  add_one(*Client::connect(address()));
}

TEST_F(ProcessTest, OfServersThatStartTogetherOneWins) {
  constexpr int kServers = 6;
  std::vector<std::unique_ptr<ServerProcess>> servers;
  for (int i = 0; i < kServers; ++i) {
    servers.push_back(
        std::make_unique<ServerProcess>(std::vector<std::string>{"--listen", address()}));
  }
  int winners = 0;
  for (const auto& server : servers) {
    if (!server->read_line().empty()) {
      ++winners;
    } else {
      EXPECT_EQ(server->wait(), kExitStartFailed);
    }
  }
  EXPECT_EQ(winners, 1);
  add_one(*Client::connect(address()));
}

TEST_F(ProcessTest, AFailedStartLeavesNoFileOfItsOwn) {
  std::ofstream(folder_ / "plain") << "data";
  std::string text;
  EXPECT_EQ(start_of({"--listen", address(), "--listen", "unix:" + folder_ / "plain"}, text),
            kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("is no socket"));
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_EQ(contents_of(folder_ / "plain"), "data");
}

TEST_F(ProcessTest, TheDrainLetsRunningCallsEnd) {
  const auto server = start({"--diagnostics", "--drain-s", "1000"});
  const auto client = Client::connect(address());
  const CallPtr call = client->run("diagnostics.work", {{Variant(0.3)}, {}});
  ASSERT_TRUE(eventually([&] { return statistic(*client, "calls_running") >= 1; }));
  server->signal(SIGTERM);
  EXPECT_EQ(call->wait(30.0), Variant(0.3));
  EXPECT_EQ(server->wait(), kExitOk);
}

TEST_F(ProcessTest, ASecondSignalEndsAtOnce) {
  const auto server = start({"--diagnostics", "--drain-s", "1000"});
  const auto client = Client::connect(address());
  const CallPtr call = client->run("diagnostics.sleep", {{Variant(1'000.0)}, {}});
  ASSERT_TRUE(eventually([&] { return statistic(*client, "calls_running") >= 1; }));
  server->signal(SIGTERM);
  // The end has begun once the file is gone.
  ASSERT_TRUE(eventually([&] { return !std::filesystem::exists(path()); }));
  EXPECT_TRUE(server->is_running());
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), kExitForced);
  EXPECT_THROW(call->wait(30.0), Error);
}

TEST_F(ProcessTest, TheEndGraceEndsAMethodThatRefuses) {
  const auto server = start({"--diagnostics", "--drain-s", "0.05", "--end-grace-s", "0.05"});
  const auto client = Client::connect(address());
  const CallPtr call = client->run("diagnostics.sleep", {{Variant(1'000.0)}, {}});
  ASSERT_TRUE(eventually([&] { return statistic(*client, "calls_running") >= 1; }));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), kExitForced);
  EXPECT_THAT(server->stderr_text(), HasSubstr("ended at once: "));
  EXPECT_TRUE(folder_.is_empty());
}

TEST_F(ProcessTest, ACrashIsReportedAndSeenByTheParent) {
  const auto server = start({"--diagnostics"});
  const auto client = Client::connect(address());
  const CallPtr call = client->run("diagnostics.crash", {{Variant(SIGSEGV)}, {}});
  EXPECT_THROW(call->wait(30.0), Error);
  EXPECT_EQ(server->wait(), -SIGSEGV);
  EXPECT_THAT(server->stderr_text(), HasSubstr("unity_server: crashed with SIGSEGV\n"));
}

TEST_F(ProcessTest, ClientsThatAreKilledOrTalkNonsenseHarmNobody) {
  const auto server = start();
  for (int i = 0; i < 20; ++i) {
    const OwnedFd nonsense = connect_to(path());
    const std::string text(1'000, static_cast<char>(0xff));
    ASSERT_EQ(::write(nonsense.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  add_one(*Client::connect(address()));
  EXPECT_TRUE(server->is_running());
}

TEST_F(ProcessTest, ServesWithoutStdoutOrStandardDescriptors) {
  {
    const auto server = start({}, {.inherited = {}, .closed = {}, .stdout_path = "/dev/full"});
    ASSERT_TRUE(eventually([&] { return connect_to(path()).get() >= 0; }));
    add_one(*Client::connect(address()));
    server->signal(SIGTERM);
    EXPECT_EQ(server->wait(), kExitOk);
    EXPECT_THAT(server->stderr_text(), HasSubstr("stdout cannot be written"));
  }
  const auto server = start({}, {.inherited = {}, .closed = {0, 1, 2}, .stdout_path = ""});
  ASSERT_TRUE(eventually([&] { return connect_to(path()).get() >= 0; }));
  add_one(*Client::connect(address()));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), kExitOk);
}

TEST_F(ProcessTest, TheLogFileIsJsonAndTellsOfSessions) {
  const std::string log = folder_ / "server.log";
  const auto server = start({"--log-file", log, "--log-json", "--log-level", "debug"});
  Client::connect(address())->close();
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), kExitOk);
  EXPECT_THAT(server->stderr_text(), IsEmpty());
  std::istringstream lines(contents_of(log));
  int sessions = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object["pid"].get<int>() > 0, true);
    sessions += object["message"].get<std::string>().starts_with("session 1 began") ? 1 : 0;
  }
  EXPECT_EQ(sessions, 1);
}

TEST_F(ProcessTest, ALogFileThatCannotBeOpenedEndsTheStart) {
  std::string text;
  EXPECT_EQ(start_of({"--listen", address(), "--log-file", folder_.path().string()}, text),
            kExitStartFailed);
  EXPECT_THAT(text, HasSubstr("cannot open the log file"));
}

}  // namespace
}  // namespace cppipc::server::process_test
