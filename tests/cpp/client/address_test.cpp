// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <cppipc/error.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/loopback.h"

namespace cppipc::address_test {
namespace {

using namespace cppipc::test;
using std::chrono::milliseconds;
using Transport = Address::Transport;

constexpr milliseconds kTimeout{30'000};

TEST(ParseAddress, EverySpellingOfAPathIsThePlainOne) {
  for (const char* text : {"unix:/run/u.sock", "unix:///run/u.sock", "ipc:///run/u.sock"}) {
    const auto address = parse_address(text);
    EXPECT_EQ(address.transport, Transport::kUnix);
    EXPECT_EQ(address.path, "/run/u.sock");
    EXPECT_EQ(address.text(), "unix:/run/u.sock");
    EXPECT_EQ(address.transport_name(), "unix");
  }
  EXPECT_EQ(parse_address("unix:relative/u.sock").path, "relative/u.sock");
  EXPECT_EQ(parse_address("unix:a:b").path, "a:b");
}

TEST(ParseAddress, EverySpellingOfAPortIsThePlainOne) {
  for (const char* text : {"tcp:127.0.0.1:4321", "tcp://127.0.0.1:4321"}) {
    const auto address = parse_address(text);
    EXPECT_EQ(address.transport, Transport::kTcp);
    EXPECT_EQ(address.host, "127.0.0.1");
    EXPECT_EQ(address.port, "4321");
    EXPECT_EQ(address.text(), "tcp:127.0.0.1:4321");
    EXPECT_EQ(address.transport_name(), "tcp");
  }
  EXPECT_EQ(parse_address("tcp:[::1]:80").host, "::1");
  EXPECT_EQ(parse_address("tcp:[::1]:80").text(), "tcp:[::1]:80");
  EXPECT_EQ(parse_address("tcp:some.host:65535").port, "65535");
}

TEST(ParseAddress, WhatIsNoAddressIsRefusedNamingTheForms) {
  const std::string with_nul("unix:/tmp/a\0b", 13);
  for (const std::string& text :
       {std::string(), std::string("unix"), std::string("unix:"), std::string("unix://"),
        std::string("/run/u.sock"), std::string("http://host:80"), std::string("tcp:"),
        std::string("tcp:host"), std::string("tcp:host:"), std::string("tcp::80"),
        std::string("tcp:host:65536"), std::string("tcp:host:123456"), std::string("tcp:host:+1"),
        std::string("tcp:host:8o"), std::string("tcp:::1:80"), std::string("tcp:[]:80"),
        std::string("tcp:[:80"), with_nul}) {
    const auto error = error_of([&] { parse_address(text); });
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << text;
    EXPECT_NE(std::string(error.what()).find("unix:PATH"), std::string::npos) << error.what();
  }
}

// A folder of its own, removed with everything in it.
class ConnectTest : public LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    char name[] = "/tmp/cppipc_test_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    LeakCheck::TearDown();
  }
  // A socket that listens in `directory` under a short name.
  static Descriptor listen_in(const std::string& directory, int backlog = 8) {
    const Descriptor place(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const auto path = "/proc/self/fd/" + std::to_string(place.get()) + "/s";
    std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(socket.get(), backlog), 0);
    return socket;
  }
  static Descriptor listen_tcp(std::string& port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(socket.get(), 8), 0);
    socklen_t size = sizeof name;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
    port = std::to_string(ntohs(name.sin_port));
    return socket;
  }
  static void expect_connected(const Descriptor& listener, const Descriptor& socket) {
    const Descriptor accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(accepted);
    EXPECT_TRUE(write_all(socket.get(), std::vector<std::byte>(1)));
    EXPECT_FALSE(is_at_end(accepted.get()));
    EXPECT_TRUE(::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC);
  }

  std::string folder_;
};

TEST_F(ConnectTest, AUnixSocketIsFound) {
  const auto listener = listen_in(folder_);
  expect_connected(listener, connect_to(parse_address("unix:" + folder_ + "/s"), kTimeout));
}

TEST_F(ConnectTest, APathLongerThanASocketNameIsFound) {
  std::string directory = folder_;
  for (int i = 0; i < 5; ++i) directory += "/" + std::string(60, 'd');
  std::filesystem::create_directories(directory);
  const auto listener = listen_in(directory);
  expect_connected(listener, connect_to(parse_address("unix:" + directory + "/s"), kTimeout));
  EXPECT_EQ(kind_of([&] { connect_to(parse_address("unix:" + directory + "/no"), kTimeout); }),
            ErrorKind::kConnectionLost);
}

TEST_F(ConnectTest, AFileNameThatNoSocketCanHaveIsRefused) {
  const auto path = "unix:" + folder_ + "/" + std::string(200, 'n');
  EXPECT_EQ(kind_of([&] { connect_to(parse_address(path), kTimeout); }),
            ErrorKind::kInvalidArgument);
}

TEST_F(ConnectTest, APortIsFound) {
  std::string port;
  const auto listener = listen_tcp(port);
  expect_connected(listener, connect_to(parse_address("tcp:127.0.0.1:" + port), kTimeout));
  expect_connected(listener, connect_to(parse_address("tcp:localhost:" + port), kTimeout));
}

TEST_F(ConnectTest, NobodyWhoListensIsALostConnectionNamingTheAddress) {
  std::string port;
  listen_tcp(port);  // and closes again
  { const auto stale = listen_in(folder_); }
  std::ofstream(folder_ + "/file").put('x');
  for (const auto& address :
       {"unix:" + folder_ + "/nothing", "unix:" + folder_ + "/s", "unix:" + folder_ + "/file",
        "unix:" + folder_, "tcp:127.0.0.1:" + port}) {
    const auto error = error_of([&] { connect_to(parse_address(address), kTimeout); });
    EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost) << address;
    EXPECT_NE(std::string(error.what()).find(address), std::string::npos) << error.what();
  }
}

TEST_F(ConnectTest, AFullQueueOfTheListenerTimesOut) {
  const auto listener = listen_in(folder_, 0);
  const auto address = parse_address("unix:" + folder_ + "/s");
  const auto first = connect_to(address, kTimeout);
  EXPECT_EQ(kind_of([&] {
              // The kernel lets one more in than it was told to.
              const auto second = connect_to(address, milliseconds(20));
              const auto third = connect_to(address, milliseconds(20));
            }),
            ErrorKind::kTimeout);
}

TEST_F(ConnectTest, SignalsDoNotEndAnAttempt) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  const auto listener = listen_in(folder_, 0);
  const auto address = parse_address("unix:" + folder_ + "/s");
  std::vector<Descriptor> earlier;
  try {
    for (;;) earlier.push_back(connect_to(address, milliseconds(5)));
  } catch (const Error&) {  // the queue is full
  }
  Descriptor late;
  std::atomic<bool> is_connected{false};
  std::thread waiting([&] {
    late = connect_to(address, kTimeout);
    is_connected = true;
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(is_connected);
    ::pthread_kill(waiting.native_handle(), SIGUSR1);
    ::poll(nullptr, 0, 1);
  }
  for (std::size_t i = 0; i < earlier.size(); ++i) {
    const Descriptor accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  waiting.join();
  expect_connected(listener, late);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(ConnectTest, AClientIsConnectedByItsAddress) {
  Stage stage;
  const Registry registry = registry_of(stage);
  Host host(registry);
  std::string port;
  const auto unix_listener = listen_in(folder_);
  const auto tcp_listener = listen_tcp(port);
  const auto check = [&](const Descriptor& listener, const std::string& address,
                         const std::string& transport) {
    std::thread accepting(
        [&] { host.adopt(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), address); });
    const auto client = Client::connect(address);
    accepting.join();
    EXPECT_EQ(client->address(), address);
    EXPECT_EQ(client->transport(), transport);
    // The handshake finds out that descriptors do not cross.
    EXPECT_EQ(client->shares_memory(), transport == "unix");
    EXPECT_EQ(client->run("length", arguments("abc"))->wait(kWaitS), Variant(3));
    client->close();
  };
  check(unix_listener, "unix:" + folder_ + "/s", "unix");
  check(tcp_listener, "tcp:127.0.0.1:" + port, "tcp");
}

}  // namespace
}  // namespace cppipc::address_test
