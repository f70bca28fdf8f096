// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two sides of an encrypted connection, and between them a wire on which a test sees, delays,
// damages and cuts what travels.

#include <cppipc/tls.h>

#include <capnp/any.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "rpc/connection.h"
#include "rpc/tls_library.h"
#include "support/certificates.h"
#include "support/leak_check.h"
#include "support/sockets.h"

namespace cppipc::test {

inline constexpr std::uint64_t kMessageBytes = 128 << 20;

// A message whose root is `size` bytes of `fill`.
class Filled {
 public:
  Filled(std::size_t size, unsigned char fill) : builder_(1024) {
    auto data =
        builder_.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(static_cast<unsigned>(size));
    std::memset(data.begin(), fill, data.size());
  }
  capnp::MessageBuilder& builder() { return builder_; }

 private:
  capnp::MallocMessageBuilder builder_;
};

// What came, as sizes and the byte that they are filled with.
using Received = std::vector<std::pair<std::size_t, int>>;

// Reads once, and notes the messages.
inline Connection::State receive(Connection& connection, Received& received,
                                 std::uint64_t most = ~std::uint64_t{0}) {
  return connection.receive(
      [&](std::unique_ptr<IncomingMessage> message) {
        const auto data = message->reader().getRoot<capnp::AnyPointer>().getAs<capnp::Data>();
        const int fill = data.size() == 0 ? 0 : data[0];
        const bool is_whole =
            data.size() == 0 || std::memcmp(data.begin(), data.begin() + 1, data.size() - 1) == 0;
        received.emplace_back(data.size(), is_whole ? fill : -1);
      },
      most);
}

// An authority, a server's certificate of it, and what loads them.
class TlsTest : public LeakCheck {
 protected:
  static void SetUpTestSuite() {
    folder_ = new CertificateFolder();
    authority_ = new Authority("Test Authority");
    authority_->write(*folder_ / "ca.pem");
    authority_->issue(*folder_, "server");
    tls_library();  // its memory and descriptors belong to no test
  }
  static void TearDownTestSuite() {
    delete std::exchange(authority_, nullptr);
    delete std::exchange(folder_, nullptr);
  }

  static std::string file(const std::string& name) { return *folder_ / name; }
  static TlsServerOptions server_options() { return {file("server.pem"), file("server.key"), ""}; }
  static TlsClientOptions client_options() { return {file("ca.pem"), "", "", "localhost"}; }
  static std::unique_ptr<Channel> accept(int fd, const TlsServerOptions& options) {
    return std::static_pointer_cast<TlsAcceptor>(TlsServer::load(options))->accept(fd);
  }
  static std::unique_ptr<Channel> connector(int fd, const TlsClientOptions& options) {
    return tls_library().connector(fd, options, "");
  }

  static inline CertificateFolder* folder_ = nullptr;
  static inline Authority* authority_ = nullptr;
};

// The wire between a client and a server.
class Wire {
 public:
  Wire() {
    std::tie(client_end, client_side_) = socket_pair();
    std::tie(server_end, server_side_) = socket_pair();
  }
  // Carries what is there, both ways. True if there was anything.
  bool carry() {
    const auto there = from_client();
    const auto back = from_server();
    return to_server(there) && to_client(back) && (!there.empty() || !back.empty());
  }
  std::vector<std::byte> from_client() { return read_available(client_side_.get()); }
  std::vector<std::byte> from_server() { return read_available(server_side_.get()); }
  bool to_server(std::span<const std::byte> bytes) { return write_all(server_side_.get(), bytes); }
  bool to_client(std::span<const std::byte> bytes) { return write_all(client_side_.get(), bytes); }
  void cut() {
    client_side_ = Descriptor();
    server_side_ = Descriptor();
  }

  Descriptor client_end;  // to be taken by the client
  Descriptor server_end;  // to be taken by the server

 private:
  Descriptor client_side_;
  Descriptor server_side_;
};

}  // namespace cppipc::test
