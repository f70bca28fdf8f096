// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which extensions a server loads, and when.

#include <cppipc/host.h>

#include <functional>
#include <string>

#include "server/logging.h"
#include "server/options.h"

namespace cppipc::server {

// Loads a file. It is named in the log before, and in the report of a crash, so that one of its own
// code can be told from others. Errors: as load_extension(), naming the file.
LoadedExtension load_file(const std::string& file, Log& log);

// HostOptions::load_extension: a private server loads any file; with --extension-dir, a server
// loads what lies in that folder, symbolic links followed, and its clients name it as seen from
// there; no other server loads anything, and the result is empty.
std::function<LoadedExtension(const std::string& path, const std::string& folder)> client_loader(
    const Options& options, Log& log);

}  // namespace cppipc::server
