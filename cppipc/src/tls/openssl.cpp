// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <new>

namespace cppipc::tls {
namespace {

constexpr char kUnknown[] = "an unknown error";

std::string_view view_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// Four bytes or sixteen.
std::string address_of(const ASN1_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  const bool is_whole = family == AF_INET || ASN1_STRING_length(bytes) == 16;
  if (!is_whole || ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(),
                               static_cast<socklen_t>(text.size())) == nullptr) {
    return "an address of an unknown kind";
  }
  return text.data();
}

// What one line of a text may show of what somebody else has written.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::string text_of(const X509_NAME* name) {
  const Owned<BIO> out(checked(BIO_new(BIO_s_mem())));
  // One line, attributes by their short names, UTF-8 as it is, control characters as escapes.
  const unsigned long form =
      (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SEP_MASK & ~XN_FLAG_SPC_EQ) |
      XN_FLAG_SEP_COMMA_PLUS;
  X509_NAME_print_ex(out.get(), name, 0, form);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return printable({bytes, static_cast<std::size_t>(size)});
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

std::string names_of(const X509* certificate) {
  const auto drop = [](GENERAL_NAMES* names) { GENERAL_NAMES_free(names); };
  const std::unique_ptr<GENERAL_NAMES, decltype(drop)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      drop);
  std::string text;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string one;
    if (name->type == GEN_DNS) one = view_of(name->d.dNSName);
    if (name->type == GEN_IPADD) one = address_of(name->d.iPAddress);
    if (!one.empty()) text += (text.empty() ? "" : ", ") + in_quotes(printable(one));
  }
  if (!text.empty()) return text;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return "no host at all";
  return in_quotes(
      printable(std::string(view_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))));
}

std::string identity_of(const X509* certificate) {
  const std::string subject = text_of(X509_get_subject_name(certificate));
  if (!subject.empty()) {
    // Quotes within them are escaped, so different pairs are different texts.
    return "certificate \"" + subject + "\" of \"" + text_of(X509_get_issuer_name(certificate)) +
           '"';
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) throw std::bad_alloc();
  std::string text = "certificate SHA-256 ";
  for (unsigned i = 0; i < size; ++i) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", digest[i]);
    text += hex.data();
  }
  return text;
}

std::string take_error() {
  const unsigned long number = ERR_get_error();
  ERR_clear_error();
  if (number == 0) return kUnknown;
  if (ERR_SYSTEM_ERROR(number)) {
    std::array<char, 256> text{};
    ERR_error_string_n(number, text.data(), text.size());
    return text.data();
  }
  const char* reason = ERR_reason_error_string(number);
  return reason == nullptr ? kUnknown : reason;
}

}  // namespace cppipc::tls
