// SPDX-License-Identifier: Apache-2.0
#pragma once
// Toolkits and types that show what a server does with values, objects, time and failures. For
// tests and for `python -m unity doctor`; registered only if the server is told to.

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// Registers the functions diagnostics.NAME and the types Holder and Probe.
void register_diagnostics(Registry& registry);

// The parts of it, one per source file.
void register_diagnostics_values(Registry& registry);   // echo copy describe total alloc pair
void register_diagnostics_running(Registry& registry);  // sleep work fail crash
void register_holder(Registry& registry);
void register_probe(Registry& registry);

}  // namespace cppipc::toolkits
