// SPDX-License-Identifier: Apache-2.0
// From the exception being handled to an Error. The order of the handlers matters: a class comes
// before its bases (ios_base::failure is a system_error, bad_any_cast a bad_cast).
#include <cppipc/error.h>

#include "values/demangle.h"

#include <cxxabi.h>

#include <ios>
#include <new>
#include <system_error>
#include <typeinfo>

namespace cppipc {
namespace {

// The type of the exception being handled; empty for one that is not of C++.
std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type == nullptr ? std::string() : detail::demangle(type->name());
}

Error make(ErrorKind kind, std::string_view text) {
  const std::string type = current_type();
  Error error(kind, text.empty() ? "C++ exception of type " + type : std::string(text));
  error.thrown_type = type;
  return error;
}

Error make(ErrorKind kind, const char* text) {
  return make(kind, text == nullptr ? std::string_view() : std::string_view(text));
}

int errno_of(const std::error_code& code) {
  if (code.category() == std::generic_category() || code.category() == std::system_category()) {
    return code.value();
  }
  const std::error_condition condition = code.default_error_condition();
  return condition.category() == std::generic_category() ? condition.value() : 0;
}

Error out_of_memory(const std::bad_alloc& thrown) {
  const std::string text = thrown.what();
  // The default text names the class, which says nothing to a user.
  return make(ErrorKind::kOutOfMemory, text == "std::bad_alloc" ? "out of memory" : thrown.what());
}

Error from_standard(const std::exception& thrown) {
  if (dynamic_cast<const std::invalid_argument*>(&thrown) != nullptr) {
    return make(ErrorKind::kInvalidArgument, thrown.what());
  }
  if (dynamic_cast<const std::domain_error*>(&thrown) != nullptr) {
    return make(ErrorKind::kDomain, thrown.what());
  }
  if (dynamic_cast<const std::out_of_range*>(&thrown) != nullptr) {
    return make(ErrorKind::kOutOfRange, thrown.what());
  }
  if (dynamic_cast<const std::overflow_error*>(&thrown) != nullptr) {
    return make(ErrorKind::kOverflow, thrown.what());
  }
  if (dynamic_cast<const std::bad_cast*>(&thrown) != nullptr) {
    return make(ErrorKind::kWrongType, thrown.what());
  }
  if (const auto* no_memory = dynamic_cast<const std::bad_alloc*>(&thrown)) {
    return out_of_memory(*no_memory);
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&thrown)) {
    Error error = make(ErrorKind::kInputOutput, thrown.what());
    error.error_number = errno_of(system->code());
    return error;
  }
  return make(ErrorKind::kRemote, thrown.what());
}

}  // namespace

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kRemote:
      return "remote";
    case ErrorKind::kToolkit:
      return "toolkit";
    case ErrorKind::kInvalidArgument:
      return "invalidArgument";
    case ErrorKind::kDomain:
      return "domain";
    case ErrorKind::kOutOfRange:
      return "outOfRange";
    case ErrorKind::kOutOfMemory:
      return "outOfMemory";
    case ErrorKind::kWrongType:
      return "wrongType";
    case ErrorKind::kOverflow:
      return "overflow";
    case ErrorKind::kInputOutput:
      return "inputOutput";
    case ErrorKind::kUnknownName:
      return "unknownName";
    case ErrorKind::kConnectionLost:
      return "connectionLost";
    case ErrorKind::kServerCrashed:
      return "serverCrashed";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kStaleReference:
      return "staleReference";
    case ErrorKind::kQuotaExceeded:
      return "quotaExceeded";
    case ErrorKind::kForkedSession:
      return "forkedSession";
    case ErrorKind::kTooLarge:
      return "tooLarge";
    case ErrorKind::kNotSupported:
      return "notSupported";
    case ErrorKind::kProtocol:
      return "protocol";
    case ErrorKind::kUnknownKey:
      return "unknownKey";
    case ErrorKind::kNotPermitted:
      return "notPermitted";
  }
  return "unknown";  // a number that a newer peer sent
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& thrown) {
    return from_standard(thrown);
  } catch (const std::string& text) {
    return make(ErrorKind::kRemote, std::string_view(text));
  } catch (const char* text) {
    return make(ErrorKind::kRemote, text);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled; whoever swallows that ends the process
  } catch (...) {
    return make(ErrorKind::kRemote, std::string_view());
  }
}

}  // namespace cppipc
