// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_socket.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>

namespace cppipc::server {
namespace {

using testing::HasSubstr;

std::string refusal_of(const Address& address) {
  try {
    const TcpSocket socket(address);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

Address at(const std::string& host, const std::string& port = "0") {
  return {.host = host, .port = port};
}

bool has_ipv6() {
  const OwnedFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 place{};
  place.sin6_family = AF_INET6;
  place.sin6_addr = in6addr_loopback;
  return ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
}

// A client of a port on 127.0.0.1; none if nobody accepts.
OwnedFd connect_to_port(const std::string& port) {
  OwnedFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  place.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    client.reset();
  }
  return client;
}

TEST(TcpSocket, ListensOnAFreePortAndSaysWhich) {
  TcpSocket socket(at("127.0.0.1"));
  EXPECT_EQ(socket.address().host, "127.0.0.1");
  EXPECT_NE(socket.address().port, "0");
  const OwnedFd client = connect_to_port(socket.address().port);
  ASSERT_GE(client.get(), 0);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &size);
  const OwnedFd accepted(::accept4(socket.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(tcp_peer_name(accepted.get()), "tcp: 127.0.0.1:" + std::to_string(ntohs(own.sin_port)));
  socket.close();
  socket.close();
  EXPECT_LT(connect_to_port(socket.address().port).get(), 0);
}

TEST(TcpSocket, EveryLoopbackAddressWillDo) {
  EXPECT_EQ(TcpSocket(at("127.1.2.3")).address().host, "127.1.2.3");
  const std::string host = TcpSocket(at("localhost")).address().host;
  EXPECT_TRUE(host == "127.0.0.1" || host == "::1") << host;
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
  EXPECT_THAT(TcpSocket(at("::1")).address().text(), HasSubstr("tcp:[::1]:"));
}

TEST(TcpSocket, OtherAddressesAreRefusedWithAClearText) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "128.0.0.1", "::ffff:127.0.0.1"}) {
    const std::string text = refusal_of(at(host, "4000"));
    EXPECT_THAT(text, HasSubstr(at(host, "4000").text()));
    EXPECT_THAT(text, HasSubstr("--insecure-tcp listens on loopback addresses only"));
    EXPECT_THAT(text, HasSubstr("tokens and TLS, which are still to come"));
  }
}

TEST(TcpSocket, APortThatIsTakenAndANameThatNobodyKnowsAreRefused) {
  const TcpSocket first(at("127.0.0.1"));
  EXPECT_THAT(refusal_of(first.address()), HasSubstr("Address already in use"));
  EXPECT_THAT(refusal_of(first.address()), HasSubstr(first.address().text()));
  EXPECT_THAT(refusal_of(at("no such host")), HasSubstr("cannot listen on tcp:no such host:0"));
}

TEST(TcpSocket, ASocketThatIsNotConnectedHasNoPeer) {
  const TcpSocket socket(at("127.0.0.1"));
  EXPECT_EQ(tcp_peer_name(socket.fd()), "tcp: unknown");
}

}  // namespace
}  // namespace cppipc::server
