// SPDX-License-Identifier: Apache-2.0
// Addresses of the form unix:@NAME: sockets without a file.
#include <cppipc/error.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "client/address.h"

namespace cppipc::abstract_address_test {
namespace {

using testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{30'000};

std::string own_name() {
  static int count = 0;
  return "cppipc-client-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

// A socket that listens on an abstract name.
Descriptor listen_on(const std::string& name) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

// The kind and text of the error of a connection attempt.
std::pair<ErrorKind, std::string> refusal_of(const std::string& text) {
  try {
    connect_to(parse_address(text), kPatience);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << text << " was accepted";
  return {};
}

TEST(AbstractAddress, BeginsWithAnAtSign) {
  for (const char* text : {"unix:@one/two", "unix://@one/two", "ipc://@one/two"}) {
    const Address address = parse_address(text);
    EXPECT_TRUE(address.is_abstract()) << text;
    EXPECT_EQ(address.text(), "unix:@one/two") << text;
    EXPECT_EQ(address.transport_name(), "unix") << text;
  }
  EXPECT_FALSE(parse_address("unix:./@one").is_abstract());
  EXPECT_FALSE(parse_address("tcp:@one:80").is_abstract());
}

TEST(AbstractAddress, NeedsAName) {
  EXPECT_EQ(refusal_of("unix:@").first, ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal_of(std::string("unix:@a\0b", 9)).first, ErrorKind::kInvalidArgument);
}

TEST(AbstractAddress, ReachesTheListenerOfExactlyThatName) {
  const std::string name = own_name();
  const Descriptor listener = listen_on(name);
  const Descriptor client = connect_to(parse_address("unix:@" + name), kPatience);
  const Descriptor accepted(::accept(listener.get(), nullptr, nullptr));
  ASSERT_GE(accepted.get(), 0);
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  char byte = 0;
  ASSERT_EQ(::recv(accepted.get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
  for (const std::string& other : {name + "0", name.substr(0, name.size() - 1)}) {
    const auto [kind, text] = refusal_of("unix:@" + other);
    EXPECT_EQ(kind, ErrorKind::kConnectionLost) << other;
    EXPECT_THAT(text, HasSubstr("unix:@" + other + ": Connection refused; is the server running"));
  }
}

TEST(AbstractAddress, NamesAreLimitedByTheSystem) {
  const std::string longest = own_name() + std::string(107, 'x');
  const Descriptor listener = listen_on(longest.substr(0, 107));
  EXPECT_TRUE(connect_to(parse_address("unix:@" + longest.substr(0, 107)), kPatience));
  const auto [kind, text] = refusal_of("unix:@" + longest.substr(0, 108));
  EXPECT_EQ(kind, ErrorKind::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("at most 107 bytes after the '@'"));
}

}  // namespace
}  // namespace cppipc::abstract_address_test
