// SPDX-License-Identifier: Apache-2.0
#include "tls/files.h"

#include <cppipc/error.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

namespace cppipc::tls {
namespace {

constexpr long kFileBytesMax = 16 << 20;

std::string named(const std::string& what, const std::string& file) {
  return what + " of TLS, '" + file + "'";
}

[[noreturn]] void cannot_read(const std::string& what, const std::string& file, int number) {
  Error error(ErrorKind::kInputOutput,
              "cannot read " + named(what, file) + ": " + std::strerror(number));
  error.error_number = number;
  throw Error(std::move(error));
}

[[noreturn]] void bad(const std::string& what, const std::string& file, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, named(what, file) + ", " + why);
}

// The whole of a file. It is small; whoever names a device instead is told so.
std::string content_of(const std::string& what, const std::string& file) {
  struct Close {
    void operator()(std::FILE* open) const { std::fclose(open); }
  };
  const std::unique_ptr<std::FILE, Close> open(std::fopen(file.c_str(), "rbe"));
  if (!open) cannot_read(what, file, errno);
  struct stat status {};
  if (::fstat(::fileno(open.get()), &status) != 0) cannot_read(what, file, errno);
  if (S_ISDIR(status.st_mode)) cannot_read(what, file, EISDIR);
  if (status.st_size > kFileBytesMax) bad(what, file, "is far too large for a file of PEM");
  std::string text;
  char piece[4096];
  for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, open.get())) > 0;) {
    text.append(piece, got);
    if (text.size() > kFileBytesMax) bad(what, file, "has no end");
  }
  if (std::ferror(open.get()) != 0) cannot_read(what, file, errno);
  return text;
}

Owned<BIO> reader_of(const std::string& text) {
  return Owned<BIO>(checked(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

// Nobody is asked for a passphrase: a server starts without people.
int no_passphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

void erase(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace

std::vector<Owned<X509>> read_certificates(const std::string& file, const std::string& what) {
  const std::string text = content_of(what, file);
  const Owned<BIO> reader = reader_of(text);
  std::vector<Owned<X509>> certificates;
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(next);
  }
  // The end of the file is an error too, which says that there is no further block.
  const unsigned long last = ERR_peek_last_error();
  const bool is_end =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_end) bad(what, file, "has a certificate that is damaged");
  if (certificates.empty()) {
    bad(what, file, "has no certificate in it; it begins with '-----BEGIN CERTIFICATE-----'");
  }
  return certificates;
}

Owned<EVP_PKEY> read_key(const std::string& file) {
  std::string text = content_of("the key", file);
  const Owned<BIO> reader = reader_of(text);
  ERR_clear_error();
  bool was_asked = false;
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader.get(), nullptr, &no_passphrase, &was_asked));
  erase(text);
  ERR_clear_error();
  if (was_asked) {
    bad("the key", file,
        "has a passphrase, which nobody is there to type; 'openssl pkey -in FILE -out NEW' writes "
        "one without, for a file with mode 0600");
  }
  if (!key) {
    bad("the key", file,
        "has no private key in it; it is PEM and has a line '-----BEGIN PRIVATE KEY-----' or "
        "its like");
  }
  return key;
}

void use(SSL_CTX* context, const std::vector<Owned<X509>>& chain, const std::string& chain_file,
         EVP_PKEY* key, const std::string& key_file) {
  ERR_clear_error();
  if (X509_check_private_key(chain.front().get(), key) != 1) {
    ERR_clear_error();
    bad("the key", key_file,
        "is not that of the first certificate in '" + chain_file +
            "'; the server's own comes first, then that of its authority");
  }
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    bad("the certificate", chain_file, "cannot be used: " + take_error());
  }
  if (SSL_CTX_use_PrivateKey(context, key) != 1) {
    bad("the key", key_file, "cannot be used: " + take_error());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      bad("the certificate", chain_file, "cannot be used: " + take_error());
    }
  }
}

void trust(SSL_CTX* context, const std::vector<Owned<X509>>& certificates) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) throw std::bad_alloc();
  }
  // Also one that is not its own authority: who gives its file trusts it.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

std::string exposure_of(const std::string& key_file) {
  struct stat status {};
  if (::stat(key_file.c_str(), &status) != 0 || (status.st_mode & (S_IRGRP | S_IROTH)) == 0) {
    return {};
  }
  return "the key of TLS, '" + key_file +
         "', may be read by other users: whoever has it can pass for this server; chmod 600 it";
}

std::string age_of(const X509* certificate, const std::string& file) {
  const ASN1_TIME* const begin = X509_get0_notBefore(certificate);
  const ASN1_TIME* const end = X509_get0_notAfter(certificate);
  if (X509_cmp_current_time(end) < 0) {
    return "the certificate of TLS, '" + file + "', expired on " + text_of(end) +
           ": clients refuse it";
  }
  if (X509_cmp_current_time(begin) > 0) {
    return "the certificate of TLS, '" + file + "', is not valid before " + text_of(begin) +
           ": clients refuse it until then";
  }
  return {};
}

}  // namespace cppipc::tls
