// SPDX-License-Identifier: Apache-2.0
// Listening on an abstract name: a socket without a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "server/socket_file.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::abstract_socket_test {
namespace {

using testing::HasSubstr;

// A name that no other run of a test has.
std::string own_name() {
  static int count = 0;
  return "@cppipc-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

// A connected socket; -1 with errno set if nobody listens.
OwnedFd connect_to_name(const std::string& name) {
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    const int error = errno;
    socket.reset();
    errno = error;
  }
  return socket;
}

std::string refusal_at(const std::string& name) {
  try {
    SocketFile socket({name});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(AbstractSocket, ListensWithoutAFile) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  const std::string name = own_name();
  {
    const SocketFile socket({name});
    EXPECT_EQ(socket.address().text(), "unix:" + name);
    EXPECT_GE(connect_to_name(name).get(), 0);
    EXPECT_NE(::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(folder.is_empty());
  }
  std::filesystem::current_path(before);
  EXPECT_TRUE(folder.is_empty());
}

TEST(AbstractSocket, TheNameIsFreeAgainAtTheEnd) {
  const std::string name = own_name();
  {
    SocketFile first({name});
    EXPECT_THAT(refusal_at(name), HasSubstr("already listening on '" + name + "'"));
    first.close();
    EXPECT_LT(connect_to_name(name).get(), 0);
    EXPECT_EQ(errno, ECONNREFUSED);
    first.close();  // twice is fine
    const SocketFile second({name});
    EXPECT_GE(connect_to_name(name).get(), 0);
  }
  EXPECT_EQ(refusal_at(name), "");
}

TEST(AbstractSocket, LongNamesEndWhereTheAddressDoes) {
  const std::string longest = own_name() + std::string(107, 'x');
  const SocketFile socket({longest.substr(0, 108)});
  const SocketFile shorter({longest.substr(0, 107)});
  EXPECT_GE(connect_to_name(longest.substr(0, 108)).get(), 0);
  EXPECT_GE(connect_to_name(longest.substr(0, 107)).get(), 0);
  EXPECT_LT(connect_to_name(longest.substr(0, 106)).get(), 0);
  EXPECT_THAT(refusal_at(longest.substr(0, 109)), HasSubstr("at most 107 bytes after the '@'"));
}

}  // namespace
}  // namespace cppipc::server::abstract_socket_test
