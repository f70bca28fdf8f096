// SPDX-License-Identifier: Apache-2.0
#pragma once
// The figures of a server as text for programs.

#include <string>

#include "server/status_figures.h"

namespace cppipc::server {

// The text format of Prometheus, version 0.0.4. A figure that could not be read is left out.
std::string prometheus_text(const StatusFigures& figures);

// The same and the sessions as one JSON object. A figure that could not be read is null; bytes of
// names that are not UTF-8 become U+FFFD.
std::string json_text(const StatusFigures& figures);

}  // namespace cppipc::server
