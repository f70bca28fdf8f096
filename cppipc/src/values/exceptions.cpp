// SPDX-License-Identifier: Apache-2.0
// Registered exception classes: which derives from which, and which one was thrown.
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/naming.h"

#include <algorithm>
#include <array>

namespace cppipc {
namespace {

// Kinds that tell of calls and connections rather than of what registered code does.
constexpr std::array kKindsOfCalls = {
    ErrorKind::kConnectionLost, ErrorKind::kServerCrashed, ErrorKind::kTimeout,
    ErrorKind::kCancelled,      ErrorKind::kForkedSession, ErrorKind::kProtocol,
};

[[noreturn]] void refuse(const ExceptionInfo& info, const std::string& reason) {
  throw std::logic_error("exception '" + info.description.name + "' " + reason);
}

bool derives(const ExceptionInfo& derived, const ExceptionInfo& base) {
  return base.catches(derived.throw_pointer);
}

// The closest of the registered classes that `info` derives from; null if there is none.
const ExceptionInfo* base_of(const ExceptionInfo& info, const std::vector<ExceptionInfo>& others) {
  const ExceptionInfo* closest = nullptr;
  for (const ExceptionInfo& other : others) {
    if (derives(other, info)) {
      refuse(info, "is a base of '" + other.description.name + "': register it first");
    }
    if (!derives(info, other)) continue;
    // Bases come before what derives from them.
    if (closest != nullptr && !derives(other, *closest)) {
      refuse(info, "derives from both '" + closest->description.name + "' and '" +
                       other.description.name + "', which are not related; leave one of them out");
    }
    closest = &other;
  }
  return closest;
}

}  // namespace

void Registry::add_exception(ExceptionInfo info, bool has_kind) {
  const std::string& name = info.description.name;
  detail::check_dotted(name, "exception");
  check_name_is_free(name, "exception");
  const auto is_same = [&](const ExceptionInfo& other) { return other.cpp_type == info.cpp_type; };
  if (const auto same = std::ranges::find_if(exceptions_, is_same); same != exceptions_.end()) {
    refuse(info, "has the C++ class " + detail::type_name(info.cpp_type) +
                     ", which is registered as '" + same->description.name + "'");
  }
  if (std::ranges::find(kKindsOfCalls, info.description.kind) != kKindsOfCalls.end()) {
    refuse(info, "has the kind '" + std::string(name_of(info.description.kind)) +
                     "', which is about calls and connections; choose another one");
  }
  if (const ExceptionInfo* base = base_of(info, exceptions_)) {
    if (has_kind && info.description.kind != base->description.kind) {
      refuse(info, "derives from '" + base->description.name + "', so its kind is '" +
                       std::string(name_of(base->description.kind)) + "'");
    }
    info.description.base = base->description.name;
    info.description.kind = base->description.kind;
  }
  exceptions_.push_back(std::move(info));
}

Error Registry::current_error() const {
  Error error = cppipc::current_error();
  if (error.raised) return error;
  // Those that derive from others come later.
  for (auto info = exceptions_.rbegin(); info != exceptions_.rend(); ++info) {
    std::optional<std::string> text = info->text_of_current();
    if (!text) continue;
    Error named(info->description.kind, text->empty() ? std::string(error.text()) : *text);
    named.in_toolkit = error.in_toolkit;
    named.where = error.where;
    named.thrown_type = error.thrown_type;
    if (named.thrown_type.empty()) named.thrown_type = detail::type_name(info->cpp_type);
    named.error_number = error.error_number;
    named.exception_name = info->description.name;
    return named;
  }
  return error;
}

}  // namespace cppipc
