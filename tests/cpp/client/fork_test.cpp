// SPDX-License-Identifier: Apache-2.0
// A forked child of a process with a session. The child checks what it sees and ends without
// running exit handlers; the parent goes on.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "support/loopback.h"

#if defined(__SANITIZE_THREAD__)
#define CPPIPC_UNDER_TSAN 1
#else
#define CPPIPC_UNDER_TSAN 0
#endif

namespace cppipc::fork_test {
namespace {

using namespace cppipc::test;

class ForkTest : public BrokerTest {
 protected:
  void SetUp() override {
    if (CPPIPC_UNDER_TSAN) GTEST_SKIP() << "TSan does not support a fork of many threads";
    BrokerTest::SetUp();
  }
  void TearDown() override {
    if (!CPPIPC_UNDER_TSAN) BrokerTest::TearDown();
  }
};

// Whether all that `check` says is true in a child.
template <class Check>
bool holds_in_child(Check check) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool holds = false;
    try {
      holds = check();
    } catch (const std::exception& error) {
      (void)!::write(2, error.what(), std::strlen(error.what()));
    }
    ::_exit(holds ? 42 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

template <class Action>
bool is_forked_session(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kForkedSession;
  }
  return false;
}

TEST_F(ForkTest, EverythingInheritedSaysSoInTheChild) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  const auto call = broker.client()->run("wait", arguments("slow"));
  const auto& client = broker.client();
  EXPECT_TRUE(holds_in_child([&] {
    return is_forked_session([&] { client->ping(); }) &&
           is_forked_session([&] { client->stats(); }) &&
           is_forked_session([&] { client->create("Probe", {}); }) &&
           is_forked_session([&] { client->run("length", arguments("abc")); }) &&
           is_forked_session([&] { client->call(probe, "add", {}); }) &&
           is_forked_session([&] { call->wait(1.0); }) &&
           is_forked_session([&] { call->cancel(); }) && client->is_closed();
  }));
  broker.stage.open("slow");
  EXPECT_TRUE(call->wait(kWaitS).is_null());
  EXPECT_EQ(broker.call(probe, "add"), Variant(1));
}

TEST_F(ForkTest, TheChildMayDropEverythingAndTheParentGoesOn) {
  LoopbackBroker broker;
  auto client = broker.connect();
  auto probe = broker.create("Probe", {}, client);
  auto call = client->run("wait", arguments("slow"));
  EXPECT_TRUE(holds_in_child([&] {
    client->close();
    client->abandon();
    probe.reset();
    call.reset();
    client.reset();
    return true;
  }));
  EXPECT_EQ(Probe::live, 1);
  EXPECT_EQ(broker.call(probe, "add", {}, client), Variant(1));
  broker.stage.open("slow");
  EXPECT_TRUE(call->wait(kWaitS).is_null());
  probe.reset();
  EXPECT_TRUE(eventually([] { return Probe::live == 0; }));
}

TEST_F(ForkTest, AChildThatLivesOnDoesNotKeepTheSessionOpen) {
  LoopbackBroker broker;
  auto client = broker.connect();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    (void)!::read(pipe[0], &byte, 1);  // until the parent is done
    ::_exit(0);
  }
  client->close();
  EXPECT_TRUE(broker.host_has([](const HostStats& stats) { return stats.sessions == 1; }));
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(ForkTest, ForksWhileThreadsCallHarmNobody) {
  LoopbackBroker broker;
  const auto probe = broker.create("Probe");
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!is_over) broker.call(probe, "add");
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(
        holds_in_child([&] { return is_forked_session([&] { broker.client()->ping(); }); }));
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace cppipc::fork_test
