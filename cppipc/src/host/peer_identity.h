// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who is at the other end of a socket, as far as the system vouches for it. A certificate says more
// (Channel::Agreed::identity).

#include <cstdint>
#include <memory>
#include <string>

namespace cppipc {

class Channel;
class HostCore;

// "uid 1000" for a Unix socket, of the user who connected it; "TCP" for any client of another
// socket, since nobody says who that is. Equal texts are one peer.
// "an unknown peer" if the system does not tell.
std::string peer_identity(int socket_fd);

// Has the log say with what a session is encrypted, and who its peer is, once that is known. Before
// the channel is used.
void log_agreement(Channel& channel, std::weak_ptr<HostCore> core, std::uint64_t session);

}  // namespace cppipc
