// SPDX-License-Identifier: Apache-2.0
// unity_server with the functions of functions.h.
#include <cppipc/registry.h>

#include <cstdio>

#include "old_toolkits/demo_addone.h"
#include "server/options.h"
#include "server/process.h"
#include "typed_server/exposing.h"
#include "typed_server/functions.h"
#include "typed_server/messages.h"
#include "typed_server/saved.h"
#include "typed_server/settings.h"
#include "typed_server/tables.h"

int main(int argc, char** argv) {
  using namespace cppipc::server;
  const ParsedOptions parsed = parse_options(argc, argv);
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == kExitOk ? stdout : stderr);
    return parsed.exit_code;
  }
  return run_server(*parsed.options, [](cppipc::Registry& registry) {
    cppipc::test::register_typed(registry);
    cppipc::test::register_messages(registry);
    cppipc::test::register_saved(registry);
    cppipc::test::register_settings(registry);
    cppipc::test::register_tables(registry);
    registry.toolkits(demo_addone::get_registration(), "old");
    cppipc::test::register_exposing(registry);
  });
}
