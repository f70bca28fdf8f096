// SPDX-License-Identifier: Apache-2.0
// Descriptors cross with the message that they belong to, however full the socket is.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "rpc/connection.h"
#include "support/leak_check.h"
#include "support/sockets.h"

namespace cppipc::queued_descriptors_test {
namespace {

using test::eventually;

class QueuedDescriptorsTest : public test::LeakCheck {
 protected:
  void SetUp() override {
    LeakCheck::SetUp();
    auto [one, other] = test::socket_pair();
    sender_ = std::make_unique<Connection>(std::move(one), 8 << 20);
    receiver_ = std::make_unique<Connection>(std::move(other), 8 << 20);
  }
  void TearDown() override {
    sender_.reset();
    receiver_.reset();
    files_.clear();
    LeakCheck::TearDown();
  }

  // A message of that many bytes, the first of which says whether a file comes with it; its inode
  // is in the next ones.
  void send(std::size_t size, bool has_file, Connection::Flush flush) {
    capnp::MallocMessageBuilder builder;
    auto data =
        builder.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(static_cast<unsigned>(size));
    std::memset(data.begin(), 0, data.size());
    int fd = -1;
    if (has_file) {
      files_.emplace_back(::memfd_create("queued", MFD_CLOEXEC));
      fd = files_.back().get();
      struct stat status {};
      ASSERT_EQ(::fstat(fd, &status), 0);
      const std::uint64_t inode = status.st_ino;
      data[0] = 1;
      std::memcpy(data.begin() + 8, &inode, sizeof inode);
    }
    sender_->send(builder, flush, fd);
    ++sent_;
  }
  // Reads once; each file is taken where its message is handled.
  void receive() {
    receiver_->receive([this](std::unique_ptr<IncomingMessage> message) {
      const auto data = message->reader().getRoot<capnp::AnyPointer>().getAs<capnp::Data>();
      ++received_;
      if (data[0] == 0) return;
      std::uint64_t inode = 0;
      std::memcpy(&inode, data.begin() + 8, sizeof inode);
      if (receiver_->take_descriptor(inode)) ++files_received_;
    });
  }
  bool all_arrives() {
    return eventually([&] {
      receive();
      return sender_->flush() && received_ == sent_;
    });
  }

  std::unique_ptr<Connection> sender_;
  std::unique_ptr<Connection> receiver_;
  std::vector<Descriptor> files_;
  int sent_ = 0;
  int received_ = 0;
  int files_received_ = 0;
};

TEST_F(QueuedDescriptorsTest, OneCrossesAtOnceOrLater) {
  send(100, true, Connection::Flush::kNow);
  receive();
  EXPECT_EQ(files_received_, 1);
  send(100, true, Connection::Flush::kLater);
  receive();
  EXPECT_EQ(received_, 1);
  send(100, false, Connection::Flush::kNow);
  receive();
  EXPECT_EQ(received_, 3);
  EXPECT_EQ(files_received_, 2);
}

TEST_F(QueuedDescriptorsTest, OneThatIsClosedWhileItWaitsCrosses) {
  send(100, true, Connection::Flush::kLater);
  files_.clear();
  sender_->flush();
  receive();
  EXPECT_EQ(files_received_, 1);
}

TEST_F(QueuedDescriptorsTest, BehindAFullSocketTheyWaitForTheirMessages) {
  test::shrink_buffers(sender_->fd());
  for (int i = 0; i < 30; ++i) {
    send(20'000, false, Connection::Flush::kNow);
    send(100, true, i % 2 == 0 ? Connection::Flush::kLater : Connection::Flush::kNow);
  }
  EXPECT_TRUE(sender_->is_full());
  EXPECT_TRUE(all_arrives());
  EXPECT_EQ(files_received_, 30);
}

TEST_F(QueuedDescriptorsTest, SeveralInARowKeepTheirOrder) {
  for (int i = 0; i < 20; ++i) send(100, true, Connection::Flush::kLater);
  EXPECT_TRUE(all_arrives());
  EXPECT_EQ(files_received_, 20);
}

TEST_F(QueuedDescriptorsTest, MegabytesOfQueueAreSentWithThem) {
  test::shrink_buffers(sender_->fd());
  for (int i = 0; i < 12; ++i) {
    send(500'000, false, Connection::Flush::kNow);
    send(300'000, true, Connection::Flush::kNow);
  }
  EXPECT_TRUE(all_arrives());
  EXPECT_EQ(files_received_, 12);
  EXPECT_EQ(sender_->queued_bytes(), 0u);
}

// The kernel ends a read behind a descriptor. A poller that tells of new bytes only would never
// tell of those that were there already.
TEST_F(QueuedDescriptorsTest, WhatFollowsOneIsReadWithIt) {
  send(100, true, Connection::Flush::kNow);
  for (int i = 0; i < 3; ++i) send(1000, false, Connection::Flush::kNow);
  send(100, true, Connection::Flush::kNow);
  send(60'000, false, Connection::Flush::kNow);
  receive();
  EXPECT_EQ(received_, sent_);
  EXPECT_EQ(files_received_, 2);
}

TEST_F(QueuedDescriptorsTest, ThoseThatNobodyTakesAreClosed) {
  const auto before = test::open_descriptors();
  for (int i = 0; i < 100; ++i) {
    const Descriptor file(::memfd_create("unwanted", MFD_CLOEXEC));
    capnp::MallocMessageBuilder builder;
    builder.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(8);
    sender_->send(builder, Connection::Flush::kNow, file.get());
  }
  receive();
  EXPECT_EQ(received_, 100);
  EXPECT_LE(test::open_descriptors(), before + 4);
}

TEST_F(QueuedDescriptorsTest, APeerThatIsGoneLeavesNoneInTheQueue) {
  test::shrink_buffers(sender_->fd());
  const auto before = test::open_descriptors();
  while (!sender_->is_full()) send(20'000, false, Connection::Flush::kNow);
  send(100, true, Connection::Flush::kNow);
  EXPECT_EQ(test::open_descriptors(), before + 2);  // the file, and the one that waits
  receiver_.reset();
  sender_->flush();
  EXPECT_EQ(test::open_descriptors(), before);  // the file is there, the socket is not
}

}  // namespace
}  // namespace cppipc::queued_descriptors_test
