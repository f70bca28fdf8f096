// SPDX-License-Identifier: Apache-2.0
#include "client/secure.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "rpc/socket_options.h"
#include "rpc/tls_library.h"

namespace cppipc {
namespace {

// Waits for a socket. False if the time is up. Errors: those of the interrupt.
bool wait_for(int fd, Channel::Step step, const Patience& patience) {
  pollfd wanted{fd, static_cast<short>(step == Channel::Step::kWantsWrite ? POLLOUT : POLLIN), 0};
  for (;;) {
    if (::poll(&wanted, 1, patience.slice_ms()) > 0) return true;
    if (!patience.look()) return false;
  }
}

// Errors: as secure(), of TLS without the address.
void shake_hands(int fd, Channel& channel, const std::string& address, const Patience& patience) {
  for (;;) {
    const Channel::Step step = channel.shake_hands();
    if (step == Channel::Step::kDone) return;
    // Also between two pieces of a handshake that trickles in.
    if (patience.look() && wait_for(fd, step, patience)) continue;
    throw Error(ErrorKind::kTimeout,
                address +
                    " accepted the connection but did not answer in TLS in time; is it a "
                    "server with --tls-cert?");
  }
}

}  // namespace

std::unique_ptr<Channel> secure(int fd, const TlsClientOptions& options, const std::string& address,
                                const std::string& host, const Patience& patience) {
  prepare_socket(fd);
  auto channel = tls_library().connector(fd, options, host);
  try {
    shake_hands(fd, *channel, address, patience);
  } catch (const Error& error) {
    if (!error.is_tls) throw;
    Error whole(error.kind(), "cannot connect to " + address + ": " + std::string(error.text()));
    whole.is_tls = true;
    throw Error(std::move(whole));
  }
  return channel;
}

}  // namespace cppipc
