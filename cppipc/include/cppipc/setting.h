// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings: named values of a server that clients read, and may change while it runs.

#include <cppipc/detail/signature.h>
#include <cppipc/function.h>

#include <optional>

namespace cppipc {

// Among what follows a setting's functions: it is written at the start of the server only, by an
// option or the environment; clients may read it.
inline constexpr AtStart at_start{};

struct SettingInfo {
  SettingDescription description;
  FunctionInfo get;
  std::optional<FunctionInfo> set;
};

}  // namespace cppipc
