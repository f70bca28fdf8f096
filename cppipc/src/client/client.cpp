// SPDX-License-Identifier: Apache-2.0
#include <cppipc/client.h>

#include "client/address.h"
#include "client/client_impl.h"

namespace cppipc {

std::shared_ptr<Client> Client::connect(const std::string& text, ConnectOptions options) {
  const Address address = parse_address(text);
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(
      Driver::after(options.timeout_s) - Driver::Clock::now());
  Descriptor socket = connect_to(address, timeout, options.on_interrupt);
  const auto name = options.peer_name.empty() ? address.text() : options.peer_name;
  auto client = std::make_shared<ClientImpl>(std::move(socket), name, address.transport_name(),
                                             std::move(options));
  client->open();
  return client;
}

std::shared_ptr<Client> Client::adopt(int socket_fd, ConnectOptions options) {
  Descriptor socket(socket_fd);
  auto name = options.peer_name.empty() ? std::string("an inherited socket") : options.peer_name;
  auto client =
      std::make_shared<ClientImpl>(std::move(socket), std::move(name), "unix", std::move(options));
  client->open();
  return client;
}

}  // namespace cppipc
