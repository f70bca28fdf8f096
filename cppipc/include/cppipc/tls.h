// SPDX-License-Identifier: Apache-2.0
#pragma once
// TLS over TCP: what a server shows its clients, and whom a client trusts.
//
// What speaks TLS, and OpenSSL with it, is in a library of its own, libcppipc_tls.so, which is
// loaded at its first use: a program without TLS does not pay for it. Versions 1.2 and 1.3 are
// spoken, without renegotiation and without the resumption of sessions. All files are PEM.

#include <cppipc/error.h>

#include <memory>
#include <string>
#include <vector>

namespace cppipc {

struct TlsServerOptions {
  // The server's certificate first, then those that lead from it to its authority.
  std::string certificate_file;
  std::string key_file;  // without a passphrase; empty: the key is in `certificate_file`
  // Who signs the certificates of clients, which are demanded then. Empty: clients need none.
  std::string client_authority_file;
};

struct TlsClientOptions {
  // Who signs the certificates of servers. Empty: whom the system trusts.
  std::string authority_file;
  // What the client shows to servers that demand a certificate; empty: nothing.
  std::string certificate_file;
  std::string key_file;  // without a passphrase; empty: the key is in `certificate_file`
  // The name or the IP address that the server's certificate must have. Empty: that of the address.
  std::string server_name;
};

// The certificate and the key of a server, as read from files. Threads: any.
class TlsServer {
 public:
  // Reads the files. Errors: kInputOutput for one that cannot be read, with its errno;
  // kInvalidArgument naming the file and what is wrong with it; kNotSupported if what speaks TLS
  // cannot be loaded.
  static std::shared_ptr<TlsServer> load(TlsServerOptions options);

  virtual ~TlsServer() = default;
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // Reads the files again, for connections that come from now on; those that are there go on as
  // they are. Errors: as load(), and then nothing has changed.
  virtual void reload() = 0;

  // For a log: "certificate CN=engine, valid until 2027-01-31 12:00:00 UTC".
  virtual std::string summary() const = 0;
  // What is no error but should be seen to, in the files that were read last: a certificate that
  // has expired or is not valid yet, a key that other users may read.
  virtual std::vector<std::string> warnings() const = 0;

 protected:
  TlsServer() = default;
};

}  // namespace cppipc
