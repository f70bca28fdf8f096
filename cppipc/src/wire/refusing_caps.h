// SPDX-License-Identifier: Apache-2.0
#pragma once
// For values that travel without a session, such as the defaults of a description: plain data
// only, all of it inside the message.

#include "wire/caps.h"

namespace cppipc {

// Errors, every method: kInvalidArgument.
class RefusingOutgoingCaps final : public OutgoingCaps {
 public:
  capnp::Capability::Client object(const ObjectPtr&) override { refuse(); }
  std::array<std::uint8_t, 16> object_id(const ObjectPtr&) override { refuse(); }
  PlacedBlob blob(BlobSource) override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::kInvalidArgument, "an object cannot be the default of a parameter");
  }
};

// Errors, every method: kProtocol.
class RefusingIncomingCaps final : public IncomingCaps {
 public:
  ObjectPtr object(const capnp::Capability::Client&, std::string_view,
                   std::span<const std::uint8_t>) override {
    refuse();
  }
  std::unique_ptr<BlobReader> blob(const capnp::Capability::Client&) override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ErrorKind::kProtocol, "malformed message: plain data carries a capability");
  }
};

}  // namespace cppipc
