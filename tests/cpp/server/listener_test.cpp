// SPDX-License-Identifier: Apache-2.0
#include "server/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "captured_log.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::listener_test {
namespace {

using testing::HasSubstr;

// A listener, its loop, and what it accepted.
class ListenerTest : public testing::Test {
 protected:
  void listen(uid_t allowed_uid = ::geteuid()) {
    listener_.emplace(
        loop_, SocketFile({path()}), allowed_uid,
        [this](OwnedFd socket, const std::string& peer) {
          peers_.push_back(peer);
          if (is_refusing_) throw std::runtime_error("no room");
          accepted_.push_back(std::move(socket));
        },
        captured_.log());
  }
  std::string path() const { return folder_ / "u.sock"; }

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

  const TemporaryFolder folder_;
  CapturedLog captured_;
  boost::asio::io_context loop_;
  std::vector<OwnedFd> accepted_;
  std::vector<std::string> peers_;
  bool is_refusing_ = false;
  std::optional<Listener> listener_;
};

// Whether the other side of a connected socket has closed it.
bool is_closed_by_peer(const OwnedFd& socket) {
  char byte = 0;
  return ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

TEST_F(ListenerTest, HandsOnConnectionsWithTheirPeer) {
  listen();
  listener_->start();
  const OwnedFd first = connect_to(path());
  const OwnedFd second = connect_to(path());
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 2; }));
  EXPECT_EQ(peers_[0],
            "unix: pid " + std::to_string(::getpid()) + " uid " + std::to_string(::geteuid()));
  EXPECT_EQ(::write(first.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(accepted_[0].get(), &byte, 1), 1);
}

TEST_F(ListenerTest, ConnectionsFromBeforeTheStartWait) {
  listen();
  const OwnedFd client = connect_to(path());
  ASSERT_GE(client.get(), 0);
  listener_->start();
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(ListenerTest, AcceptedDescriptorsAreNonBlockingAndCloseOnExec) {
  listen();
  listener_->start();
  const OwnedFd client = connect_to(path());
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  EXPECT_NE(::fcntl(accepted_[0].get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(accepted_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ListenerTest, ClientsOfAnotherUserAreClosedAndLogged) {
  listen(::geteuid() + 1);
  listener_->start();
  const OwnedFd client = connect_to(path());
  ASSERT_TRUE(run_until([&] { return is_closed_by_peer(client); }));
  EXPECT_TRUE(accepted_.empty());
  EXPECT_TRUE(peers_.empty());
  EXPECT_THAT(captured_.text(), HasSubstr("refused a client of unix:" + path()));
  EXPECT_THAT(captured_.text(), HasSubstr("may connect"));
}

TEST_F(ListenerTest, AConnectionThatCannotBeServedIsLoggedAndTheNextOneIsAccepted) {
  listen();
  listener_->start();
  is_refusing_ = true;
  const OwnedFd first = connect_to(path());
  ASSERT_TRUE(run_until([&] { return is_closed_by_peer(first); }));
  EXPECT_THAT(captured_.text(), HasSubstr("no room"));
  is_refusing_ = false;
  const OwnedFd second = connect_to(path());
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(ListenerTest, CloseEndsAcceptingAndRemovesTheFile) {
  listen();
  listener_->start();
  listener_->close();
  listener_->close();
  EXPECT_LT(connect_to(path()).get(), 0);
  EXPECT_TRUE(folder_.is_empty());
  loop_.run();  // nothing is left to wait for
  EXPECT_TRUE(accepted_.empty());
}

// No more descriptors for this process while it lives.
class DescriptorLimit {
 public:
  DescriptorLimit() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const OwnedFd lowest_free(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit lower = before_;
    lower.rlim_cur = static_cast<rlim_t>(lowest_free.get());
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, WithoutDescriptorsItWaitsSaysSoOnceAndGoesOn) {
  listen();
  listener_->start();
  const OwnedFd client = connect_to(path());
  {
    const DescriptorLimit none;
    ASSERT_TRUE(run_until([&] { return count_of(captured_.text(), "cannot accept") == 1; }));
    for (int tries = 0; tries < 3; ++tries) {
      loop_.restart();
      loop_.run_one();  // the timer
    }
  }
  EXPECT_TRUE(accepted_.empty());
  EXPECT_EQ(count_of(captured_.text(), "cannot accept"), 1);
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(ListenerTest, CloseEndsThePauseToo) {
  listen();
  listener_->start();
  const OwnedFd client = connect_to(path());
  {
    const DescriptorLimit none;
    ASSERT_TRUE(run_until([&] { return count_of(captured_.text(), "cannot accept") == 1; }));
  }
  listener_->close();
  loop_.restart();
  loop_.run();
  EXPECT_TRUE(accepted_.empty());
}

}  // namespace
}  // namespace cppipc::server::listener_test
