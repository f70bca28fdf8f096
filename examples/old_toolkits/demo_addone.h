// SPDX-License-Identifier: Apache-2.0
#pragma once
// Toolkits in the form of an invocation and a response.

#include <cppipc/toolkit.h>

#include <vector>

namespace demo_addone {

// The toolkits of demo_addone.cpp, for Registry::toolkits().
std::vector<cppipc::ToolkitSpecification> get_registration();

}  // namespace demo_addone
