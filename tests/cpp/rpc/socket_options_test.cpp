// SPDX-License-Identifier: Apache-2.0
#include "rpc/socket_options.h"

#include <cppipc/error.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "rpc/descriptor.h"
#include "support/sockets.h"

namespace cppipc::socket_options_test {
namespace {

using std::chrono::seconds;

class SocketOptions : public testing::Test {
 protected:
  int option(int level, int name) const {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket_.get(), level, name, &value, &size), 0);
    return value;
  }
  // When a peer that says nothing is given up, by what the system was told.
  int silence_s() const {
    return option(IPPROTO_TCP, TCP_KEEPIDLE) +
           option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
  }

  Descriptor socket_{::socket(AF_INET, SOCK_STREAM, 0)};
};

TEST_F(SocketOptions, APreparedSocketDoesNotBlockAndSendsAtOnce) {
  prepare_socket(socket_.get());
  EXPECT_NE(::fcntl(socket_.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(socket_.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(SocketOptions, ASilentPeerIsGivenUpAfterTheTime) {
  for (const int wanted : {5, 6, 7, 8, 30, 31, 60, 3600}) {
    set_keep_alive(socket_.get(), seconds(wanted));
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(silence_s(), wanted);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), wanted * 1000);
    EXPECT_GE(option(IPPROTO_TCP, TCP_KEEPCNT), 3);  // one lost packet is no death
  }
}

TEST_F(SocketOptions, ThereIsALeastAndAMostTime) {
  set_keep_alive(socket_.get(), seconds(0));
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 1000);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 1);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 1);
  set_keep_alive(socket_.get(), seconds(1'000'000));
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), kKeepAliveMaxS * 1000);
}

TEST_F(SocketOptions, OtherSocketsAreLeftAsTheyAre) {
  auto [ours, theirs] = test::socket_pair();
  set_keep_alive(ours.get(), seconds(5));
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(ours.get(), SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
  EXPECT_EQ(value, 0);
  prepare_socket(ours.get());
}

TEST_F(SocketOptions, WhatIsNoDescriptorIsRefused) { EXPECT_THROW(prepare_socket(-1), Error); }

}  // namespace
}  // namespace cppipc::socket_options_test
