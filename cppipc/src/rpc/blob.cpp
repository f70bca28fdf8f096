// SPDX-License-Identifier: Apache-2.0
#include "rpc/blob.h"

#include <cppipc/broker.capnp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "rpc/incoming.h"
#include "rpc/peer.h"
#include "rpc/waiter.h"

namespace cppipc {
namespace {

// Pieces on the way at one time: one being copied at either end and one on the wire.
constexpr std::size_t kPiecesOnTheWay = 3;

constexpr std::uint16_t kReadMethod = 0;

struct PieceReply final : PendingReply {
  void on_return(Returned reply) override {
    returned = std::move(reply);
    waiter.finish();
  }
  Waiter waiter;
  Returned returned;
};

}  // namespace

void Blob::call(IncomingCall call) {
  if (call.interface_id() != capnp::typeId<wire::Blob>() || call.method_id() != kReadMethod) {
    return call.fail("a blob can only be read", true);
  }
  const auto params = call.params().getAs<wire::Blob::ReadParams>();
  const BlobSource source = this->source();
  const std::uint64_t begin = std::min<std::uint64_t>(params.getOffset(), source.bytes.size());
  const std::uint64_t length =
      std::min<std::uint64_t>({params.getLength(), kBlobPieceMax, source.bytes.size() - begin});
  auto reply = call.begin_reply(length / sizeof(capnp::word) + 8);
  const auto piece = source.bytes.subspan(begin, length);
  reply.results<wire::Blob::ReadResults>().setData(
      {reinterpret_cast<const kj::byte*>(piece.data()), piece.size()});
  call.reply(std::move(reply));
}

BlobSource Blob::source() const {
  std::lock_guard lock(mutex_);
  return source_;
}

void Blob::released() {
  BlobSource source;
  Charge charge;
  std::lock_guard lock(mutex_);
  if (place_.arena == 0) std::swap(source, source_);
  charge = std::move(charge_);
}

void RemoteBlob::read(std::span<std::byte> out, std::uint64_t begin) {
  std::array<std::shared_ptr<PieceReply>, kPiecesOnTheWay> replies;
  const std::uint64_t pieces = (out.size() + kBlobPieceBytes - 1) / kBlobPieceBytes;
  const auto ask = [&](std::uint64_t piece) {
    const std::uint64_t offset = piece * kBlobPieceBytes;
    auto call = peer_->begin_call(import_, capnp::typeId<wire::Blob>(), kReadMethod, 16);
    auto params = call.params<wire::Blob::ReadParams>();
    params.setOffset(begin + offset);
    params.setLength(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlobPieceBytes, out.size() - offset)));
    auto& reply = replies[piece % kPiecesOnTheWay];
    reply = std::make_shared<PieceReply>();
    peer_->send(std::move(call), reply, Connection::Flush::kNow);
  };
  for (std::uint64_t piece = 0; piece < std::min<std::uint64_t>(pieces, kPiecesOnTheWay); ++piece) {
    ask(piece);
  }
  for (std::uint64_t piece = 0; piece < pieces; ++piece) {
    const auto reply = replies[piece % kPiecesOnTheWay];
    objects_.wait(reply->waiter);
    if (reply->returned.error) throw *reply->returned.error;
    const std::uint64_t offset = piece * kBlobPieceBytes;
    const auto wanted = std::min<std::uint64_t>(kBlobPieceBytes, out.size() - offset);
    const auto data = reply->returned.content().getAs<wire::Blob::ReadResults>().getData();
    if (data.size() != wanted) {
      throw Error(ErrorKind::kProtocol, "the peer announced more bytes than it has");
    }
    std::memcpy(out.data() + offset, data.begin(), wanted);
    if (piece + kPiecesOnTheWay < pieces) ask(piece + kPiecesOnTheWay);
  }
  objects_.count_bulk(out.size());
}

}  // namespace cppipc
