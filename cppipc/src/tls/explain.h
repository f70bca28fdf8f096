// SPDX-License-Identifier: Apache-2.0
#pragma once
// Why TLS failed, in words that say what to do.

#include <string>

#include "tls/context.h"

namespace cppipc::tls {

// Why a certificate of the other side is refused: `error` is one of X509_V_ERR_*; `depth` is 0 for
// its own, more for those of its authorities. `certificate` may be null.
std::string explain_certificate(const About& about, int error, const X509* certificate, int depth);

// What is known when OpenSSL gives a connection up.
struct Failure {
  unsigned long error = 0;   // of OpenSSL; 0: none
  bool is_agreed = false;    // the handshake was over
  bool is_at_end = false;    // the other side is gone
  int first_byte = -1;       // that it ever sent; -1: none
  std::string verification;  // of explain_certificate(); empty: nothing was refused here
};
std::string explain_failure(const About& about, const Failure& failure);

// Whether the other side, in its first byte, speaks something else than TLS.
bool is_no_tls(int first_byte);

}  // namespace cppipc::tls
