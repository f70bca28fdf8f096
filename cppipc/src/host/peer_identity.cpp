// SPDX-License-Identifier: Apache-2.0
#include "host/peer_identity.h"

#include <sys/socket.h>

#include <utility>

#include "host/host_session.h"

namespace cppipc {

std::string peer_identity(int socket_fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  ucred peer{};
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0) {
    if (domain != AF_UNIX) return "TCP";
    size = sizeof(peer);
    if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
      return "uid " + std::to_string(peer.uid);
    }
  }
  return "an unknown peer";
}

void log_agreement(Channel& channel, std::weak_ptr<HostCore> core, std::uint64_t session) {
  channel.set_on_agreed([core = std::move(core), session](const Channel::Agreed& agreed) {
    const auto host = core.lock();
    if (!host) return;
    host->log(HostOptions::LogLevel::kInfo,
              "session " + std::to_string(session) + " speaks " + agreed.version + ", " +
                  agreed.cipher + (agreed.identity.empty() ? "" : ", with " + agreed.identity));
  });
}

}  // namespace cppipc
