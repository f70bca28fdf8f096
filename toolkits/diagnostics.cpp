// SPDX-License-Identifier: Apache-2.0
#include "toolkits/diagnostics.h"

namespace cppipc::toolkits {

void register_diagnostics(Registry& registry) {
  register_diagnostics_values(registry);
  register_diagnostics_running(registry);
  register_holder(registry);
  register_probe(registry);
}

}  // namespace cppipc::toolkits
