// SPDX-License-Identifier: Apache-2.0
// Two connections over a wire that the test carries by itself.
#include "tls/stream.h"

#include <gmock/gmock.h>

#include "support/error_of.h"
#include "support/tls_peers.h"

namespace cppipc::stream_test {
namespace {

using test::error_of;
using test::Filled;
using test::receive;
using test::Received;
using testing::HasSubstr;

constexpr auto kNow = Connection::Flush::kNow;
using State = Connection::State;

class StreamTest : public test::TlsTest {
 protected:
  void SetUp() override {
    TlsTest::SetUp();
    wire_.emplace();
    begin_server();
    begin_client();
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
    unused_.reset();
    wire_.reset();
    TlsTest::TearDown();
  }

  void begin_server(const TlsServerOptions& options = server_options()) {
    auto channel = accept(wire_->server_end.get(), options);
    channel->set_on_agreed([this](const Channel::Agreed& agreed) { agreed_.push_back(agreed); });
    server_ = std::make_unique<Connection>(std::move(wire_->server_end), test::kMessageBytes,
                                           std::move(channel));
  }
  void begin_client(const TlsClientOptions& options = client_options()) {
    unused_ = connector(wire_->client_end.get(), options);
  }
  // One step of each side, and what they say is carried.
  bool step() {
    const bool is_done = unused_->shake_hands() == Channel::Step::kDone;
    wire_->carry();
    server_->receive([](std::unique_ptr<IncomingMessage>) {});
    wire_->carry();
    return is_done;
  }
  void shake_hands() {
    for (int i = 0; i < 10; ++i) {
      if (!step()) continue;
      client_ = std::make_unique<Connection>(std::move(wire_->client_end), test::kMessageBytes,
                                             std::move(unused_));
      return;
    }
    FAIL() << "the handshake does not end";
  }

  std::optional<test::Wire> wire_;
  std::unique_ptr<Channel> unused_;  // of the client, until the handshake is over
  std::unique_ptr<Connection> server_;
  std::unique_ptr<Connection> client_;
  std::vector<Channel::Agreed> agreed_;
  Received received_;
};

TEST_F(StreamTest, BothSidesAgreeOnTheNewestVersion) {
  shake_hands();
  ASSERT_EQ(agreed_.size(), 1u);
  EXPECT_EQ(agreed_[0].version, "TLSv1.3");
  EXPECT_EQ(agreed_[0].identity, "");
  EXPECT_EQ(client_->channel()->agreed().version, "TLSv1.3");
  EXPECT_EQ(client_->channel()->agreed().identity,
            "certificate \"CN=server\" of \"CN=Test Authority\"");
}

TEST_F(StreamTest, MessagesCrossBothWays) {
  shake_hands();
  EXPECT_TRUE(client_->send(Filled(100, 1).builder(), kNow));
  EXPECT_TRUE(server_->send(Filled(50'000, 2).builder(), kNow));
  wire_->carry();
  Received answers;
  EXPECT_EQ(receive(*server_, received_), State::kOpen);
  EXPECT_EQ(receive(*client_, answers), State::kOpen);
  EXPECT_EQ(received_, (Received{{100, 1}}));
  EXPECT_EQ(answers, (Received{{50'000, 2}}));
  EXPECT_FALSE(client_->has_queued());
}

TEST_F(StreamTest, NothingOfAMessageCanBeReadOnTheWire) {
  shake_hands();
  client_->send(Filled(4000, 'x').builder(), kNow);
  const auto bytes = wire_->from_client();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_EQ(text.find("xxxx"), std::string::npos);
}

TEST_F(StreamTest, ASmallMessageIsOneRecordTogetherWithWhatWaitedForIt) {
  shake_hands();
  client_->send(Filled(10, 1).builder(), Connection::Flush::kLater);
  client_->send(Filled(20, 2).builder(), Connection::Flush::kLater);
  EXPECT_TRUE(wire_->from_client().empty());
  client_->send(Filled(30, 3).builder(), kNow);
  const auto bytes = wire_->from_client();
  ASSERT_GT(bytes.size(), 5u);
  EXPECT_EQ(bytes[0], std::byte{23});  // application data
  const std::size_t record =
      (std::to_integer<std::size_t>(bytes[3]) << 8) | std::to_integer<std::size_t>(bytes[4]);
  EXPECT_EQ(bytes.size(), 5 + record);
  ASSERT_TRUE(wire_->to_server(bytes));
  receive(*server_, received_);
  EXPECT_EQ(received_, (Received{{10, 1}, {20, 2}, {30, 3}}));
}

TEST_F(StreamTest, WhatWaitsForTheNextMessageGoesOnWaitingWhenSomethingIsRead) {
  shake_hands();
  client_->send(Filled(10, 1).builder(), Connection::Flush::kLater);
  server_->send(Filled(10, 2).builder(), kNow);
  wire_->carry();
  receive(*client_, received_);
  EXPECT_EQ(received_.size(), 1u);
  EXPECT_TRUE(client_->has_queued());
  EXPECT_TRUE(wire_->from_client().empty());
}

TEST_F(StreamTest, AHandshakeThatTricklesInByteByByteEndsWell) {
  for (int i = 0; i < 10; ++i) {
    const bool is_done = unused_->shake_hands() == Channel::Step::kDone;
    for (const std::byte byte : wire_->from_client()) {
      ASSERT_TRUE(wire_->to_server({&byte, 1}));
      EXPECT_EQ(receive(*server_, received_), State::kOpen);
    }
    for (const std::byte byte : wire_->from_server()) {
      ASSERT_TRUE(wire_->to_client({&byte, 1}));
      if (!is_done) unused_->shake_hands();
    }
    if (is_done) break;
  }
  EXPECT_EQ(agreed_.size(), 1u);
  EXPECT_EQ(unused_->agreed().version, "TLSv1.3");
}

TEST_F(StreamTest, AMessageThatTricklesInByteByByteComesOutOnce) {
  shake_hands();
  client_->send(Filled(100, 7).builder(), kNow);
  for (const std::byte byte : wire_->from_client()) {
    EXPECT_TRUE(received_.empty());
    ASSERT_TRUE(wire_->to_server({&byte, 1}));
    EXPECT_EQ(receive(*server_, received_), State::kOpen);
  }
  EXPECT_EQ(received_, (Received{{100, 7}}));
}

TEST_F(StreamTest, WhatIsSentBeforeTheHandshakeIsOverLeavesThen) {
  EXPECT_FALSE(server_->send(Filled(10, 5).builder(), kNow));
  EXPECT_TRUE(server_->is_full());
  shake_hands();
  wire_->carry();
  EXPECT_FALSE(server_->has_queued());
  receive(*client_, received_);
  EXPECT_EQ(received_, (Received{{10, 5}}));
}

TEST_F(StreamTest, ReadingStopsAfterItsShareAndGoesOnWhereItWas) {
  shake_hands();
  for (int i = 0; i < 20; ++i) client_->send(Filled(4000, 1).builder(), kNow);
  wire_->carry();
  EXPECT_EQ(receive(*server_, received_, 1), State::kMore);
  EXPECT_LT(received_.size(), 20u + 1);
  while (receive(*server_, received_, 1) == State::kMore) {
  }
  EXPECT_EQ(received_.size(), 20u);
}

TEST_F(StreamTest, TheEndInOrderIsAnEnd) {
  shake_hands();
  client_->send(Filled(10, 1).builder(), kNow);
  client_->shutdown();
  wire_->carry();
  wire_->cut();
  server_->expect_end();
  EXPECT_EQ(receive(*server_, received_), State::kEnded);
  EXPECT_EQ(received_, (Received{{10, 1}}));
}

TEST_F(StreamTest, TheEndWithoutAWordIsALostConnection) {
  shake_hands();
  client_->send(Filled(10, 1).builder(), kNow);
  wire_->carry();
  wire_->cut();
  server_->expect_end();
  const Error error = error_of([&] {
    receive(*server_, received_);
    receive(*server_, received_);
  });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_FALSE(error.is_tls);
  EXPECT_THAT(error.what(), HasSubstr("cut off"));
  EXPECT_EQ(received_, (Received{{10, 1}}));
}

TEST_F(StreamTest, ADestructorSaysNothing) {
  shake_hands();
  client_.reset();
  EXPECT_TRUE(wire_->from_client().empty());
}

TEST_F(StreamTest, ACutInTheMiddleOfARecordBringsNoMessage) {
  shake_hands();
  client_->send(Filled(10'000, 1).builder(), kNow);
  auto bytes = wire_->from_client();
  bytes.resize(bytes.size() / 2);
  ASSERT_TRUE(wire_->to_server(bytes));
  EXPECT_EQ(receive(*server_, received_), State::kOpen);
  wire_->cut();
  EXPECT_EQ(error_of([&] { receive(*server_, received_); }).kind(), ErrorKind::kConnectionLost);
  EXPECT_TRUE(received_.empty());
}

TEST_F(StreamTest, ADamagedRecordEndsTheConnection) {
  shake_hands();
  client_->send(Filled(1000, 1).builder(), kNow);
  auto bytes = wire_->from_client();
  bytes[bytes.size() / 2] ^= std::byte{1};
  ASSERT_TRUE(wire_->to_server(bytes));
  const Error error = error_of([&] { receive(*server_, received_); });
  EXPECT_TRUE(error.is_tls) << error.what();
  EXPECT_TRUE(received_.empty());
  // The other side is told, and nothing more can be sent.
  server_->send(Filled(10, 1).builder(), kNow);
  EXPECT_FALSE(server_->has_queued());
  wire_->carry();
  EXPECT_TRUE(error_of([&] { receive(*client_, received_); }).is_tls);
}

TEST_F(StreamTest, AClientWithoutTlsIsToldWhatItHasComeTo) {
  const auto plain = std::make_unique<Connection>(std::move(wire_->client_end), 1 << 20);
  plain->send(Filled(100, 0).builder(), kNow);
  wire_->carry();
  const Error refused = error_of([&] { receive(*server_, received_); });
  EXPECT_TRUE(refused.is_tls);
  EXPECT_THAT(refused.what(), HasSubstr("the client does not speak TLS"));
  wire_->carry();
  const Error told = error_of([&] { receive(*plain, received_); });
  EXPECT_TRUE(told.is_tls);
  EXPECT_THAT(told.what(), HasSubstr("unity.connect(ADDRESS, tls="));
}

TEST_F(StreamTest, AServerWithoutTlsSaysWhatHasCome) {
  auto [ours, theirs] = test::socket_pair();
  Connection plain(std::move(theirs), 1 << 20);
  const auto client = connector(ours.get(), client_options());
  EXPECT_EQ(client->shake_hands(), Channel::Step::kWantsRead);
  const Error error = error_of([&] { receive(plain, received_); });
  EXPECT_TRUE(error.is_tls);
  EXPECT_THAT(error.what(), HasSubstr("the client speaks TLS"));
  plain.shutdown();
  EXPECT_THAT(error_of([&] { client->shake_hands(); }).what(),
              HasSubstr("does not speak it; connect without tls"));
}

TEST_F(StreamTest, AnAnswerThatIsNotTlsIsSaidToBeNone) {
  EXPECT_EQ(unused_->shake_hands(), Channel::Step::kWantsRead);
  const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
  ASSERT_TRUE(wire_->to_client(std::as_bytes(std::span(text))));
  const Error error = error_of([&] { unused_->shake_hands(); });
  EXPECT_TRUE(error.is_tls);
  EXPECT_THAT(error.what(), HasSubstr("something that is not TLS"));
}

TEST_F(StreamTest, AnAlertAboutTheVersionIsPutInWords) {
  EXPECT_EQ(unused_->shake_hands(), Channel::Step::kWantsRead);
  const std::array<unsigned char, 7> alert{21, 3, 1, 0, 2, 2, 70};
  ASSERT_TRUE(wire_->to_client(std::as_bytes(std::span(alert))));
  EXPECT_THAT(error_of([&] { unused_->shake_hands(); }).what(),
              HasSubstr("speaks no version of TLS that is accepted here: it is 1.2 or 1.3"));
}

TEST_F(StreamTest, ABadHandshakeBetweenGoodOnesIsRefused) {
  unused_->shake_hands();
  auto bytes = wire_->from_client();
  bytes[20] ^= std::byte{0xff};
  bytes.resize(bytes.size() - 1);
  bytes.push_back(std::byte{0});
  for (std::size_t i = 43; i < 60; ++i) bytes[i] = std::byte{0xff};
  ASSERT_TRUE(wire_->to_server(bytes));
  const Error error = error_of([&] { receive(*server_, received_); });
  EXPECT_EQ(error.kind(), ErrorKind::kConnectionLost);
  EXPECT_TRUE(error.is_tls);
}

TEST_F(StreamTest, AFullSocketTakesTheRestLater) {
  shake_hands();
  test::shrink_buffers(client_->fd());
  Received expected;
  for (int i = 1; i <= 60; ++i) {
    client_->send(Filled(20'000, static_cast<unsigned char>(i)).builder(), kNow);
    expected.emplace_back(20'000, i);
  }
  EXPECT_TRUE(client_->is_full());
  EXPECT_FALSE(client_->flush());
  EXPECT_TRUE(test::eventually([&] {
    wire_->carry();
    receive(*server_, received_);
    return client_->flush() && received_.size() == expected.size();
  }));
  EXPECT_EQ(client_->queued_bytes(), 0u);
  EXPECT_EQ(received_, expected);
}

TEST_F(StreamTest, SendingToAPeerThatIsGoneNeitherSignalsNorThrows) {
  shake_hands();
  wire_->cut();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client_->send(Filled(100, 1).builder(), kNow));
    EXPECT_TRUE(client_->flush());
  }
  EXPECT_EQ(client_->queued_bytes(), 0u);
  EXPECT_EQ(error_of([&] { receive(*client_, received_); }).kind(), ErrorKind::kConnectionLost);
  client_->shutdown();
}

}  // namespace
}  // namespace cppipc::stream_test
