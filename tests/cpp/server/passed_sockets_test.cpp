// SPDX-License-Identifier: Apache-2.0
#include "server/passed_sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "server/tcp_socket.h"
#include "server_process.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::passed_sockets_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

OwnedFd listening_at(const std::string& path) {
  OwnedFd socket = bind_at(path);
  if (::listen(socket.get(), 5) != 0) throw std::runtime_error("listen");
  return socket;
}

std::string refusal_of(OwnedFd fd) {
  try {
    const PassedSocket socket(std::move(fd), "name");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(PassedSocket, KnowsWhereItListensAndLeavesTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "u.sock";
  {
    PassedSocket socket(listening_at(path), "clients");
    EXPECT_EQ(socket.address(), Address{path});
    EXPECT_EQ(socket.name(), "clients");
    EXPECT_FALSE(socket.is_reachable_from_elsewhere());
    EXPECT_NE(::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC, 0);
    socket.close();
    socket.close();
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(PassedSocket, MayBeOneOfTcp) {
  const auto made_at = [](const char* host) {
    return std::move(TcpSocket::listen({.host = host, .port = "0"}, Reach::kAnybody).front());
  };
  const TcpSocket made = made_at("127.0.0.1");
  const PassedSocket socket(OwnedFd(::dup(made.fd())), "status");
  EXPECT_EQ(socket.address(), made.address());
  EXPECT_FALSE(socket.is_reachable_from_elsewhere());
  const TcpSocket open = made_at("0.0.0.0");
  EXPECT_TRUE(PassedSocket(OwnedFd(::dup(open.fd())), "x").is_reachable_from_elsewhere());
}

TEST(PassedSocket, WhatDoesNotListenIsRefused) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal_of(OwnedFd(::open("/dev/null", O_RDONLY))), HasSubstr("listening stream"));
  EXPECT_THAT(refusal_of(make_socket_pair().mine), HasSubstr("listening stream"));
  EXPECT_THAT(refusal_of(bind_at(folder / "a")), HasSubstr("ListenStream= and Accept=no"));
  EXPECT_THAT(refusal_of(bind_at(folder / "b", SOCK_DGRAM)), HasSubstr("'name'"));
  EXPECT_THAT(refusal_of(OwnedFd(-1)), HasSubstr("listening stream"));
}

// The environment of a socket unit, for the length of a test.
class PassedSockets : public testing::Test {
 protected:
  void SetUp() override { set(std::to_string(::getpid()), "0", nullptr); }
  void TearDown() override {
    for (const char* variable : kVariables) ::unsetenv(variable);
  }
  static void set(const std::string& pid, const char* count, const char* names) {
    ::setenv(kVariables[0], pid.c_str(), 1);
    ::setenv(kVariables[1], count, 1);
    if (names != nullptr) ::setenv(kVariables[2], names, 1);
  }
  static constexpr const char* kVariables[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
};

TEST_F(PassedSockets, OfAnotherProcessAreNone) {
  set("1", "1", "x");
  EXPECT_FALSE(has_passed_sockets());
  EXPECT_THAT(take_passed_sockets(), IsEmpty());
}

TEST_F(PassedSockets, WithoutOrWithWrongNumbersThereAreNone) {
  EXPECT_FALSE(has_passed_sockets());
  for (const char* count : {"", "x", "-1", "1x"}) {
    set(std::to_string(::getpid()), count, nullptr);
    EXPECT_FALSE(has_passed_sockets()) << count;
    EXPECT_THAT(take_passed_sockets(), IsEmpty());
  }
}

TEST_F(PassedSockets, TheVariablesAreTakenOutOfTheEnvironment) {
  set("1", "1", "x");
  take_passed_sockets();
  for (const char* variable : kVariables) EXPECT_EQ(std::getenv(variable), nullptr);
}

TEST_F(PassedSockets, TooManyAreRefused) {
  set(std::to_string(::getpid()), "1001", nullptr);
  EXPECT_TRUE(has_passed_sockets());
  EXPECT_THROW(take_passed_sockets(), std::runtime_error);
}

}  // namespace
}  // namespace cppipc::server::passed_sockets_test
