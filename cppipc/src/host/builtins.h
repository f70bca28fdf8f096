// SPDX-License-Identifier: Apache-2.0
#pragma once
// The functions that every host has, whatever its registry: what a session does on the server
// beside calling what is registered. They are called as registered functions are, by a name that
// begins with '$', which no registered name does; no description shows them.

#include <cppipc/registry.h>

#include <string_view>

#include "host/host_session.h"

namespace cppipc {

// All of them, named without the '$'.
Registry make_builtins();

// Null unless `name` begins with '$' and the rest is the name of one.
const FunctionInfo* find_builtin(const Registry& builtins, std::string_view name);
bool is_builtin_name(std::string_view name);
// What errors call one: "$save" is "Session.save".
std::string where_of_builtin(std::string_view name);

// The session that has called the builtin which runs on this thread.
HostSession& calling_session();

}  // namespace cppipc
