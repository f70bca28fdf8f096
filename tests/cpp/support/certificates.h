// SPDX-License-Identifier: Apache-2.0
#pragma once
// Authorities and certificates for tests, made on the spot.

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace cppipc::test {

// A folder of one's own; all that is in it goes with it.
class CertificateFolder {
 public:
  CertificateFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "unity_tls_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~CertificateFolder() { std::filesystem::remove_all(path_); }
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What a certificate says. Times in seconds from now.
struct Wanted {
  std::string subject = "server";
  std::string hosts = "DNS:localhost,IP:127.0.0.1";  // as OpenSSL writes them; empty: none
  long valid_from_s = -3600;
  long valid_until_s = 3600;
};

// Owns: a key and a certificate that signs others.
class Authority {
 public:
  explicit Authority(const std::string& subject)
      : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(X509_new(), &X509_free) {
    fill(certificate_.get(), {subject, "", -3600, 3600}, key_.get(), certificate_.get());
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  }

  void write(const std::string& file) const {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(open(file));
    PEM_write_bio_X509(out.get(), certificate_.get());
  }

  // A certificate of this authority, and its key, for files NAME.pem and NAME.key of that folder.
  void issue(const CertificateFolder& folder, const std::string& name,
             const Wanted& wanted = {}) const {
    const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const Certificate certificate(X509_new(), &X509_free);
    fill(certificate.get(), wanted, key.get(), certificate_.get());
    if (!wanted.hosts.empty()) extend(certificate.get(), NID_subject_alt_name, wanted.hosts);
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(open(folder / (name + ".pem")));
    PEM_write_bio_X509(out.get(), certificate.get());
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> secret(open(folder / (name + ".key")));
    PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    ::chmod((folder / (name + ".key")).c_str(), 0600);
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static std::unique_ptr<BIO, decltype(&BIO_free_all)> open(const std::string& file) {
    std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new_file(file.c_str(), "w"),
                                                      &BIO_free_all);
    if (!out) throw std::runtime_error("cannot write " + file);
    return out;
  }

  static void fill(X509* made, const Wanted& wanted, EVP_PKEY* key, X509* issuer) {
    static std::atomic<long> serial{1};
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made), wanted.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(made), wanted.valid_until_s);
    X509_set_pubkey(made, key);
    if (!wanted.subject.empty()) {
      const auto* text = reinterpret_cast<const unsigned char*>(wanted.subject.c_str());
      X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, text, -1, -1, 0);
    }
    X509_set_issuer_name(made, X509_get_subject_name(issuer));
  }

  static void extend(X509* made, int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), &X509_EXTENSION_free);
    if (!extension) throw std::runtime_error("no extension " + value);
    X509_add_ext(made, extension.get(), -1);
  }

  Key key_;
  Certificate certificate_;
};

}  // namespace cppipc::test
