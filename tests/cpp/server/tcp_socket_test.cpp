// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_socket.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "own_network.h"

namespace cppipc::server::tcp_socket_test {
namespace {

using testing::HasSubstr;

using Sockets = std::vector<TcpSocket>;

std::string refusal_of(const Address& address, Reach reach = Reach::kLoopbackOnly) {
  try {
    TcpSocket::listen(address, reach);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

Address at(const std::string& host, const std::string& port = "0") {
  return {.host = host, .port = port};
}

// A socket that listens on an address and a free port; none if this machine cannot.
OwnedFd listener_at(const char* host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  EXPECT_EQ(::getaddrinfo(host, "0", &hints, &found), 0);
  OwnedFd listener(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(listener.get(), 1) != 0) {
    listener.reset();
  }
  ::freeaddrinfo(found);
  return listener;
}

bool has_ipv6() { return listener_at("::1").get() >= 0; }

std::string port_of(const OwnedFd& listener) {
  sockaddr_storage place{};
  socklen_t size = sizeof place;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&place), &size);
  // Both families have it at the same place.
  return std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(place).sin_port));
}

// A client of a port; none if nobody accepts.
OwnedFd connect_to(const char* host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  EXPECT_EQ(::getaddrinfo(host, port.c_str(), &hints, &found), 0);
  OwnedFd client(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), found->ai_addr, found->ai_addrlen) != 0) client.reset();
  ::freeaddrinfo(found);
  return client;
}

// The socket of a list that has a connection waiting; accepts it.
OwnedFd accept_one(const Sockets& sockets) {
  for (const TcpSocket& socket : sockets) {
    OwnedFd accepted(::accept4(socket.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.get() >= 0) return accepted;
  }
  return OwnedFd();
}

TEST(TcpSocket, ListensOnAFreePortAndSaysWhich) {
  Sockets sockets = TcpSocket::listen(at("127.0.0.1"), Reach::kLoopbackOnly);
  ASSERT_EQ(sockets.size(), 1u);
  const Address address = sockets[0].address();
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_NE(address.port, "0");
  EXPECT_TRUE(sockets[0].is_loopback());
  const OwnedFd client = connect_to("127.0.0.1", address.port);
  ASSERT_GE(client.get(), 0);
  const OwnedFd accepted = accept_one(sockets);
  EXPECT_EQ(tcp_peer_name(accepted.get()), "tcp: 127.0.0.1:" + port_of(client));
  sockets[0].close();
  sockets[0].close();
  EXPECT_LT(connect_to("127.0.0.1", address.port).get(), 0);
}

TEST(TcpSocket, EveryLoopbackAddressWillDo) {
  EXPECT_EQ(TcpSocket::listen(at("127.1.2.3"), Reach::kLoopbackOnly)[0].address().host,
            "127.1.2.3");
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
  EXPECT_THAT(TcpSocket::listen(at("::1"), Reach::kLoopbackOnly)[0].address().text(),
              HasSubstr("tcp:[::1]:"));
}

TEST(TcpSocket, ANameListensOnAllThatItMeansOnOnePort) {
  const Sockets sockets = TcpSocket::listen(at("localhost"), Reach::kLoopbackOnly);
  for (const TcpSocket& socket : sockets) {
    EXPECT_TRUE(socket.is_loopback());
    EXPECT_EQ(socket.address(), sockets[0].address());
    EXPECT_NE(socket.address().port, "0");
  }
  if (sockets.size() > 1) {
    EXPECT_EQ(sockets[0].address().host, "localhost");
  }
  ASSERT_GE(connect_to("127.0.0.1", sockets[0].address().port).get(), 0);
  EXPECT_GE(accept_one(sockets).get(), 0);
}

TEST(TcpSocket, APortThatIsTakenOnOneOfSeveralAddressesIsRefused) {
  if (TcpSocket::listen(at("localhost"), Reach::kLoopbackOnly).size() < 2) {
    GTEST_SKIP() << "localhost has one address on this machine";
  }
  const OwnedFd other = listener_at("::1");
  EXPECT_THAT(refusal_of(at("localhost", port_of(other))), HasSubstr("Address already in use"));
}

TEST(TcpSocket, WithoutProtectionOtherAddressesAreRefused) {
  for (const char* host : {"0.0.0.0", "::", "*", "192.0.2.1", "128.0.0.1", "::ffff:127.0.0.1"}) {
    const std::string text = refusal_of(at(host, "4000"));
    EXPECT_THAT(text, HasSubstr("cannot listen on " + at(host, "4000").text()));
    EXPECT_THAT(text, HasSubstr("--insecure-tcp is for loopback addresses only"));
    EXPECT_THAT(text, HasSubstr("--token-file FILE"));
  }
}

void expect_everything_by_both_protocols(const char* host) {
  const Sockets sockets = TcpSocket::listen(at(host), Reach::kAnybody);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_FALSE(sockets[0].is_loopback());
  const std::string port = sockets[0].address().port;
  const OwnedFd client = connect_to("127.0.0.1", port);
  ASSERT_GE(client.get(), 0);
  // Who comes by IPv4 is shown so, whatever the socket is.
  EXPECT_EQ(tcp_peer_name(accept_one(sockets).get()), "tcp: 127.0.0.1:" + port_of(client));
  if (!has_ipv6()) return;
  EXPECT_EQ(sockets[0].address().text(), "tcp:[::]:" + port);
  const OwnedFd other = connect_to("::1", port);
  EXPECT_THAT(tcp_peer_name(accept_one(sockets).get()), HasSubstr("tcp: [::1]:"));
}

TEST(TcpSocket, AStarIsEveryInterfaceByBothProtocols) {
  const bool is_run = in_own_network([] {
    expect_everything_by_both_protocols("*");
    if (has_ipv6()) expect_everything_by_both_protocols("::");
  });
  if (!is_run) GTEST_SKIP() << "this user cannot make a network of its own";
}

TEST(TcpSocket, EveryInterfaceByIpv4IsThatOnly) {
  const bool is_run = in_own_network([] {
    const Sockets sockets = TcpSocket::listen(at("0.0.0.0"), Reach::kAnybody);
    EXPECT_EQ(sockets[0].address().host, "0.0.0.0");
    EXPECT_FALSE(sockets[0].is_loopback());
    EXPECT_GE(connect_to("127.0.0.1", sockets[0].address().port).get(), 0);
    if (has_ipv6()) {
      EXPECT_LT(connect_to("::1", sockets[0].address().port).get(), 0);
    }
  });
  if (!is_run) GTEST_SKIP() << "this user cannot make a network of its own";
}

TEST(TcpSocket, AnAddressOfAnotherMachineIsRefused) {
  EXPECT_THAT(refusal_of(at("192.0.2.1"), Reach::kAnybody),
              HasSubstr("cannot listen on tcp:192.0.2.1:0: Cannot assign requested address"));
}

TEST(TcpSocket, APortThatIsTakenAndANameThatNobodyKnowsAreRefused) {
  const Sockets first = TcpSocket::listen(at("127.0.0.1"), Reach::kLoopbackOnly);
  EXPECT_THAT(refusal_of(first[0].address()), HasSubstr("Address already in use"));
  EXPECT_THAT(refusal_of(first[0].address()), HasSubstr(first[0].address().text()));
  EXPECT_THAT(refusal_of(at("no such host")), HasSubstr("cannot listen on tcp:no such host:0"));
}

TEST(TcpSocket, ASocketThatIsNotConnectedHasNoPeer) {
  const Sockets sockets = TcpSocket::listen(at("127.0.0.1"), Reach::kLoopbackOnly);
  EXPECT_EQ(tcp_peer_name(sockets[0].fd()), "tcp: unknown");
}

}  // namespace
}  // namespace cppipc::server::tcp_socket_test
