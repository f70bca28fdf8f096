// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who is at the other end of a socket, as far as the system vouches for it.

#include <string>

namespace cppipc {

// "uid 1000" for a Unix socket, of the user who connected it; "TCP" for any client of another
// socket, since nobody says who that is. Equal texts are one peer.
// "an unknown peer" if the system does not tell.
std::string peer_identity(int socket_fd);

}  // namespace cppipc
