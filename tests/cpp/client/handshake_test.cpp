// SPDX-License-Identifier: Apache-2.0
// The first calls of a client, and what may answer them.
#include <functional>
#include <thread>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::handshake_test {
namespace {

using namespace cppipc::test;

class HandshakeTest : public BrokerTest {
 protected:
  // How the handshake fails against a server that does this with its end of the connection. The
  // server's end stays open until the client has given up.
  template <class Server>
  Error failure(Server server, ConnectOptions options = {}) {
    auto [ours, theirs] = socket_pair();
    std::thread serving([&, socket = std::move(theirs)]() mutable { server(socket); });
    const auto error =
        error_of([&, fd = ours.release()] { Client::adopt(fd, std::move(options)); });
    serving.join();
    return error;
  }
  // Serves `bootstrap` until the client leaves.
  static void serve(Descriptor& socket, std::shared_ptr<Exported> bootstrap) {
    const auto peer = std::make_shared<Peer>(std::move(socket), kMessageBytes, nullptr);
    peer->offer(std::move(bootstrap));
    EXPECT_TRUE(eventually([&] { return peer->receive() == Connection::State::kEnded; }));
    peer->disconnect(Error(ErrorKind::kConnectionLost, "over"));
  }
  static void send_bytes(Descriptor& socket, const std::string& text) {
    write_all(socket.get(), std::as_bytes(std::span(text.data(), text.size())));
    read_to_end(socket);
  }
  static void read_to_end(Descriptor& socket) {
    while (!is_at_end(socket.get())) read_available(socket.get());
  }
  // A broker whose answer to open() is filled in by a test.
  using Fill = std::function<void(OutgoingMessage&, wire::Broker::OpenResults::Builder)>;
  static std::shared_ptr<Servant> broker_of(Fill fill) {
    return std::make_shared<Servant>([fill = std::move(fill)](IncomingCall call) {
      auto reply = call.begin_reply(64);
      fill(reply.message(), reply.results<wire::Broker::OpenResults>());
      call.reply(std::move(reply));
    });
  }
  static void welcome(OutgoingMessage& message, wire::Broker::OpenResults::Builder results,
                      std::shared_ptr<Exported> session) {
    results.setSession(message.add(std::move(session)).castAs<wire::Session>());
    auto welcome = results.initWelcome();
    welcome.setProtocol(wire::PROTOCOL);
    welcome.initServerId(16);
    welcome.initDescriptionHash(16);
    welcome.setMessageBytes(1 << 20);
    welcome.setInlineBytes(1 << 20);
  }
};

TEST_F(HandshakeTest, AServerThatNeverAnswersTimesOut) {
  ConnectOptions options;
  options.timeout_s = 0.05;
  const auto error = failure([](Descriptor& socket) { read_to_end(socket); }, options);
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_STREQ(error.what(),
               "the other side accepted the connection but did not answer within 0.05 s; is it a "
               "unity_server?");
}

TEST_F(HandshakeTest, AServerThatAnswersHalfTimesOut) {
  ConnectOptions options;
  options.timeout_s = 0.05;
  EXPECT_EQ(
      failure([](Descriptor& socket) { send_bytes(socket, std::string(6, '\0')); }, options).kind(),
      ErrorKind::kTimeout);
}

TEST_F(HandshakeTest, AnEndAtOnceIsALostConnection) {
  const auto error = failure([](Descriptor& socket) { socket = Descriptor(); });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_NE(std::string(error.what()).find("(an inherited socket); is it a unity_server?"),
            std::string::npos)
      << error.what();
}

TEST_F(HandshakeTest, AnEndInTheMiddleIsALostConnection) {
  EXPECT_EQ(failure([](Descriptor& socket) {
              write_all(socket.get(), std::vector<std::byte>(6));
              socket = Descriptor();
            }).kind(),
            ErrorKind::kConnectionLost);
}

TEST_F(HandshakeTest, GarbageIsAProtocolError) {
  for (const auto& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string(64, '\xff'),
        std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string(64, '\0')}) {
    EXPECT_EQ(failure([&](Descriptor& socket) { send_bytes(socket, bytes); }).kind(),
              ErrorKind::kProtocol)
        << bytes;
  }
}

TEST_F(HandshakeTest, AMessageOverTheLimitBreaksTheProtocol) {
  ConnectOptions options;
  options.message_bytes = 1000;
  const std::string table("\0\0\0\0\0\0\0\1", 8);
  EXPECT_EQ(failure([&](Descriptor& socket) { send_bytes(socket, table); }, options).kind(),
            ErrorKind::kProtocol);
}

TEST_F(HandshakeTest, AServerWithoutABootstrapIsNoneOfOurs) {
  EXPECT_EQ(failure([](Descriptor& socket) { serve(socket, nullptr); }).kind(),
            ErrorKind::kProtocol);
}

TEST_F(HandshakeTest, AServerOfAnotherInterfaceIsNoneOfOurs) {
  const auto error = failure([](Descriptor& socket) {
    serve(socket, std::make_shared<Servant>([](IncomingCall call) {
            call.fail("Requested interface not implemented.", true);
          }));
  });
  EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  EXPECT_NE(std::string(error.what()).find("not implemented"), std::string::npos);
}

TEST_F(HandshakeTest, ABrokerThatGivesNoSessionIsRefused) {
  EXPECT_EQ(failure([](Descriptor& socket) {
              serve(socket, broker_of([](OutgoingMessage&, auto results) {
                      results.initWelcome().setProtocol(wire::PROTOCOL);
                    }));
            }).kind(),
            ErrorKind::kProtocol);
}

TEST_F(HandshakeTest, AnotherProtocolIsRefusedNamingBoth) {
  const auto error = failure([](Descriptor& socket) {
    serve(socket, broker_of([](OutgoingMessage& message, auto results) {
            welcome(message, results, std::make_shared<Servant>());
            results.getWelcome().setProtocol(77);
          }));
  });
  EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  EXPECT_NE(std::string(error.what()).find("77"), std::string::npos) << error.what();
}

TEST_F(HandshakeTest, AServerIdOfAWrongLengthIsRefused) {
  EXPECT_EQ(failure([](Descriptor& socket) {
              serve(socket, broker_of([](OutgoingMessage& message, auto results) {
                      welcome(message, results, std::make_shared<Servant>());
                      results.getWelcome().initServerId(3);
                    }));
            }).kind(),
            ErrorKind::kProtocol);
}

TEST_F(HandshakeTest, ASessionThatCannotDescribeIsRefused) {
  EXPECT_EQ(failure([](Descriptor& socket) {
              serve(socket, broker_of([](OutgoingMessage& message, auto results) {
                      welcome(message, results, std::make_shared<Servant>([](IncomingCall call) {
                                call.fail("cannot");
                              }));
                    }));
            }).kind(),
            ErrorKind::kProtocol);
}

TEST_F(HandshakeTest, AnInterruptEndsIt) {
  struct Interrupted {};
  auto [ours, theirs] = socket_pair();
  ConnectOptions options;
  options.on_interrupt = [] { throw Interrupted{}; };
  EXPECT_THROW(Client::adopt(ours.release(), std::move(options)), Interrupted);
  read_to_end(theirs);
}

TEST_F(HandshakeTest, ABadDescriptorIsRefused) {
  EXPECT_EQ(kind_of([] { Client::adopt(-1); }), ErrorKind::kInputOutput);
}

TEST_F(HandshakeTest, ASecondSessionOnOneConnectionIsRefused) {
  LoopbackBroker broker;
  auto raw = RawSide(broker.connect_raw());
  raw.bootstrap(0);
  for (std::uint32_t question : {1, 2}) {
    raw.send([&](RawSide::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      call.setInterfaceId(capnp::typeId<wire::Broker>());
      call.initParams().getContent().initAs<wire::Broker::OpenParams>().setProtocol(1);
    });
  }
  std::vector<bool> are_results;
  EXPECT_TRUE(eventually([&] {
    while (const auto message = raw.next()) {
      are_results.push_back(RawSide::root(message).getReturn().isResults());
    }
    return are_results.size() == 3;
  }));
  EXPECT_EQ(are_results, (std::vector<bool>{true, true, false}));
}

TEST_F(HandshakeTest, TheSmallerLimitsOfBothSidesHold) {
  HostOptions host_options;
  host_options.shares_memory = false;  // what is shared has a lower limit
  host_options.limits.inline_bytes = 10'000;
  LoopbackBroker broker(std::move(host_options));
  ConnectOptions options;
  options.inline_bytes = 1000;
  const auto client = broker.connect(std::move(options));
  const auto copied = [&] { return broker.host().stats().bytes_copied; };
  const Variant text(std::string(5000, 'x'));
  EXPECT_EQ(broker.run("echo", arguments(text)), text);
  EXPECT_EQ(copied(), 0u);
  EXPECT_EQ(broker.run("echo", arguments(text), client), text);
  EXPECT_EQ(copied(), 10'000u);
  const Variant longer(std::string(20'000, 'x'));
  EXPECT_EQ(broker.run("echo", arguments(longer)), longer);
  EXPECT_EQ(copied(), 50'000u);
}

}  // namespace
}  // namespace cppipc::handshake_test
