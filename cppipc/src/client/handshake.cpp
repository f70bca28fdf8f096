// SPDX-License-Identifier: Apache-2.0
// The first calls of a client: bootstrap, open, describe.
#include <cppipc/broker.capnp.h>

#include <kj/exception.h>
#include <string.h>
#include <algorithm>
#include <array>
#include <charconv>

#include "client/client_impl.h"
#include "memory/arena.h"
#include "rpc/waited_reply.h"
#include "wire/guard.h"

namespace cppipc {
namespace {

// As a user would write it: "1", "0.25"; in no locale.
std::string text_of(double seconds) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), seconds).ptr;
  return {digits.data(), end};
}

Returned await(Driver& driver, WaitedReply& reply, Driver::Clock::time_point until,
               const ConnectOptions& options) {
  if (!driver.wait(reply.waiter, until, options.on_interrupt)) {
    throw Error(ErrorKind::kTimeout,
                "the other side accepted the connection but did not answer within " +
                    text_of(options.timeout_s) + " s; is it a unity_server?");
  }
  if (!reply.returned.error) return std::move(reply.returned);
  const Error& error = *reply.returned.error;
  if (error.kind() != ErrorKind::kRemote) throw error;
  throw Error(ErrorKind::kProtocol,
              std::string("the other side is no server of ours: ") + error.what());
}

std::shared_ptr<Import> import_at(const Returned& returned, std::size_t index) {
  if (index < returned.caps.size()) {
    if (const auto* import = std::get_if<std::shared_ptr<Import>>(&returned.caps[index])) {
      return *import;
    }
  }
  throw Error(ErrorKind::kProtocol, "the other side offers no broker; is it a unity_server?");
}

// An arena whose descriptor is sent to find out whether descriptors arrive. Null where there are no
// arenas: without memfds, or descriptors to spare.
std::shared_ptr<Arena> make_probe() {
  try {
    return Arena::make(1);
  } catch (const Error&) {  // then nothing is shared, and all bytes cross by value
    return nullptr;
  }
}

}  // namespace

Returned ClientImpl::ask(Peer::CallBuilder call, Driver::Clock::time_point until, int descriptor) {
  const auto reply = std::make_shared<WaitedReply>();
  driver_->send(std::move(call), reply, true, descriptor);
  return await(*driver_, *reply, until, options_);
}

std::shared_ptr<WaitedReply> ClientImpl::send_open(std::uint32_t bootstrap) {
  auto call = peer_->begin_call_on_answer(bootstrap, capnp::typeId<wire::Broker>(), 0, 32);
  auto params = call.params<wire::Broker::OpenParams>();
  params.setProtocol(wire::PROTOCOL);
  params.setMessageBytes(options_.message_bytes);
  params.setInlineBytes(options_.inline_bytes);
  const auto probe = options_.shares_memory ? make_probe() : nullptr;
  if (probe) {
    params.setMemory(call.message().add(share_->servant()).castAs<wire::Memory>());
    params.setProbe(probe->inode());
  }
  const std::string& token = options_.access_token;
  if (!token.empty()) {
    params.setToken({reinterpret_cast<const capnp::byte*>(token.data()), token.size()});
  }
  params.setFollower(
      call.message().add(std::shared_ptr<Exported>(offers_)).castAs<wire::Follower>());
  auto reply = std::make_shared<WaitedReply>();
  driver_->send(std::move(call), reply, true, probe ? probe->fd() : -1);
  return reply;
}

void ClientImpl::opened(Returned returned) {
  const auto results = returned.content().getAs<wire::Broker::OpenResults>();
  if (results.hasFault()) {
    const auto fault = results.getFault();
    const auto text = fault.getMessage().asChars();
    throw Error(kind_of(fault.getKind()),
                std::string(text.begin(), text.size()) + " (" + address_ + ")");
  }
  session_ = import_at(returned, 0);
  const auto welcome = results.getWelcome();
  if (welcome.getProtocol() != wire::PROTOCOL) {
    throw Error(ErrorKind::kProtocol, "the server speaks protocol " +
                                          std::to_string(welcome.getProtocol()) + ", this client " +
                                          std::to_string(wire::PROTOCOL));
  }
  server_pid_ = welcome.getServerPid();
  const auto id = welcome.getServerId();
  if (id.size() != server_id_.size()) {
    throw Error(ErrorKind::kProtocol, "the server sent an id of a wrong length");
  }
  std::copy(id.begin(), id.end(), server_id_.begin());
  offers_->set_server({id.asChars().begin(), id.size()});
  const auto hash = welcome.getDescriptionHash().asChars();
  is_described_ = offers_->take_known({hash.begin(), hash.size()}, welcome.getDescriptionVersion());
  limits_.message_bytes = std::min<std::uint64_t>(limits_.message_bytes, welcome.getMessageBytes());
  limits_.inline_bytes = std::min<std::uint64_t>(limits_.inline_bytes, welcome.getInlineBytes());
  peer_->connection().set_message_bytes(limits_.message_bytes);
  share_memory(returned);
}

void ClientImpl::share_memory(const Returned& returned) {
  // The server offers its memory behind the session if the probe has arrived.
  if (returned.caps.size() < 2) return;
  share_->open(peer_, import_at(returned, 1));
  limits_.pool = share_->pool();
  limits_.inline_bytes = std::min(limits_.inline_bytes, kSharedInlineBytes);
}

void ClientImpl::fetch_description(Driver::Clock::time_point until) {
  auto call = peer_->begin_call(session_, capnp::typeId<wire::Session>(), 0, 16);
  call.params<wire::Session::DescribeParams>();
  auto returned = ask(std::move(call), until);
  const auto results = returned.content().getAs<wire::Session::DescribeResults>();
  offers_->take(results.getDescription(), results.getHash(), results.getVersion());
}

void ClientImpl::open() {
  std::weak_ptr<ClientImpl> weak = std::static_pointer_cast<ClientImpl>(shared_from_this());
  references_->set_client(weak);
  driver_ = std::make_shared<Driver>(peer_, poller_, [weak, peer = peer_](const Error& error) {
    if (const auto self = weak.lock()) {
      self->ended(error);
    } else {
      peer->disconnect(error);
    }
  });
  const auto until = Driver::after(options_.timeout_s);
  try {
    // Both at once: the second is a call on what the first will be answered with.
    const auto bootstrap = std::make_shared<WaitedReply>();
    const auto open = send_open(peer_->ask_bootstrap(bootstrap, Connection::Flush::kLater));
    // Not before: its watcher could take the first answer, and finish with the question that the
    // second one is about to name.
    driver_->start();
    const auto broker = import_at(await(*driver_, *bootstrap, until, options_), 0);
    opened(await(*driver_, *open, until, options_));
    if (!is_described_) fetch_description(until);
    ::explicit_bzero(options_.access_token.data(), options_.access_token.size());
    options_.access_token.clear();
    is_open_ = true;
  } catch (const kj::Exception& broken) {
    close();
    throw Error(ErrorKind::kProtocol,
                std::string("the other side answered nonsense: ") + broken.getDescription().cStr());
  } catch (...) {
    close();
    throw;
  }
}

}  // namespace cppipc
