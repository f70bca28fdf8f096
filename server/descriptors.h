// SPDX-License-Identifier: Apache-2.0
#pragma once
// The descriptors that the process was started with.

namespace cppipc::server {

// A descriptor number below 3 that is closed would soon be a socket, and printing would write to
// a client. Errors: std::system_error.
void open_standard_descriptors();

// Checks the descriptor of --inherited-fd. Errors: std::runtime_error.
void check_inherited_socket(int fd);

// Makes it non-blocking and close-on-exec, as an accepted one is. Errors: std::system_error.
void prepare_inherited_socket(int fd);

}  // namespace cppipc::server
