// SPDX-License-Identifier: Apache-2.0
#pragma once
// TLS on the client's side of a connection.

#include <cppipc/tls.h>

#include <memory>
#include <string>

#include "client/patience.h"
#include "rpc/channel.h"

namespace cppipc {

// Shakes hands on a connected socket, which becomes non-blocking. `address` is for texts, `host` is
// the name in it. Errors: kConnectionLost with Error::is_tls if that fails; kTimeout; kInputOutput,
// kInvalidArgument and kNotSupported as TlsServer::load(); those of the interrupt.
std::unique_ptr<Channel> secure(int fd, const TlsClientOptions& options, const std::string& address,
                                const std::string& host, const Patience& patience);

}  // namespace cppipc
