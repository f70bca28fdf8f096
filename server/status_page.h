// SPDX-License-Identifier: Apache-2.0
#pragma once
// The status page, which the build takes from status_page.html.

#include <string_view>

namespace cppipc::server {

// In it %NONCE% stands for the nonce that allows its style and its script.
std::string_view status_page();

}  // namespace cppipc::server
