// SPDX-License-Identifier: Apache-2.0
#include <cppipc/client.h>

#include "client/address.h"
#include "client/client_impl.h"
#include "client/secure.h"

namespace cppipc {

std::shared_ptr<Client> Client::connect(const std::string& text, ConnectOptions options) {
  const Address address = parse_address(text);
  if (options.tls && address.transport != Address::Transport::kTcp) {
    throw Error(ErrorKind::kInvalidArgument,
                "TLS is for tcp:HOST:PORT; " + address.text() +
                    " is of this machine and this user anyhow, connect without tls");
  }
  const Patience patience{Driver::after(options.timeout_s), options.on_interrupt};
  Descriptor socket = connect_to(address, patience);
  std::unique_ptr<Channel> channel;
  if (options.tls) {
    channel = secure(socket.get(), *options.tls, address.text(), address.host, patience);
  }
  const auto name = options.peer_name.empty() ? address.text() : options.peer_name;
  auto client = std::make_shared<ClientImpl>(std::move(socket), std::move(channel), name,
                                             address.transport_name(), std::move(options));
  client->open();
  return client;
}

std::shared_ptr<Client> Client::adopt(int socket_fd, ConnectOptions options) {
  Descriptor socket(socket_fd);
  auto name = options.peer_name.empty() ? std::string("an inherited socket") : options.peer_name;
  std::unique_ptr<Channel> channel;
  if (options.tls) {
    const Patience patience{Driver::after(options.timeout_s), options.on_interrupt};
    channel = secure(socket.get(), *options.tls, name, {}, patience);
  }
  auto client = std::make_shared<ClientImpl>(std::move(socket), std::move(channel), std::move(name),
                                             "unix", std::move(options));
  client->open();
  return client;
}

}  // namespace cppipc
