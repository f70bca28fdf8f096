// SPDX-License-Identifier: Apache-2.0
#include "client/reply.h"

#include <cppipc/broker.capnp.h>

#include <capnp/any.h>
#include <kj/exception.h>

#include <functional>
#include <string>

#include "wire/refusing_caps.h"

namespace cppipc {
namespace {

template <class Read>
auto without_exceptions_of_capnp(Read&& read) {
  try {
    return read();
  } catch (const kj::Exception& broken) {
    throw Error(ErrorKind::kProtocol, std::string("the server sent a malformed reply: ") +
                                          broken.getDescription().cStr());
  }
}

// The results of create, run and Object.call have one shape. Errors: the fault, if it is one; what
// keeps its text from being read.
wire::Variant::Reader value_in(capnp::AnyPointer::Reader content, IncomingCaps& caps) {
  const auto outcome = content.getAs<wire::Session::RunResults>().getOutcome();
  if (outcome.isFault()) throw unmarshal(outcome.getFault(), caps);
  return outcome.getValue();
}

// Where a value lies; null words if it is not laid out as a reader wants it.
ValueReader::Value place_of(wire::Variant::Reader value) {
  const capnp::AnyStruct::Reader any = value;
  const auto data = any.getDataSection();
  if (data.size() < 16 || any.getPointerSection().size() == 0) return {};
  return {reinterpret_cast<const std::uint64_t*>(data.begin()), 0,
          static_cast<std::uint32_t>(data.size() / 8)};
}

// The values for which a Variant costs less than a reader of the message.
std::optional<Variant> number_of(wire::Variant::Reader value) {
  switch (value.which()) {
    case wire::Variant::NULL_:
      return Variant();
    case wire::Variant::BOOL:
      return Variant(value.getBool());
    case wire::Variant::INT:
      return Variant(std::int64_t{value.getInt()});
    case wire::Variant::FLOAT:
      return Variant(value.getFloat());
    default:
      return std::nullopt;
  }
}

// A message of words that somebody else owns.
struct OneSegment {
  OneSegment(kj::ArrayPtr<const capnp::word> words, const capnp::ReaderOptions& options)
      : segment(words), reader(kj::arrayPtr(&segment, 1), options) {}
  kj::ArrayPtr<const capnp::word> segment;
  capnp::SegmentArrayMessageReader reader;
};

}  // namespace

std::shared_ptr<Reply> Reply::of(const std::shared_ptr<ClientImpl>& client, Returned& returned,
                                 Results results) {
  if (results == Results::kNothing) return std::make_shared<Reply>(Variant());
  return without_exceptions_of_capnp([&] {
    if (results == Results::kOutcome && returned.caps.empty()) {
      RefusingIncomingCaps no_caps;
      const wire::Variant::Reader value = value_in(returned.content(), no_caps);
      if (const auto number = number_of(value)) return std::make_shared<Reply>(*number);
      const bool is_plain = !value.isArray() && place_of(value).words != nullptr;
      if (is_plain) {
        const std::shared_ptr<IncomingMessage> message = std::move(returned.message);
        return std::make_shared<Reply>(message->reader(), message, value);
      }
    }
    IncomingMessageCaps caps(client->peer_, returned.caps, *client);
    const auto content = caps.imbue(returned.content());
    if (results == Results::kStats) {
      const auto stats = content.getAs<wire::Session::StatsResults>().getStats();
      return std::make_shared<Reply>(unmarshal(stats, caps));
    }
    return std::make_shared<Reply>(unmarshal(value_in(content, caps), caps));
  });
}

Reply::Reply(capnp::MessageReader& message, std::shared_ptr<const void> owner,
             wire::Variant::Reader value)
    : owner_(std::move(owner)), in_message_(value), value_(place_of(value)) {
  for (unsigned id = 0;; ++id) {
    const auto words = message.getSegment(id);
    if (words.begin() == nullptr) break;
    const ValueReader::Segment segment{reinterpret_cast<const std::uint64_t*>(words.begin()),
                                       words.size()};
    const auto* end = segment.data() + segment.size();
    if (std::less_equal<>()(segment.data(), value_.words) && std::less<>()(value_.words, end)) {
      value_.segment = id;
    }
    segments_.push_back(segment);
  }
  reader_ = ValueReader(segments_);
}

const Variant& Reply::variant() {
  std::lock_guard lock(mutex_);
  if (!variant_) {
    // There are none: with capabilities the variant was made at once.
    RefusingIncomingCaps caps;
    variant_ = unmarshal(in_message_, caps);
  }
  return *variant_;
}

std::shared_ptr<Result> open_message(std::span<const std::uint64_t> words) {
  return without_exceptions_of_capnp([&]() -> std::shared_ptr<Result> {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 4 * words.size() + 1024;
    options.nestingLimit = kNestingLimit;
    const kj::ArrayPtr<const capnp::word> segment(
        reinterpret_cast<const capnp::word*>(words.data()), words.size());
    auto message = std::make_shared<OneSegment>(segment, options);
    const auto values = message->reader.getRoot<wire::Arguments>().getValues();
    if (values.size() == 0) throw Error(ErrorKind::kProtocol, "the message has no value");
    const wire::Variant::Reader value = values[0];
    if (place_of(value).words == nullptr) {
      RefusingIncomingCaps caps;
      return std::make_shared<Reply>(unmarshal(value, caps));
    }
    return std::make_shared<Reply>(message->reader, message, value);
  });
}

}  // namespace cppipc
