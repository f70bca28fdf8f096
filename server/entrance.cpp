// SPDX-License-Identifier: Apache-2.0
#include "server/entrance.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <utility>

#include "server/access_options.h"
#include "server/descriptor_limit.h"
#include "server/tls_options.h"

namespace cppipc::server {
namespace {

// Half of the descriptors stay for sessions that are open.
std::size_t most_pending(const AccessOptions& options) {
  return std::clamp<std::uint64_t>(raise_descriptor_limit() / 2, 1, options.pending_connections);
}

bool is_tcp(const ListeningSocket& socket) {
  return std::visit([](const auto& one) { return one.address().is_tcp(); }, socket);
}

}  // namespace

Entrance::Entrance(boost::asio::io_context& loop, const Options& options, Log& log)
    : loop_(loop),
      options_(options),
      log_(log),
      pending_(loop, options.access.open_timeout(), most_pending(options.access),
               [this](std::uint64_t session, const std::string& reason) {
                 host_->end_pending(session, reason);
               }) {
  if (options_.access.has_tokens()) token_file_.emplace(options_.access.token_file);
  tls_ = load_tls(options_.tls, log_);
}

std::shared_ptr<const AccessTokens> Entrance::tokens() const {
  return token_file_ ? token_file_->tokens() : nullptr;
}

void Entrance::add_reloads(Reloads& reloads) {
  if (token_file_) {
    reloads.emplace_back("token file", [this] {
      log_.info("there are " + std::to_string(token_file_->reload()) + " access tokens");
    });
  }
  if (tls_) {
    reloads.emplace_back("certificate", [this] {
      tls_->reload();
      log_.info("tcp listeners have another " + tls_->summary());
      for (const std::string& warning : tls_->warnings()) log_.warning(warning);
    });
  }
}

void Entrance::listen() {
  for (const Address& address : options_.listen) {
    address.is_tcp() ? listen_tcp(address) : add(SocketFile(address));
  }
}

void Entrance::look_over() {
  const bool has_tcp = std::any_of(listeners_.begin(), listeners_.end(), [](const auto& listener) {
    return listener->address().is_tcp();
  });
  if (token_file_ && !has_tcp) {
    log_.warning(
        "nobody is asked for an access token (--token-file): that is for TCP, and nothing "
        "listens there");
  }
}

void Entrance::listen_tcp(const Address& address) {
  const bool is_local = is_loopback_only(options_.access, tls_ != nullptr);
  const Reach reach = is_local ? Reach::kLoopbackOnly : Reach::kAnybody;
  for (TcpSocket& socket : TcpSocket::listen(address, reach)) {
    warn_of(socket.address(), !socket.is_loopback());
    add(std::move(socket));
  }
}

void Entrance::take(PassedSocket socket) {
  if (socket.address().is_tcp()) {
    const bool is_far = socket.is_reachable_from_elsewhere();
    if (is_loopback_only(options_.access, tls_ != nullptr) &&
        (is_far || !options_.access.is_insecure_tcp)) {
      throw std::runtime_error("cannot use " + socket.text() +
                               ": over TCP anybody who can connect could use the server; " +
                               (is_far ? kOnlyLoopback
                                       : "give --token-file FILE, or --tls-cert and --tls-key, or "
                                         "--insecure-tcp to allow it all the same on loopback"));
    }
    warn_of(socket.address(), is_far);
  }
  add(std::move(socket));
}

void Entrance::warn_of(const Address& address, bool is_far) {
  if (!tls_) {
    if (!is_far) return;
    log_.warning("what crosses on " + address.text() +
                 " can be read on its way, access tokens too: there is no TLS");
  } else if (!token_file_ && options_.tls.client_authority_file.empty()) {
    log_.warning("whoever reaches " + address.text() +
                 " may use the server: it wants neither access tokens (--token-file) nor "
                 "certificates of its clients (--tls-client-ca)");
  }
}

void Entrance::add(ListeningSocket socket) {
  Admission admission;
  if (is_tcp(socket)) {
    admission.needs_token = token_file_.has_value();
    admission.tls = tls_;
  }
  listeners_.push_back(std::make_unique<Listener>(
      loop_, std::move(socket), ::geteuid(),
      [this, admission](OwnedFd accepted, const std::string& peer) {
        accept(std::move(accepted), peer, admission);
      },
      log_));
}

void Entrance::accept(OwnedFd socket, const std::string& peer, const Admission& admission) {
  pending_.began(host_->adopt(socket.release(), peer, admission));
}

std::vector<std::string> Entrance::addresses() const {
  std::vector<std::string> texts;
  for (const auto& listener : listeners_) {
    std::string text = listener->address().text();
    // A name with several addresses has several listeners.
    if (texts.empty() || texts.back() != text) texts.push_back(std::move(text));
  }
  return texts;
}

void Entrance::start(Host& host) {
  host_ = &host;
  for (const auto& listener : listeners_) listener->start();
}

void Entrance::close() {
  for (const auto& listener : listeners_) listener->close();
  pending_.close();  // the host is about to go
}

void Entrance::settled(std::uint64_t session) {
  // Posted, since it may come before adopt() has returned the session's number.
  boost::asio::post(loop_, [this, session] { pending_.settled(session); });
}

}  // namespace cppipc::server
