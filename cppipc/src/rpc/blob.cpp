// SPDX-License-Identifier: Apache-2.0
#include "rpc/blob.h"

#include <cppipc/broker.capnp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "rpc/incoming.h"
#include "rpc/landing.h"
#include "rpc/peer.h"
#include "rpc/waited_reply.h"

namespace cppipc {
namespace {

// Pieces on the way at one time: one being copied at either end and one on the wire.
constexpr std::size_t kPiecesOnTheWay = 3;

// Fewer bytes cost less to copy into a message than to refer to.
constexpr std::uint64_t kReferredBytes = 64 << 10;

constexpr std::uint16_t kReadMethod = 0;

// Bytes that can be a segment of a message.
bool is_of_words(std::span<const std::byte> bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(capnp::word) == 0 &&
         bytes.size() % sizeof(capnp::word) == 0;
}

struct PieceReply final : WaitedReply {
  explicit PieceReply(std::span<std::byte> to)
      : landing_bytes(is_of_words(to) ? to.size() : 0), place(std::make_shared<Landing>()) {
    place->offer(to);
  }
  std::shared_ptr<Landing> landing(std::size_t size_bytes) override {
    return size_bytes == landing_bytes ? place : nullptr;
  }

  const std::size_t landing_bytes;  // 0: into memory of their own
  const std::shared_ptr<Landing> place;
};

// What is on the way when a reader gives up must not arrive where its memory was.
struct PiecesOnTheWay {
  std::array<std::shared_ptr<PieceReply>, kPiecesOnTheWay> replies;
  ~PiecesOnTheWay() {
    for (const auto& reply : replies) {
      if (reply) reply->place->withdraw();
    }
  }
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
  const auto piece = source.bytes.subspan(begin, length);
  const bool is_referred_to = length >= kReferredBytes && is_of_words(piece);
  auto reply = call.begin_reply(is_referred_to ? 16 : length / sizeof(capnp::word) + 8);
  auto results = reply.results<wire::Blob::ReadResults>();
  if (is_referred_to) {
    results.adoptData(reply.message().refer_to(piece, source.owner));
  } else {
    results.setData({reinterpret_cast<const kj::byte*>(piece.data()), piece.size()});
  }
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
  PiecesOnTheWay on_the_way;
  auto& replies = on_the_way.replies;
  const std::uint64_t pieces = (out.size() + kBlobPieceBytes - 1) / kBlobPieceBytes;
  const auto ask = [&](std::uint64_t piece) {
    const std::uint64_t offset = piece * kBlobPieceBytes;
    auto call = peer_->begin_call(import_, capnp::typeId<wire::Blob>(), kReadMethod, 16);
    auto params = call.params<wire::Blob::ReadParams>();
    params.setOffset(begin + offset);
    const auto length = std::min<std::uint64_t>(kBlobPieceBytes, out.size() - offset);
    params.setLength(static_cast<std::uint32_t>(length));
    auto& reply = replies[piece % kPiecesOnTheWay];
    reply = std::make_shared<PieceReply>(out.subspan(offset, length));
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
    // It may have been received where it belongs.
    std::byte* const place = out.data() + offset;
    if (wanted != 0 && reinterpret_cast<const std::byte*>(data.begin()) != place) {
      std::memmove(place, data.begin(), wanted);
    }
    if (piece + kPiecesOnTheWay < pieces) ask(piece + kPiecesOnTheWay);
  }
  objects_.count_bulk(out.size());
}

}  // namespace cppipc
