// SPDX-License-Identifier: Apache-2.0
#include "server/status.h"

#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace cppipc::server {
namespace {

constexpr char kRefusal[] =
    "the status page shows who is connected, to whoever asks; without --status-anywhere it is "
    "for loopback addresses only (127.0.0.0/8, [::1], localhost)";

}  // namespace

Status::Status(boost::asio::io_context& loop, const StatusOptions& options, Log& log,
               std::function<std::vector<std::string>()> addresses)
    : loop_(loop), options_(options), log_(log), addresses_(std::move(addresses)) {}

Status::~Status() = default;

void Status::take(PassedSocket socket) {
  if (socket.is_reachable_from_elsewhere() && !options_.is_anywhere) {
    throw std::runtime_error("cannot use " + socket.text() + ": " + kRefusal);
  }
  const std::string host = socket.address().host;
  add(std::move(socket), host);
}

void Status::listen() {
  for (const Address& address : options_.addresses) {
    if (!address.is_tcp()) {
      add(SocketFile(address), "");
      continue;
    }
    const Reach reach = options_.is_anywhere ? Reach::kAnybody : Reach::kLoopbackOnly;
    for (TcpSocket& socket : TcpSocket::listen(address, reach, kRefusal)) {
      add(std::move(socket), address.host);
    }
  }
}

void Status::add(ListeningSocket socket, const std::string& written) {
  servers_.push_back(std::make_unique<StatusServer>(
      loop_, std::move(socket), written, [this] { return figures(); }, log_));
}

void Status::start() {
  for (const auto& server : servers_) server->start();
}

std::vector<std::string> Status::announcements() const {
  std::vector<std::string> lines;
  for (const auto& server : servers_) lines.push_back("status on " + server->url());
  return lines;
}

void Status::show(const Host& host) {
  std::lock_guard lock(mutex_);
  host_ = &host;
}

void Status::host_ends() {
  std::lock_guard lock(mutex_);
  if (host_ == nullptr) return;
  last_ = host_->stats();
  host_ = nullptr;
}

void Status::count_reload(bool has_failed) {
  ++reloads_;
  reloads_failed_ += has_failed ? 1 : 0;
}

StatusFigures Status::figures() const {
  StatusFigures figures;
  figures.version = CPPIPC_VERSION;
  figures.pid = ::getpid();
  figures.is_draining = is_draining_;
  figures.now = std::chrono::system_clock::now();
  figures.addresses = addresses_();
  figures.reloads = reloads_;
  figures.reloads_failed = reloads_failed_;
  figures.process = process_figures();
  std::lock_guard lock(mutex_);
  figures.host = host_ == nullptr ? last_ : host_->stats();
  if (host_ != nullptr) figures.sessions = host_->sessions(kSessionsListed);
  return figures;
}

}  // namespace cppipc::server
