// SPDX-License-Identifier: Apache-2.0
#pragma once
// A client that asks and does not read.

#include <cstdint>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::test {

// Spoken by hand: asks for descriptions, and reads replies only where a test does.
class DeafClient {
 public:
  explicit DeafClient(LoopbackBroker& broker) : raw(broker.connect_raw()) {
    raw.bootstrap(0);
    raw.send([](RawSide::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(1);
      auto promised = call.initTarget().initPromisedAnswer();
      promised.setQuestionId(0);
      call.setInterfaceId(capnp::typeId<wire::Broker>());
      call.setMethodId(0);
      auto params = call.initParams().getContent().initAs<wire::Broker::OpenParams>();
      params.setProtocol(wire::PROTOCOL);
      params.setMessageBytes(8 << 20);
      params.setInlineBytes(1 << 20);
    });
  }
  // Sends as many calls as the socket takes, up to `most`; how many there were so far.
  std::uint32_t ask(std::uint32_t most) {
    raw.connection().flush();
    while (sent_ < most && !raw.connection().has_queued()) {
      raw.send([&](RawSide::Message::Builder m) {
        auto call = m.initCall();
        call.setQuestionId(2 + sent_++);
        auto promised = call.initTarget().initPromisedAnswer();
        promised.setQuestionId(1);
        promised.initTransform(1)[0].setGetPointerField(0);
        call.setInterfaceId(capnp::typeId<wire::Session>());
        call.setMethodId(0);  // describe, which has a long answer
        call.initParams().getContent().initAs<wire::Session::DescribeParams>();
      });
    }
    return sent_;
  }
  RawSide raw;

 private:
  std::uint32_t sent_ = 0;
};

}  // namespace cppipc::test
