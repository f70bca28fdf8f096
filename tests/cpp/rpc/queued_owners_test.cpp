// SPDX-License-Identifier: Apache-2.0
// Who keeps the bytes of a message that has to wait is let go of where no lock is held.
#include <capnp/any.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "rpc/connection.h"
#include "support/leak_check.h"
#include "support/sockets.h"

namespace cppipc::queued_owners_test {
namespace {

using test::eventually;

class QueuedOwnersTest : public test::LeakCheck {};

TEST_F(QueuedOwnersTest, WhatWasSentGivesItsOwnerToWhoeverFlushesUnderALock) {
  auto [one, receiver] = test::socket_pair();
  Connection sender(std::move(one), 8 << 20);
  test::shrink_buffers(sender.fd());
  auto owner = std::make_shared<int>();
  const std::weak_ptr<int> is_alive = owner;
  capnp::MallocMessageBuilder message;
  message.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(1 << 20);
  EXPECT_FALSE(sender.send(message, Connection::Flush::kNow, -1, owner));
  owner.reset();
  SendQueue::Dropped dropped;
  EXPECT_TRUE(eventually([&] {
    test::read_available(receiver.get());
    return sender.flush(dropped);
  }));
  EXPECT_FALSE(is_alive.expired());
  dropped.clear();
  EXPECT_TRUE(is_alive.expired());
}

}  // namespace
}  // namespace cppipc::queued_owners_test
