// SPDX-License-Identifier: Apache-2.0
// Bytes that wait for room in a socket are kept by whoever owns them, and that may be the last
// thing that keeps it. Spoken by hand, as an ordinary client reads at once.
#include <cppipc/registry.h>
#include <poll.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "support/loopback.h"
#include "support/peers.h"

namespace cppipc::sent_owners_test {
namespace {

using namespace cppipc::test;

constexpr std::size_t kPixels = 4 << 20;
constexpr std::uint32_t kOpen = 1, kRun = 2, kRead = 3;
constexpr std::uint32_t kFunction = 7;  // what the client exports

// Has pixels, and a function of a client, which goes back to that at its end.
struct Portrait {
  std::function<void()> function;
  std::vector<std::byte> pixels = std::vector<std::byte>(kPixels);
};
std::weak_ptr<Portrait> painted;

Variant paint(std::function<void()> function) {
  auto portrait = std::make_shared<Portrait>();
  portrait->function = std::move(function);
  AnyArray array = make_array(DType::of<std::uint8_t>(), {kPixels});
  array.data = portrait->pixels.data();
  painted = portrait;
  array.owner = std::move(portrait);
  return Variant(std::move(array));
}

Registry painting(Stage&) {
  Registry registry;
  registry.function("paint", &paint, arg("function"));
  return registry;
}

class PaintersClient {
 public:
  explicit PaintersClient(Descriptor socket) : raw_(std::move(socket)) {
    shrink_buffers(raw_.connection().fd());
    raw_.bootstrap(0);
    send(kOpen, capnp::typeId<wire::Broker>(), 0, [](capnp::rpc::Call::Builder call) {
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      auto params = call.initParams().getContent().initAs<wire::Broker::OpenParams>();
      params.setProtocol(wire::PROTOCOL);
      params.setMessageBytes(8 << 20);
      params.setInlineBytes(64 << 10);
    });
    session_ = export_in(answer(kOpen));
  }

  // Has a portrait painted, whose bytes are an export of the server's from then on.
  void run() {
    send(kRun, capnp::typeId<wire::Session>(), 2, [this](capnp::rpc::Call::Builder call) {
      call.initTarget().setImportedCap(session_);
      auto payload = call.initParams();
      capnp::BuilderCapabilityTable table;
      auto params = table.imbue(payload.getContent()).initAs<wire::Session::RunParams>();
      params.initCall().setId(1);
      params.setFunction("paint");
      auto reference = params.initArguments().initValues(1)[0].initObject();
      reference.setType("function");
      std::memset(reference.initId(16).begin(), 1, 16);
      reference.setObject(
          capnp::Capability::Client(capnp::newBrokenCap("a function")).castAs<wire::Object>());
      payload.initCapTable(1)[0].setSenderHosted(kFunction);
    });
    bytes_ = export_in(answer(kRun));
  }

  // Asks for all bytes, of which the socket takes a few, and lets go of everything.
  void ask_and_let_go() {
    send(kRead, capnp::typeId<wire::Blob>(), 0, [this](capnp::rpc::Call::Builder call) {
      call.initTarget().setImportedCap(bytes_);
      call.initParams().getContent().initAs<wire::Blob::ReadParams>().setLength(kPixels);
    });
    EXPECT_TRUE(eventually([this] {  // the answer has begun
      pollfd socket{raw_.connection().fd(), POLLIN, 0};
      return ::poll(&socket, 1, 0) == 1;
    }));
    raw_.finish(kRead);
    raw_.finish(kRun);
    raw_.release(bytes_, 1);
  }

  // Reads until the server lets go of the function; false if it never does.
  bool gets_function_back() {
    return eventually([this] {
      while (auto message = raw_.next()) {
        const auto root = RawSide::root(message);
        if (root.isRelease() && root.getRelease().getId() == kFunction) return true;
      }
      return false;
    });
  }

 private:
  template <class Fill>
  void send(std::uint32_t question, std::uint64_t interface_id, std::uint16_t method, Fill&& fill) {
    raw_.send([&](RawSide::Message::Builder message) {
      auto call = message.initCall();
      call.setQuestionId(question);
      call.setInterfaceId(interface_id);
      call.setMethodId(method);
      fill(call);
    });
  }
  std::unique_ptr<IncomingMessage> answer(std::uint32_t question) {
    std::unique_ptr<IncomingMessage> found;
    EXPECT_TRUE(eventually([&] {
      raw_.connection().flush();
      while ((found = raw_.next()) != nullptr) {
        const auto root = RawSide::root(found);
        if (root.isReturn() && root.getReturn().getAnswerId() == question) return true;
      }
      return false;
    }));
    return found;
  }
  static std::uint32_t export_in(const std::unique_ptr<IncomingMessage>& message) {
    return RawSide::root(message).getReturn().getResults().getCapTable()[0].getSenderHosted();
  }

  RawSide raw_;
  std::uint32_t session_ = 0;
  std::uint32_t bytes_ = 0;
};

class SentOwnersTest : public BrokerTest {};

TEST_F(SentOwnersTest, TheLastOwnerOfBytesMaySendSomethingAtItsEnd) {
  LoopbackBroker broker({}, {}, &painting);
  PaintersClient client(broker.connect_raw());
  client.run();
  client.ask_and_let_go();
  ASSERT_TRUE(eventually([] { return painted.use_count() == 1; }));  // the bytes that wait
  EXPECT_TRUE(client.gets_function_back());
  EXPECT_TRUE(painted.expired());
}

}  // namespace
}  // namespace cppipc::sent_owners_test
