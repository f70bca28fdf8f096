// SPDX-License-Identifier: Apache-2.0
// A session made of an input's bytes: mostly in order, so that it gets past the first check.

#pragma once

#include <cppipc/broker.capnp.h>

#include <capnp/capability.h>
#include <capnp/rpc.capnp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "fuzz/session_wire.h"

namespace cppipc::fuzz {

// Numbers out of an input; zeros when it is used up.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool is_empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint32_t below(std::uint32_t limit) { return byte() % limit; }
  std::span<const std::uint8_t> take(std::size_t most) {
    const auto taken = bytes_.first(std::min(most, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Calls made of an input.
class Script {
 public:
  Script(Wire& wire, Input input) : wire_(wire), input_(input) {}

  void run() {
    open();
    while (!input_.is_empty() && !wire_.is_ended()) step();
  }

 private:
  static constexpr std::array kTypes{"Counter", "Probe", "Holder", "VariantMap", "Nothing"};
  static constexpr std::array kMethods{"add",  "increment", "value", "value=", "add_from", "swap",
                                       "plus", "itself",    "many",  "tree",   "hold",     "get",
                                       "drop", "peek",      "poke",  "keys",   "nothing"};
  static constexpr std::array kFunctions{"echo",        "fail",     "block",
                                         "demo_addone", "pagerank", "nothing"};
  static constexpr std::uint32_t kBootstrap = 0, kOpen = 1;

  template <class Fill>
  void send(Fill&& fill) {
    capnp::MallocMessageBuilder message;
    fill(message.initRoot<rpc::Message>());
    wire_.write(message);
  }
  void open() {
    for (const auto question : {kBootstrap, kOpen}) {
      wire_.asked(question);
      open_.push_back(question);
    }
    send([](rpc::Message::Builder m) { m.initBootstrap().setQuestionId(kBootstrap); });
    send([](rpc::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(kOpen);
      call.initTarget().initPromisedAnswer().setQuestionId(kBootstrap);
      call.setInterfaceId(capnp::typeId<wire::Broker>());
      auto params = call.initParams().getContent().initAs<wire::Broker::OpenParams>();
      params.setProtocol(wire::PROTOCOL);
      params.setMessageBytes(1 << 20);
      params.setInlineBytes(1 << 10);
    });
  }

  void step() {
    switch (input_.below(14)) {
      case 0:
      case 1:
        return create();
      case 2:
      case 3:
        return run_function();
      case 4:
      case 5:
      case 6:
        return call_object();
      case 7:
        return plain_session_call();
      case 8:
        return finish();
      case 9:
        return release();
      case 10:
        return cancel();
      case 11:
      case 12:
        return wire_.wait_for_answers();
      default:
        return oddity();
    }
  }

  // Once in a while something is out of order.
  bool is_odd() { return input_.below(256) >= 252; }
  std::uint32_t next_question() {
    if (is_odd()) return input_.byte();
    open_.push_back(++last_question_);
    wire_.asked(last_question_);
    return last_question_;
  }
  // One that was not finished with.
  std::uint32_t open_question() {
    return is_odd() || open_.empty() ? input_.byte() : open_[input_.below(size_of(open_))];
  }
  // Something of the host's that we hold.
  std::uint32_t held_export() {
    if (is_odd() || wire_.held.empty()) return input_.below(4);
    auto chosen = wire_.held.begin();
    std::advance(chosen, input_.below(size_of(wire_.held)));
    return chosen->first;
  }
  template <class Container>
  static std::uint32_t size_of(const Container& container) {
    return static_cast<std::uint32_t>(container.size());
  }

  void to_session(rpc::Call::Builder call, std::uint16_t method) {
    call.setQuestionId(next_question());
    auto promised = call.initTarget().initPromisedAnswer();
    promised.setQuestionId(kOpen);
    promised.initTransform(1)[0].setGetPointerField(0);
    call.setInterfaceId(capnp::typeId<wire::Session>());
    call.setMethodId(method);
  }
  void to_object(rpc::Call::Builder call) {
    if (input_.below(2) == 0 && !wire_.held.empty()) {
      call.initTarget().setImportedCap(held_export());
    } else {
      auto promised = call.initTarget().initPromisedAnswer();
      promised.setQuestionId(open_question());
      auto path = promised.initTransform(input_.below(8) == 7 ? input_.below(6) : 4);
      for (auto step : path) step.setGetPointerField(0);
    }
    call.setQuestionId(next_question());
    call.setInterfaceId(capnp::typeId<wire::Object>());
  }
  void fill_info(wire::CallInfo::Builder info) {
    info.setId(input_.below(16) == 15 ? input_.byte() : ++last_call_);
    if (input_.below(8) == 7) info.setChain(input_.byte());
    if (input_.below(8) == 7) info.setTimeoutUs(1 + input_.below(200));
  }
  void fill_arguments(wire::Arguments::Builder arguments) {
    for (auto value : arguments.initValues(input_.below(3))) fill_value(value, 0);
    if (input_.below(8) == 7) arguments.initNames(1).set(0, "x");
  }
  void fill_value(wire::Variant::Builder value, int depth) {
    switch (input_.below(depth < 4 ? 10 : 5)) {
      case 0:
        return value.setNull();
      case 1:
        return value.setBool(true);
      case 2:
        return value.setInt(static_cast<std::int8_t>(input_.byte()));
      case 3:
        return value.setFloat(input_.byte() / 4.0);
      case 4:
        return value.setStr("text");
      case 5: {
        for (auto item : value.initList(input_.below(4))) fill_value(item, depth + 1);
        return;
      }
      case 6: {
        for (auto item : value.initDict(input_.below(3) * 2)) fill_value(item, depth + 1);
        return;
      }
      case 7: {
        auto large = value.initLargeStr();
        large.setSize(input_.byte() * 1024);
        return large.setBlob(placeholder().castAs<wire::Blob>());
      }
      default: {
        auto reference = value.initObject();
        reference.setType("Probe");
        reference.initId(16);
        return reference.setObject(placeholder().castAs<wire::Object>());
      }
    }
  }
  static capnp::Capability::Client placeholder() {
    return capnp::Capability::Client(capnp::newBrokenCap("a placeholder is never called"));
  }
  // One entry for each capability that was put in, or one less.
  void fill_table(rpc::Payload::Builder payload, capnp::BuilderCapabilityTable& table) {
    auto count = static_cast<std::uint32_t>(table.getTable().size());
    if (count > 0 && input_.below(16) == 15) --count;
    for (auto descriptor : payload.initCapTable(count)) fill_cap(descriptor);
  }
  void fill_cap(rpc::CapDescriptor::Builder descriptor) {
    switch (input_.below(wire_.held.empty() ? 3 : 7)) {
      case 0:
        return descriptor.setNone();
      case 1:
        return descriptor.setSenderHosted(input_.below(4));
      case 2:
        return descriptor.setSenderPromise(input_.below(4));
      case 3:
      case 4:
        return descriptor.setReceiverHosted(held_export());
      default: {
        auto promised = descriptor.initReceiverAnswer();
        promised.setQuestionId(open_question());
        for (auto step : promised.initTransform(4)) step.setGetPointerField(0);
      }
    }
  }

  void create() {
    send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      to_session(call, 1);
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Session::CreateParams>();
      fill_info(params.initCall());
      params.setType(kTypes[input_.below(kTypes.size())]);
      fill_arguments(params.initArguments());
      fill_table(payload, table);
    });
  }
  void run_function() {
    send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      to_session(call, 2);
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Session::RunParams>();
      fill_info(params.initCall());
      params.setFunction(kFunctions[input_.below(kFunctions.size())]);
      fill_arguments(params.initArguments());
      fill_table(payload, table);
    });
  }
  void call_object() {
    send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      to_object(call);
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Object::CallParams>();
      fill_info(params.initCall());
      params.setMethod(kMethods[input_.below(kMethods.size())]);
      fill_arguments(params.initArguments());
      fill_table(payload, table);
    });
  }
  void plain_session_call() {
    send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      const auto method = static_cast<std::uint16_t>(input_.below(8));
      to_session(call, method);
      capnp::BuilderCapabilityTable table;
      auto content = table.imbue(call.initParams().getContent());
      if (method == 6) {
        auto params = content.initAs<wire::Session::SaveParams>();
        params.setObject(placeholder().castAs<wire::Object>());
        params.setIsOnce(input_.below(2) == 1);
      } else if (method == 7) {
        const auto token = input_.take(16);
        content.initAs<wire::Session::RestoreParams>().setToken({token.data(), token.size()});
      } else {
        content.initAs<wire::Session::PingParams>();
      }
      fill_table(call.getParams(), table);
    });
  }
  void finish() {
    const auto question = open_question();
    if (question == kOpen && !is_odd()) return;  // or the session is over
    std::erase(open_, question);
    send([&](rpc::Message::Builder m) {
      auto finish = m.initFinish();
      finish.setQuestionId(question);
      // An answer that is on its way is counted when it comes.
      finish.setReleaseResultCaps(wire_.unanswered.contains(question));
    });
  }
  void release() {
    if (wire_.held.empty()) return;
    const auto id = held_export();
    auto& references = wire_.held[id];
    const std::uint32_t count = is_odd() ? input_.byte() : references;
    wire_.held.erase(id);
    send([&](rpc::Message::Builder m) {
      auto release = m.initRelease();
      release.setId(id);
      release.setReferenceCount(count);
    });
  }
  void cancel() {
    send([&](rpc::Message::Builder m) {
      auto call = m.initCall();
      to_session(call, 3);
      auto params = call.initParams().getContent().initAs<wire::Session::CancelParams>();
      params.setId(input_.byte());
    });
  }
  void oddity() {
    send([&](rpc::Message::Builder m) {
      switch (input_.below(6)) {
        case 0:
          return m.initResolve().initCap().setSenderHosted(input_.byte());
        case 1: {
          auto disembargo = m.initDisembargo();
          auto promised = disembargo.initTarget().initPromisedAnswer();
          promised.setQuestionId(open_question());
          return disembargo.getContext().setSenderLoopback(1);
        }
        case 2:
          return m.initReturn().setAnswerId(input_.byte());
        case 3:
          return m.initProvide().setQuestionId(input_.byte());
        case 4: {
          auto header = m.initReturn();
          header.setAnswerId(input_.below(4));
          header.initException().setReason("no");
          return;
        }
        default:
          return m.initBootstrap().setQuestionId(next_question());
      }
    });
  }

  Wire& wire_;
  Input input_;
  std::uint32_t last_question_ = kOpen;
  std::vector<std::uint32_t> open_;  // questions that were not finished with
  std::uint64_t last_call_ = 0;
};

}  // namespace cppipc::fuzz
