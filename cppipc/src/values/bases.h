// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a type has of the types it derives from.

#include <cppipc/registry.h>

#include <vector>

namespace cppipc::detail {

// A type and all that it derives from, in the order in which Python looks for a method: C3, as for
// Python's classes. Errors: std::logic_error if there is no such order.
std::vector<const TypeInfo*> bases_in_order(const TypeInfo& type);

// Whether a member was registered for this type itself rather than taken over from a base.
bool is_own(const TypeInfo& type, const FunctionInfo& member);

// Gives a type the members of its bases, which stay as they are from now on, beside its own.
// Errors: as bases_in_order().
void inherit_members(TypeInfo& type);

}  // namespace cppipc::detail
