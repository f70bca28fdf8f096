// SPDX-License-Identifier: Apache-2.0
#include "rpc/connection.h"

#include <cppipc/error.h>

#include <capnp/any.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <thread>

#include "support/leak_check.h"
#include "support/sockets.h"

namespace cppipc::connection_test {
namespace {

using test::eventually;

constexpr std::uint64_t kLimit = 8 << 20;

// A message whose root is `size` bytes of `fill`.
class DataMessage {
 public:
  DataMessage(std::size_t size, unsigned char fill, unsigned first_segment_words = 1024)
      : builder_(first_segment_words) {
    auto data =
        builder_.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(static_cast<unsigned>(size));
    std::memset(data.begin(), fill, data.size());
  }
  capnp::MessageBuilder& builder() { return builder_; }
  std::vector<std::byte> bytes() {
    const auto words = capnp::messageToFlatArray(builder_);
    const auto* begin = reinterpret_cast<const std::byte*>(words.begin());
    return {begin, begin + words.asBytes().size()};
  }

 private:
  capnp::MallocMessageBuilder builder_;
};

class ConnectionTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    auto [ours, theirs] = test::socket_pair();
    connection_ = std::make_unique<Connection>(std::move(ours), kLimit);
    other_ = std::move(theirs);
  }
  void TearDown() override {
    connection_.reset();
    other_ = Descriptor();
    LeakCheck::TearDown();
  }

  // Reads once; the messages are noted as "SIZE:FIRST BYTE".
  Connection::State receive(std::uint64_t most = ~std::uint64_t{0}) {
    return connection_->receive(
        [this](std::unique_ptr<IncomingMessage> message) {
          const auto data = message->reader().getRoot<capnp::AnyPointer>().getAs<capnp::Data>();
          for (const auto byte : data) ASSERT_EQ(byte, data[0]);
          received_.emplace_back(data.size(), data.size() == 0 ? 0 : data[0]);
        },
        most);
  }
  ErrorKind receive_error() {
    try {
      receive();
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "nothing was refused";
    return ErrorKind::kRemote;
  }
  void write(const std::vector<std::byte>& bytes) {
    ASSERT_TRUE(test::write_all(other_.get(), bytes));
  }

  using Received = std::vector<std::pair<std::size_t, int>>;
  std::unique_ptr<Connection> connection_;
  Descriptor other_;
  Received received_;
};

TEST_F(ConnectionTest, TheSocketBecomesNonBlockingAndCloseOnExec) {
  EXPECT_TRUE(fcntl(connection_->fd(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(connection_->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(ConnectionTest, ABadDescriptorIsRefused) {
  EXPECT_THROW(Connection(Descriptor(), kLimit), Error);
}

TEST_F(ConnectionTest, AnEmptySocketGivesNothing) {
  EXPECT_EQ(receive(), Connection::State::kOpen);
  EXPECT_TRUE(received_.empty());
}

TEST_F(ConnectionTest, AMessageThatArrivesByteByByteComesOutOnce) {
  DataMessage message(100, 7);
  const auto bytes = message.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_TRUE(received_.empty());
    write({bytes[i]});
    EXPECT_EQ(receive(), Connection::State::kOpen);
  }
  EXPECT_EQ(received_, (Received{{100, 7}}));
  EXPECT_EQ(connection_->received_bytes(), bytes.size());
}

TEST_F(ConnectionTest, SegmentsThatArriveByteByByteComeOutTogether) {
  DataMessage message(3000, 9, 8);
  ASSERT_GT(message.builder().getSegmentsForOutput().size(), 1u);
  for (const auto byte : message.bytes()) {
    write({byte});
    EXPECT_EQ(receive(), Connection::State::kOpen);
  }
  EXPECT_EQ(received_, (Received{{3000, 9}}));
}

TEST_F(ConnectionTest, ManySmallMessagesInOneReadComeOutInOrder) {
  std::vector<std::byte> bytes;
  Received expected;
  for (int i = 0; i < 500; ++i) {
    const auto one =
        DataMessage(static_cast<std::size_t>(i % 40), static_cast<unsigned char>(i)).bytes();
    bytes.insert(bytes.end(), one.begin(), one.end());
    expected.emplace_back(i % 40, i % 40 == 0 ? 0 : i % 256);
  }
  write(bytes);
  EXPECT_EQ(receive(), Connection::State::kOpen);
  EXPECT_EQ(received_, expected);
}

TEST_F(ConnectionTest, FramesLargerThanTheBufferComeOutBetweenSmallOnes) {
  std::vector<std::byte> bytes;
  Received expected;
  for (const std::size_t size : {10u, 130'000u, 131'072u, 131'080u, 20u, 3'000'000u, 5u}) {
    const auto one = DataMessage(size, static_cast<unsigned char>(size)).bytes();
    bytes.insert(bytes.end(), one.begin(), one.end());
    expected.emplace_back(size, static_cast<unsigned char>(size));
  }
  std::thread writer([&] { EXPECT_TRUE(test::write_all(other_.get(), bytes)); });
  EXPECT_TRUE(eventually([&] {
    EXPECT_NE(receive(), Connection::State::kEnded);
    return received_.size() == expected.size();
  }));
  writer.join();
  EXPECT_EQ(received_, expected);
}

TEST_F(ConnectionTest, ALargeFrameMayEndWithTheStream) {
  const auto bytes = DataMessage(150'000, 3).bytes();
  const std::vector<std::byte> head(bytes.begin(), bytes.begin() + 140'000);
  std::thread writer([&] { EXPECT_TRUE(test::write_all(other_.get(), head)); });
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(receive(), Connection::State::kOpen);
    return connection_->received_bytes() == head.size();
  }));
  writer.join();
  other_ = Descriptor();
  EXPECT_EQ(receive(), Connection::State::kEnded);
  EXPECT_TRUE(received_.empty());
}

TEST_F(ConnectionTest, TheEndIsSeenAlsoBehindTheLastMessage) {
  write(DataMessage(8, 1).bytes());
  other_ = Descriptor();
  // An edge-triggered poller reports data and end together, once.
  connection_->expect_end();
  EXPECT_EQ(receive(), Connection::State::kEnded);
  EXPECT_EQ(received_, (Received{{8, 1}}));
}

TEST_F(ConnectionTest, TheEndInTheMiddleOfAFrameIsAnEnd) {
  auto bytes = DataMessage(100, 1).bytes();
  bytes.pop_back();
  write(bytes);
  EXPECT_EQ(receive(), Connection::State::kOpen);
  other_ = Descriptor();
  EXPECT_EQ(receive(), Connection::State::kEnded);
  EXPECT_TRUE(received_.empty());
}

TEST_F(ConnectionTest, AResetIsAnEnd) {
  // Bytes that the other side never read turn its close into a reset.
  EXPECT_TRUE(connection_->send(DataMessage(8, 1).builder(), Connection::Flush::kNow));
  other_ = Descriptor();
  EXPECT_EQ(receive(), Connection::State::kEnded);
}

TEST_F(ConnectionTest, AFirstWordOfAllOnesIsAProtocolError) {
  write(std::vector<std::byte>(16, std::byte{0xff}));
  EXPECT_EQ(receive_error(), ErrorKind::kProtocol);
}

TEST_F(ConnectionTest, AFrameOverTheLimitIsRefusedBeforeItArrives) {
  std::vector<std::byte> table(8);
  const std::uint32_t words = (kLimit + kEnvelopeBytes) / 8;
  std::memcpy(table.data() + 4, &words, sizeof words);
  write(table);
  EXPECT_EQ(receive_error(), ErrorKind::kTooLarge);
}

TEST_F(ConnectionTest, ALimitThatIsSetLaterHoldsFromThenOn) {
  connection_->set_message_bytes(1 << 16);
  std::vector<std::byte> table(8);
  const std::uint32_t words = ((1 << 16) + kEnvelopeBytes) / 8;
  std::memcpy(table.data() + 4, &words, sizeof words);
  write(table);
  EXPECT_EQ(receive_error(), ErrorKind::kTooLarge);
}

TEST_F(ConnectionTest, ReadingStopsAfterItsShareAndGoesOnWhereItWas) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 40; ++i) {
    const auto one = DataMessage(4000, static_cast<unsigned char>(i)).bytes();
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  ASSERT_GT(bytes.size(), 128u << 10);  // more than one read takes
  write(bytes);
  EXPECT_EQ(receive(1), Connection::State::kMore);
  const auto first = received_.size();
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, 40u);
  EXPECT_EQ(receive(1 << 20), Connection::State::kOpen);
  EXPECT_EQ(received_.size(), 40u);
  for (std::size_t i = 0; i < received_.size(); ++i) EXPECT_EQ(received_[i].second, int(i));
}

TEST_F(ConnectionTest, AMessageCanBeKeptAndReadAfterTheConnectionIsGone) {
  std::unique_ptr<IncomingMessage> kept;
  write(DataMessage(64, 5).bytes());
  connection_->receive(
      [&](std::unique_ptr<IncomingMessage> message) { kept = std::move(message); });
  connection_.reset();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->reader().getRoot<capnp::AnyPointer>().getAs<capnp::Data>()[63], 5);
  EXPECT_EQ(kept->size_bytes(), DataMessage(64, 5).bytes().size() - 8 + 8);
}

TEST_F(ConnectionTest, WhatAHandlerThrowsIsPassedOn) {
  write(DataMessage(8, 1).bytes());
  EXPECT_THROW(connection_->receive([](std::unique_ptr<IncomingMessage>) {
    throw Error(ErrorKind::kDomain, "thrown");
  }),
               Error);
}

TEST_F(ConnectionTest, AMessageIsSentAtOnce) {
  DataMessage message(100, 1);
  EXPECT_TRUE(connection_->send(message.builder(), Connection::Flush::kNow));
  EXPECT_FALSE(connection_->has_queued());
  EXPECT_EQ(test::read_available(other_.get()), message.bytes());
}

TEST_F(ConnectionTest, AMessageForLaterLeavesWithTheNextOneInOrder) {
  DataMessage first(8, 1), second(16, 2);
  EXPECT_TRUE(connection_->send(first.builder(), Connection::Flush::kLater));
  EXPECT_EQ(connection_->queued_bytes(), first.bytes().size());
  EXPECT_TRUE(test::read_available(other_.get()).empty());
  EXPECT_TRUE(connection_->send(second.builder(), Connection::Flush::kNow));
  auto expected = first.bytes();
  const auto more = second.bytes();
  expected.insert(expected.end(), more.begin(), more.end());
  EXPECT_EQ(test::read_available(other_.get()), expected);
  EXPECT_FALSE(connection_->has_queued());
}

TEST_F(ConnectionTest, AMessageForLaterLeavesWithAFlush) {
  DataMessage message(8, 1);
  connection_->send(message.builder(), Connection::Flush::kLater);
  EXPECT_TRUE(connection_->flush());
  EXPECT_EQ(test::read_available(other_.get()), message.bytes());
  EXPECT_TRUE(connection_->flush());  // of nothing
}

TEST_F(ConnectionTest, MessagesOfManySegmentsAreSentWhole) {
  DataMessage message(8, 1);
  capnp::MallocMessageBuilder builder(1, capnp::AllocationStrategy::FIXED_SIZE);
  auto list = builder.getRoot<capnp::AnyPointer>().initAs<capnp::List<capnp::Data>>(300);
  for (unsigned i = 0; i < list.size(); ++i) list.init(i, 64);
  ASSERT_GT(builder.getSegmentsForOutput().size(), 100u);
  EXPECT_TRUE(connection_->send(builder, Connection::Flush::kNow));
  const auto words = capnp::messageToFlatArray(builder);
  const auto got = test::read_available(other_.get());
  ASSERT_EQ(got.size(), words.asBytes().size());
  EXPECT_EQ(std::memcmp(got.data(), words.begin(), got.size()), 0);
}

TEST_F(ConnectionTest, WhatAFullSocketRefusesIsQueuedAndFlushedInOrder) {
  test::shrink_buffers(connection_->fd());
  std::vector<std::byte> expected;
  bool is_flushed = true;
  for (int i = 0; i < 200; ++i) {
    DataMessage message(20'000, static_cast<unsigned char>(i));
    is_flushed = connection_->send(message.builder(), Connection::Flush::kNow);
    const auto bytes = message.bytes();
    expected.insert(expected.end(), bytes.begin(), bytes.end());
  }
  EXPECT_FALSE(is_flushed);
  EXPECT_FALSE(connection_->flush());
  EXPECT_GT(connection_->queued_bytes(), 0u);
  std::vector<std::byte> got;
  EXPECT_TRUE(eventually([&] {
    const auto more = test::read_available(other_.get());
    got.insert(got.end(), more.begin(), more.end());
    return connection_->flush() && got.size() == expected.size();
  }));
  EXPECT_EQ(connection_->queued_bytes(), 0u);
  EXPECT_TRUE(got == expected);
}

TEST_F(ConnectionTest, ASocketThatIsFullSaysSo) {
  test::shrink_buffers(connection_->fd());
  EXPECT_FALSE(connection_->is_full());
  connection_->send(DataMessage(8, 1).builder(), Connection::Flush::kLater);
  EXPECT_FALSE(connection_->is_full());  // it waits, but for no room
  while (connection_->send(DataMessage(20'000, 2).builder(), Connection::Flush::kNow)) {
  }
  EXPECT_TRUE(connection_->is_full());
  EXPECT_TRUE(eventually([&] {
    test::read_available(other_.get());
    return connection_->flush();
  }));
  EXPECT_FALSE(connection_->is_full());
}

TEST_F(ConnectionTest, SendingToAPeerThatIsGoneNeitherSignalsNorThrows) {
  other_ = Descriptor();
  DataMessage message(100, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(connection_->send(message.builder(), Connection::Flush::kNow));
    EXPECT_TRUE(connection_->flush());
  }
  EXPECT_EQ(connection_->queued_bytes(), 0u);
  EXPECT_EQ(receive(), Connection::State::kEnded);
}

TEST_F(ConnectionTest, AFullQueueIsDroppedWhenThePeerIsGone) {
  test::shrink_buffers(connection_->fd());
  DataMessage message(1 << 20, 1);
  EXPECT_FALSE(connection_->send(message.builder(), Connection::Flush::kNow));
  other_ = Descriptor();
  EXPECT_TRUE(connection_->flush());
  EXPECT_EQ(connection_->queued_bytes(), 0u);
}

TEST_F(ConnectionTest, ShutdownEndsBothSides) {
  connection_->shutdown();
  EXPECT_TRUE(test::is_at_end(other_.get()));
  EXPECT_EQ(receive(), Connection::State::kEnded);
}

TEST_F(ConnectionTest, ManyThreadsSendWholeMessages) {
  constexpr int kThreads = 4, kEach = 300;
  std::vector<std::thread> senders;
  for (int thread = 0; thread < kThreads; ++thread) {
    senders.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) {
        DataMessage message(static_cast<std::size_t>(1 + i % 900),
                            static_cast<unsigned char>(thread + 1));
        connection_->send(message.builder(),
                          i % 3 == 0 ? Connection::Flush::kLater : Connection::Flush::kNow);
      }
    });
  }
  Connection reader(std::move(other_), kLimit);
  std::vector<int> counts(kThreads + 1);
  EXPECT_TRUE(eventually([&] {
    connection_->flush();
    reader.receive([&](std::unique_ptr<IncomingMessage> message) {
      const auto data = message->reader().getRoot<capnp::AnyPointer>().getAs<capnp::Data>();
      // Each sender's messages stay in order.
      EXPECT_EQ(data.size(), 1u + static_cast<unsigned>(counts[data[0]]) % 900);
      ++counts[data[0]];
    });
    return std::accumulate(counts.begin(), counts.end(), 0) == kThreads * kEach;
  }));
  for (auto& sender : senders) sender.join();
}

}  // namespace
}  // namespace cppipc::connection_test
