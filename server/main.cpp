// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "server/options.h"
#include "server/process.h"

int main(int argc, char** argv) {
  using namespace cppipc::server;
  const ParsedOptions parsed = parse_options(argc, argv);
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == kExitOk ? stdout : stderr);
    return parsed.exit_code;
  }
  return run_server(*parsed.options);
}
