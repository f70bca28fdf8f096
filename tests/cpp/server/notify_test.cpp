// SPDX-License-Identifier: Apache-2.0
#include "server/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "captured_log.h"
#include "notify_socket.h"
#include "server/service.h"

namespace cppipc::server::notify_test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

TEST(Notifier, SpeaksToAPath) {
  NotifySocket manager;
  Notifier notifier(manager.address());
  EXPECT_TRUE(notifier.is_wanted());
  EXPECT_TRUE(notifier.send("READY=1\nSTATUS=text"));
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=text");
}

TEST(Notifier, SpeaksToAnAbstractName) {
  NotifySocket manager(NotifySocket::Kind::kAbstract);
  Notifier notifier(manager.address());
  EXPECT_TRUE(notifier.send("STOPPING=1"));
  EXPECT_EQ(manager.next(), "STOPPING=1");
}

TEST(Notifier, WithoutAnAddressNobodyIsTold) {
  Notifier notifier("");
  EXPECT_FALSE(notifier.is_wanted());
  EXPECT_EQ(notifier.failure(), "");
  EXPECT_TRUE(notifier.send("READY=1"));
}

TEST(Notifier, AnAddressThatIsNoneIsExplained) {
  for (const char* address : {"relative", "vsock:2:1234", "@", "/"}) {
    Notifier notifier(address);
    EXPECT_FALSE(notifier.is_wanted()) << address;
    EXPECT_THAT(notifier.failure(), HasSubstr(address));
  }
  EXPECT_THAT(Notifier("/no/such/socket").failure(), HasSubstr("No such file"));
  EXPECT_THAT(Notifier("/" + std::string(200, 'x')).failure(), HasSubstr("neither a path"));
}

TEST(Notifier, AManagerThatIsGoneIsAFailureAndNoSignal) {
  auto manager = std::make_unique<NotifySocket>();
  Notifier notifier(manager->address());
  manager.reset();
  EXPECT_FALSE(notifier.send("READY=1"));
}

TEST(Notifier, TheVariableIsTakenOutOfTheEnvironment) {
  NotifySocket manager;
  ::setenv("NOTIFY_SOCKET", manager.address().c_str(), 1);
  const Notifier notifier = Notifier::from_environment();
  EXPECT_TRUE(notifier.is_wanted());
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_FALSE(Notifier::from_environment().is_wanted());
}

class ServiceTest : public testing::Test {
 protected:
  ServiceManager manager() { return {Notifier(socket_.address()), {}}; }

  NotifySocket socket_;
  CapturedLog captured_;
  boost::asio::io_context loop_;
};

TEST_F(ServiceTest, SaysThatItIsReadyReloadsAndStops) {
  Service service(loop_, manager(), captured_.log());
  service.ready("serving");
  EXPECT_EQ(socket_.next(), "READY=1\nSTATUS=serving");
  service.reloading();
  EXPECT_THAT(socket_.next(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=reloading"));
  service.stopping("draining", std::chrono::seconds(100));
  EXPECT_EQ(socket_.next(), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=105000000");
}

TEST_F(ServiceTest, WithoutAWatchdogThereIsNoTimer) {
  Service service(loop_, manager(), captured_.log());
  loop_.run();  // returns, as there is nothing to wait for
  EXPECT_FALSE(socket_.has_more());
}

TEST_F(ServiceTest, AWatchdogIsToldAgainAndAgain) {
  auto watched = manager();
  watched.watchdog = std::chrono::milliseconds(2);
  Service service(loop_, std::move(watched), captured_.log());
  for (int i = 0; i < 3; ++i) {
    if (i > 0) loop_.run_one();
    EXPECT_EQ(socket_.next(), "WATCHDOG=1");
  }
}

TEST_F(ServiceTest, AManagerThatCannotBeToldIsLoggedOnce) {
  auto manager_socket = std::make_unique<NotifySocket>();
  Service service(loop_, {Notifier(manager_socket->address()), {}}, captured_.log());
  manager_socket.reset();
  service.ready("serving");
  service.ready("serving");
  EXPECT_EQ(count_of(captured_.text(), "cannot be told"), 1);
}

TEST(ServiceManager, TheWatchdogIsTheOneOfThisProcess) {
  const auto read = [](const char* interval, const std::string& pid) {
    ::setenv("WATCHDOG_USEC", interval, 1);
    if (!pid.empty()) ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    auto manager = ServiceManager::from_environment();
    EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
    EXPECT_EQ(std::getenv("WATCHDOG_PID"), nullptr);
    return manager.watchdog;
  };
  using std::chrono::seconds;
  EXPECT_EQ(read("30000000", ""), seconds(30));
  EXPECT_EQ(read("30000000", std::to_string(::getpid())), seconds(30));
  EXPECT_EQ(read("30000000", "1"), std::nullopt);
  EXPECT_EQ(read("30000000", "x"), std::nullopt);
  EXPECT_EQ(read("30s", ""), std::nullopt);
  EXPECT_EQ(read("0", ""), std::nullopt);
}

}  // namespace
}  // namespace cppipc::server::notify_test
