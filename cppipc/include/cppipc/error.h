// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one exception type of the library, and the kinds of error it can carry.
//
// A *fault* is an Error that a call documents: it travels in the reply and is thrown again at the
// caller with the same kind and text. The kinds are part of the wire contract (broker.capnp,
// Fault.kind); their numbers are never reused.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace cppipc {

enum class ErrorKind : std::uint16_t {
  kRemote = 0,           // any other exception of the remote code
  kToolkit = 1,          // a toolkit reports failure
  kInvalidArgument = 2,  // std::invalid_argument
  kDomain = 3,           // std::domain_error
  kOutOfRange = 4,       // std::out_of_range
  kOutOfMemory = 5,      // std::bad_alloc
  kWrongType = 6,        // std::bad_cast, a wrong type or count of arguments
  kOverflow = 7,         // std::overflow_error, an integer that does not fit
  kInputOutput = 8,      // std::ios_base::failure, std::system_error
  kUnknownName = 9,      // no type, method, property or function has that name
  kConnectionLost = 10,  // the connection ended before the reply came
  kServerCrashed = 11,   // the connection ended because the server process died
  kTimeout = 12,         // the reply did not come in time
  kCancelled = 13,       // the call was cancelled
  kStaleReference = 14,  // a reference to an object that no longer exists
  kQuotaExceeded = 15,   // the session is past one of its limits
  kForkedSession = 16,   // a session used in a forked child of the process that opened it
  kTooLarge = 17,        // a message larger than the limit
  kNotSupported = 18,    // something this build or this transport cannot do
  kProtocol = 19,        // the peer broke the protocol
  kUnknownKey = 20,      // a mapping has no such key
  kNotPermitted = 21,    // the server does not do that for this session
};

// The name of a kind as it stands in broker.capnp, e.g. "invalidArgument". Never null.
std::string_view name_of(ErrorKind kind);

class Object;

class Error : public std::runtime_error {
 public:
  // `message` may be of any length, and may have NULs in it.
  Error(ErrorKind kind, std::string message)
      : std::runtime_error(message),
        kind_(kind),
        text_(std::make_shared<const std::string>(std::move(message))) {}

  ErrorKind kind() const { return kind_; }
  // The whole message; what() is only as much of it as there is before the first NUL.
  std::string_view text() const { return text_ ? std::string_view(*text_) : what(); }

  // Whether the error was thrown inside a toolkit.
  bool in_toolkit = false;
  // Of a kConnectionLost on this side: both sides did not agree on TLS, or only one speaks it.
  bool is_tls = false;
  // "Counter.increment" or "demo_addone": the method or function that failed; empty if none did.
  std::string where;
  // The C++ type of the exception that was thrown remotely, demangled; empty if it was an Error.
  std::string thrown_type;
  // The registered exception (Registry::exception) that was thrown; empty if it was none.
  std::string exception_name;
  // errno of a kInputOutput; 0 if there is none.
  int error_number = 0;
  // What was raised in a function of a client, as that client keeps it: with it the error becomes
  // the very same exception there again. Null for all others.
  std::shared_ptr<Object> raised;

 private:
  ErrorKind kind_;
  std::shared_ptr<const std::string> text_;  // shared by copies; null in what was moved from
};

// The exception being handled, as an Error: an Error stays as it is, the standard exceptions get
// the kind of the list above, anything else (`throw 42`) is a kRemote that names its type.
// Only inside a catch block.
Error current_error();

}  // namespace cppipc
