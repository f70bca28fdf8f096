// SPDX-License-Identifier: Apache-2.0
// HTTP over a real socket, with limits so small that no test waits.
#include "server/status_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "captured_log.h"
#include "server_process.h"
#include "temporary_folder.h"
#include "unix_client.h"

namespace cppipc::server::status_server_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A client that waits for at most the patience of the tests.
class HttpClient {
 public:
  explicit HttpClient(const std::string& path) : socket_(connect_to(path)) {
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  int fd() const { return socket_.get(); }
  bool send(const std::string& text) const {
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // What comes until the server closes; also what came before an error.
  std::string read_all() const {
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t n; (n = ::recv(socket_.get(), piece.data(), piece.size(), 0)) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(n));
    }
    return text;
  }
  // What comes up to a text that is the end of it.
  std::string read_until(const std::string& end) const {
    std::string text;
    char c = 0;
    while (!text.ends_with(end) && ::recv(socket_.get(), &c, 1, 0) == 1) text += c;
    return text;
  }

 private:
  OwnedFd socket_;
};

class StatusServerTest : public testing::Test {
 protected:
  ~StatusServerTest() override { stop(); }

  void start(const StatusLimits& limits = {}) {
    server_ = std::make_unique<StatusServer>(
        loop_, SocketFile({path()}), "", [this] { return figures(); }, captured_.log(), limits);
    server_->start();
    thread_ = std::thread([this] { loop_.run(); });
  }
  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  std::string path() const { return folder_ / "status.sock"; }
  HttpClient connect() const { return HttpClient(path()); }
  // Everything that the server says to these bytes.
  std::string reply_to(const std::string& request) const {
    const HttpClient client = connect();
    EXPECT_TRUE(client.send(request));
    return client.read_all();
  }
  static std::string get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
  }

  std::function<StatusFigures()> figures_ = [] { return StatusFigures(); };

 private:
  StatusFigures figures() { return figures_(); }

  const TemporaryFolder folder_;
  CapturedLog captured_;
  boost::asio::io_context loop_{1};
  std::unique_ptr<StatusServer> server_;
  std::thread thread_;
};

TEST_F(StatusServerTest, AnswersAndKeepsTheConnection) {
  start();
  const HttpClient client = connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get("/healthz")));
    const std::string reply = client.read_until("ok\n");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\nContent-Length: 3\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\nCache-Control: no-store\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  }
}

TEST_F(StatusServerTest, RequestsThatComeTogetherAreAnsweredInTheirOrder) {
  start();
  const std::string reply =
      reply_to(get("/healthz") + get("/no") + get("/healthz", "Connection: close\r\n"));
  EXPECT_EQ(count_of(reply, "HTTP/1.1 200 OK"), 2);
  EXPECT_LT(reply.find("200"), reply.find("404"));
  EXPECT_THAT(reply, EndsWith("\r\nok\n"));
}

TEST_F(StatusServerTest, AnOldClientGetsItsReplyAndTheEnd) {
  start();
  EXPECT_THAT(reply_to("GET /healthz HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nok\n"));
}

TEST_F(StatusServerTest, HeadHasTheHeaderOnly) {
  start();
  const std::string reply =
      reply_to("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST_F(StatusServerTest, WhatIsNoRequestIsABadOneAndEndsTheConnection) {
  start();
  for (const std::string& bad :
       {std::string("nonsense\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET  HTTP/1.1\r\nHost: x\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\r\n", 7),
        std::string("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        get("/", "Content-Length: 5\r\n"), get("/", "Transfer-Encoding: chunked\r\n"),
        get("/", "Content-Length: 99999999999999\r\n")}) {
    const std::string reply = reply_to(bad);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400 Bad Request\r\n")) << bad;
    EXPECT_THAT(reply, HasSubstr("Connection: close\r\n")) << bad;
  }
}

TEST_F(StatusServerTest, AMethodWithABodyIsNotAllowedAndItsBodyIsNoRequest) {
  start();
  const std::string reply =
      reply_to("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n" + get("/healthz"));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(reply, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_EQ(count_of(reply, "HTTP/1.1"), 1);
}

TEST_F(StatusServerTest, AHeaderThatIsTooLongIsRefusedWhole) {
  start();
  const std::string reply = reply_to(get("/", "X: " + std::string(100'000, 'x') + "\r\n"));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  EXPECT_THAT(reply_to(get("/", "X: " + std::string(7'000, 'x') + "\r\nConnection: close\r\n")),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, FiguresThatCannotBeReadAreAnErrorOfTheServer) {
  figures_ = []() -> StatusFigures { throw std::runtime_error("no descriptors"); };
  start();
  EXPECT_THAT(reply_to(get("/metrics")), StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST_F(StatusServerTest, AClientThatIsSlowIsLeft) {
  start({.patience = std::chrono::milliseconds(50)});
  EXPECT_EQ(reply_to("GET /healthz HT"), "");
  const HttpClient idle = connect();
  EXPECT_EQ(idle.read_all(), "");
}

TEST_F(StatusServerTest, AClientThatNeverReadsIsLeft) {
  figures_ = [] {
    StatusFigures figures;
    figures.addresses = {std::string(4 << 20, 'x')};  // more than a socket takes
    return figures;
  };
  start({.patience = std::chrono::milliseconds(50), .connections = 1});
  const HttpClient deaf = connect();
  ASSERT_TRUE(deaf.send(get("/status.json") + get("/status.json")));
  // There is room for one: the next one is served once the first is gone.
  EXPECT_THAT(reply_to(get("/healthz")), HasSubstr("\r\nok\n"));
  EXPECT_THAT(deaf.read_all(), Not(EndsWith("}\n")));
}

TEST_F(StatusServerTest, FurtherClientsWaitUntilOneLeaves) {
  start({.patience = std::chrono::hours(1), .connections = 2});
  auto first = std::make_unique<HttpClient>(connect());
  const HttpClient second = connect();
  for (const HttpClient& client : {std::cref(*first), std::cref(second)}) {
    ASSERT_TRUE(client.send(get("/healthz")));
    client.read_until("ok\n");
  }
  const HttpClient third = connect();
  ASSERT_TRUE(third.send(get("/healthz")));
  // Whatever the loop does for the others, it does not accept the third.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(second.send(get("/healthz")));
    second.read_until("ok\n");
  }
  char c = 0;
  EXPECT_EQ(::recv(third.fd(), &c, 1, MSG_DONTWAIT), -1);
  first.reset();
  EXPECT_THAT(third.read_until("ok\n"), EndsWith("\r\nok\n"));
}

TEST_F(StatusServerTest, ItMayGoWithConnectionsOpen) {
  start();
  const HttpClient client = connect();
  ASSERT_TRUE(client.send(get("/healthz")));
  client.read_until("ok\n");
  stop();
  EXPECT_EQ(connect().fd(), -1);
}

}  // namespace
}  // namespace cppipc::server::status_server_test
