// SPDX-License-Identifier: Apache-2.0
#include "rpc/blob.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/leak_check.h"
#include "support/peers.h"

namespace cppipc::blob_test {
namespace {

using test::PeerPair;
using test::Reply;

// An object map whose waits pump both peers.
class PumpedObjects final : public ObjectMap {
 public:
  explicit PumpedObjects(PeerPair& pair) : pair_(pair) {}
  Cap cap_of(const ObjectPtr&) override { return {}; }
  std::array<std::uint8_t, 16> id_of(const ObjectPtr&) override { return {}; }
  ObjectPtr object_of(const Cap&, std::string_view, std::span<const std::uint8_t>) override {
    return nullptr;
  }
  void wait(Waiter& waiter) override {
    if (on_wait) on_wait();
    while (!waiter.is_done()) pair_.pump();
  }
  void count_bulk(std::uint64_t bytes) override { counted += bytes; }

  std::uint64_t counted = 0;
  std::function<void()> on_wait;

 private:
  PeerPair& pair_;
};

class BlobTest : public test::LeakCheck {
 protected:
  // What the left side gets as a capability: a blob of `size` bytes.
  std::shared_ptr<Import> offer(std::size_t size) {
    bytes_ = std::make_shared<std::vector<std::byte>>(size);
    for (std::size_t i = 0; i < size; ++i) (*bytes_)[i] = static_cast<std::byte>(i * 7 % 251);
    const auto reply = test::call(*pair_.left, pair_.target, "blob");
    pair_.pump();
    test::answer(pair_.bootstrap->calls.front(), "here",
                 std::make_shared<Blob>(BlobSource{*bytes_, bytes_}));
    pair_.bootstrap->calls.clear();
    pair_.pump();
    return reply->import();
  }
  // Asks for one piece: its data, or an error.
  std::shared_ptr<Reply> ask(const std::shared_ptr<Import>& blob, std::uint64_t offset,
                             std::uint32_t length, std::uint64_t interface_id,
                             std::uint16_t method_id = 0) {
    auto call = pair_.left->begin_call(blob, interface_id, method_id, 16);
    auto params = call.params<wire::Blob::ReadParams>();
    params.setOffset(offset);
    params.setLength(length);
    auto reply = std::make_shared<Reply>();
    pair_.left->send(std::move(call), reply, Connection::Flush::kNow);
    pair_.pump();
    EXPECT_TRUE(reply->is_there());
    return reply;
  }
  std::size_t size_of(const std::shared_ptr<Import>& blob, std::uint64_t offset,
                      std::uint32_t length) {
    auto reply = ask(blob, offset, length, capnp::typeId<wire::Blob>());
    return reply->returned.content().getAs<wire::Blob::ReadResults>().getData().size();
  }

  PeerPair pair_;
  PumpedObjects objects_{pair_};
  std::shared_ptr<std::vector<std::byte>> bytes_;
};

TEST_F(BlobTest, BytesOfEverySizeArriveWhole) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{kBlobPieceBytes - 1}, std::size_t{kBlobPieceBytes},
        std::size_t{kBlobPieceBytes + 1}, std::size_t{5 * kBlobPieceBytes + 13}}) {
    const auto import = offer(size);
    RemoteBlob blob(pair_.left, import, objects_);
    std::vector<std::byte> out(size);
    blob.read(out, 0);
    EXPECT_TRUE(out == *bytes_) << size;
  }
}

TEST_F(BlobTest, TheBytesThatArrivedAreCounted) {
  RemoteBlob blob(pair_.left, offer(100), objects_);
  std::vector<std::byte> out(100);
  blob.read(out, 0);
  EXPECT_EQ(objects_.counted, 100u);
}

TEST_F(BlobTest, NothingNeedsNoQuestion) {
  RemoteBlob blob(pair_.left, offer(0), objects_);
  blob.read({}, 0);
  EXPECT_EQ(objects_.counted, 0u);
}

TEST_F(BlobTest, FewerBytesThanAnnouncedAreAProtocolError) {
  RemoteBlob blob(pair_.left, offer(100), objects_);
  std::vector<std::byte> out(101);
  try {
    blob.read(out, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  }
}

TEST_F(BlobTest, TheEndOfTheConnectionEndsTheRead) {
  RemoteBlob blob(pair_.left, offer(5 << 20), objects_);
  objects_.on_wait = [&] { pair_.left->disconnect(Error(ErrorKind::kServerCrashed, "gone")); };
  std::vector<std::byte> out(5 << 20);
  try {
    blob.read(out, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kServerCrashed);
  }
}

TEST_F(BlobTest, AWaitThatThrowsEndsTheReadAndHarmsNobody) {
  struct Interrupted {};
  RemoteBlob blob(pair_.left, offer(5 << 20), objects_);
  objects_.on_wait = [] { throw Interrupted{}; };
  std::vector<std::byte> out(5 << 20);
  EXPECT_THROW(blob.read(out, 0), Interrupted);
  objects_.on_wait = {};
  pair_.pump();
  blob.read(out, 0);
  EXPECT_TRUE(out == *bytes_);
}

TEST_F(BlobTest, AReadThatEndsInTheMiddleOfAPieceLeavesItsMemoryAlone) {
  struct Interrupted {};
  RemoteBlob blob(pair_.left, offer(5 << 20), objects_);
  std::uint64_t received = 0;
  objects_.on_wait = [&] {
    received = pair_.left->connection().received_bytes();
    pair_.right->receive();  // more than a socket holds
    pair_.left->receive();
    received = pair_.left->connection().received_bytes() - received;
    throw Interrupted{};
  };
  {
    std::vector<std::byte> out(5 << 20);
    EXPECT_THROW(blob.read(out, 0), Interrupted);
  }
  EXPECT_GT(received, 0u);
  EXPECT_LT(received, std::uint64_t{kBlobPieceBytes});
  EXPECT_TRUE(pair_.left->connection().is_within_message());
  objects_.on_wait = {};
  std::vector<std::byte> out(5 << 20);
  blob.read(out, 0);
  EXPECT_TRUE(out == *bytes_);
}

TEST_F(BlobTest, MemoryAtAnyAddressIsFilled) {
  const std::size_t size = 3 * kBlobPieceBytes;
  RemoteBlob blob(pair_.left, offer(size), objects_);
  for (const std::size_t shift : {1, 4, 8}) {
    std::vector<std::byte> memory(size + 16, std::byte{0xEE});
    blob.read(std::span(memory).subspan(shift, size), 0);
    EXPECT_TRUE(std::equal(bytes_->begin(), bytes_->end(), memory.begin() + shift)) << shift;
    EXPECT_EQ(memory[shift - 1], std::byte{0xEE});
    EXPECT_EQ(memory[shift + size], std::byte{0xEE});
  }
}

TEST_F(BlobTest, ThePeerMayAskForAnyPiece) {
  const auto blob = offer(1000);
  EXPECT_EQ(size_of(blob, 0, 1000), 1000u);
  EXPECT_EQ(size_of(blob, 0, 0), 0u);
  EXPECT_EQ(size_of(blob, 999, 10), 1u);
  EXPECT_EQ(size_of(blob, 1000, 10), 0u);
  EXPECT_EQ(size_of(blob, ~std::uint64_t{0}, ~std::uint32_t{0}), 0u);
}

TEST_F(BlobTest, NoPieceIsLargerThanTheLimit) {
  const auto blob = offer(kBlobPieceMax + 1000);
  EXPECT_EQ(size_of(blob, 0, ~std::uint32_t{0}), kBlobPieceMax);
}

TEST_F(BlobTest, OtherMethodsAreRefused) {
  const auto blob = offer(10);
  EXPECT_TRUE(ask(blob, 0, 1, capnp::typeId<wire::Blob>(), 1)->returned.error);
  EXPECT_TRUE(ask(blob, 0, 1, capnp::typeId<wire::Object>())->returned.error);
}

TEST_F(BlobTest, TheOwnerIsLetGoWithTheLastReference) {
  auto import = offer(10);
  EXPECT_EQ(bytes_.use_count(), 2);
  EXPECT_TRUE(pair_.right->has_transfers());
  import.reset();
  pair_.pump();
  EXPECT_EQ(bytes_.use_count(), 1);
  EXPECT_FALSE(pair_.right->has_transfers());
}

// A thread that sent the reply may still have a share of the blob, but not of the bytes.
TEST(Blob, ItsBytesGoWithThePeersHold) {
  auto owner = std::make_shared<std::vector<std::byte>>(100);
  const std::weak_ptr<std::vector<std::byte>> bytes = owner;
  const auto blob = std::make_shared<Blob>(BlobSource{*owner, owner});
  owner.reset();
  EXPECT_FALSE(bytes.expired());
  blob->released();
  EXPECT_TRUE(bytes.expired());
}

}  // namespace
}  // namespace cppipc::blob_test
