// SPDX-License-Identifier: Apache-2.0
#include "tls/explain.h"

#include <openssl/err.h>
#include <openssl/ssl3.h>
#include <openssl/x509_vfy.h>

namespace cppipc::tls {
namespace {

// OpenSSL's reasons for alerts that came are their numbers, from here on.
constexpr int kAlerts = SSL_AD_REASON_OFFSET;

const char* other(const About& about) { return about.is_server ? "the client" : "the server"; }

std::string reason_of(unsigned long error) {
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "for an unknown reason" : reason;
}

bool is_unknown_authority(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return true;
    default:
      return false;
  }
}

std::string unknown_authority(const About& about, const X509* certificate) {
  const std::string trusted =
      about.authority.empty() ? "that this system trusts" : "in " + in_quotes(about.authority);
  const std::string text = std::string(other(about)) + "'s certificate was issued by " +
                           in_quotes(text_of(X509_get_issuer_name(certificate))) +
                           ", which is none of the authorities " + trusted;
  if (about.is_server) return text + " (--tls-client-ca)";
  return text + "; if you trust it, give the file with its certificate as ca";
}

// An alert of the other side about what this side showed. Empty if it was about something else.
std::string refused_certificate(const About& about, int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
      return "it does not know the authority that issued it";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "it has expired";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "it was revoked";
    case SSL_AD_BAD_CERTIFICATE:
      return about.is_server ? "it is not for the name asked for, or damaged" : "it is damaged";
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return "it is of a kind that is not supported";
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_ACCESS_DENIED:
      return "it does not say why";
    default:
      return {};
  }
}

std::string explain_alert(const About& about, int alert) {
  const bool has_none = !about.is_server && about.certificate.empty();
  // Before TLS 1.3 there was no alert of its own for a certificate that is not there.
  if (alert == SSL_AD_CERTIFICATE_REQUIRED || (has_none && alert == SSL_AD_HANDSHAKE_FAILURE)) {
    return "the server demands a certificate of its clients, and there is none; give one, with its "
           "key, as cert and key";
  }
  if (alert == SSL_AD_PROTOCOL_VERSION) {
    return std::string(other(about)) +
           " speaks no version of TLS that is accepted here: it is 1.2 or 1.3";
  }
  const std::string refused = refused_certificate(about, alert);
  if (!refused.empty() && !has_none) {
    return std::string(other(about)) + " refused " +
           (about.is_server ? "this server's" : "this client's") + " certificate, " +
           in_quotes(about.certificate) + ": " + refused;
  }
  return {};
}

// The side that waits for connections.
std::string explain_to_server(const About& about, const Failure& failure, int reason) {
  if (is_no_tls(failure.first_byte)) {
    return "the client does not speak TLS; it has to connect with tls=";
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return "the client showed no certificate, which --tls-client-ca demands";
  }
  if (failure.is_at_end) return "the client left in the middle of the TLS handshake";
  return std::string(other(about)) +
         " and this server did not agree on TLS: " + reason_of(failure.error);
}

std::string explain_to_client(const Failure& failure, int reason) {
  if (is_no_tls(failure.first_byte) || reason == SSL_R_WRONG_VERSION_NUMBER) {
    return "the server answered with something that is not TLS; connect without tls if it is the "
           "right server, or give it --tls-cert and --tls-key";
  }
  if (failure.is_at_end && failure.first_byte < 0) {
    return "the server closed the connection at the first message of TLS, as one does that does "
           "not speak it; connect without tls, or give the server --tls-cert and --tls-key";
  }
  if (failure.is_at_end) return "the server ended the TLS handshake without saying why";
  return "the TLS handshake failed: " + reason_of(failure.error);
}

}  // namespace

bool is_no_tls(int first_byte) {
  return first_byte >= 0 &&
         (first_byte < SSL3_RT_CHANGE_CIPHER_SPEC || first_byte > SSL3_RT_APPLICATION_DATA);
}

std::string explain_certificate(const About& about, int error, const X509* certificate, int depth) {
  const std::string side = other(about);
  if (certificate == nullptr) {
    return side + "'s certificate is refused: " + X509_verify_cert_error_string(error);
  }
  const std::string whose =
      depth == 0 ? side + "'s certificate"
                 : "the certificate of " + in_quotes(text_of(X509_get_subject_name(certificate))) +
                       ", the authority of " + side + "'s,";
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    return whose + " expired on " + text_of(X509_get0_notAfter(certificate)) +
           "; it has to be renewed";
  }
  if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
    return whose + " is not valid before " + text_of(X509_get0_notBefore(certificate)) +
           "; are the clocks right?";
  }
  if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return whose + " is for " + names_of(certificate) + ", not for " + in_quotes(about.name) +
           ", which was asked for; connect by a name that it has, or give that as server_name";
  }
  if (is_unknown_authority(error)) return unknown_authority(about, certificate);
  return whose + " is refused: " + X509_verify_cert_error_string(error);
}

std::string explain_failure(const About& about, const Failure& failure) {
  if (!failure.verification.empty()) return failure.verification;
  const bool is_of_tls = ERR_GET_LIB(failure.error) == ERR_LIB_SSL;
  const int reason = is_of_tls ? ERR_GET_REASON(failure.error) : 0;
  if (reason >= kAlerts) {
    const std::string text = explain_alert(about, reason - kAlerts);
    if (!text.empty()) return text;
    return std::string(other(about)) + " ended TLS: " + reason_of(failure.error);
  }
  if (failure.is_agreed) return "TLS failed: " + reason_of(failure.error);
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW) {
    return explain_alert(about, SSL_AD_PROTOCOL_VERSION);
  }
  return about.is_server ? explain_to_server(about, failure, reason)
                         : explain_to_client(failure, reason);
}

}  // namespace cppipc::tls
