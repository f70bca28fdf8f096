// SPDX-License-Identifier: Apache-2.0
#pragma once
// The reply to a call: a message that is read where it is, or the Variant that was made of it.

#include <cppipc/client.h>

#include <cppipc/broker.capnp.h>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "client/client_impl.h"
#include "rpc/peer.h"

namespace cppipc {

// Owns: the message. Threads: any.
class Reply final : public Result {
 public:
  // What the results of the call are.
  enum class Results { kOutcome, kNothing, kStats };

  // Takes the message of `returned`. Plain data stays in it; what has objects or bulk, or is an
  // array, is unmarshalled at once, which may block in ClientImpl::wait().
  // Errors: the fault it is; kProtocol; kOutOfMemory; what interrupts the wait, and then
  // `returned` is as it was.
  static std::shared_ptr<Reply> of(const std::shared_ptr<ClientImpl>& client, Returned& returned,
                                   Results results);
  // `value` lies in `message`, which `owner` keeps; it must have words of its own.
  Reply(capnp::MessageReader& message, std::shared_ptr<const void> owner,
        wire::Variant::Reader value);
  explicit Reply(Variant variant) : variant_(std::move(variant)) {}

  const ValueReader* reader() const override { return owner_ ? &reader_ : nullptr; }
  ValueReader::Value value() const override { return value_; }
  const Variant& variant() override;

 private:
  std::shared_ptr<const void> owner_;  // null if there is only the variant
  wire::Variant::Reader in_message_;   // without capabilities
  std::vector<ValueReader::Segment> segments_;
  ValueReader reader_;
  ValueReader::Value value_;
  std::mutex mutex_;
  std::optional<Variant> variant_;
};

}  // namespace cppipc
