// SPDX-License-Identifier: Apache-2.0
#pragma once
// Calls from the host into extensions, and what they are told about them.

#include <cppipc/callable.h>
#include <cppipc/detail/signature.h>
#include <cppipc/extension_abi.h>
#include <cppipc/function.h>

#include "extension/views.h"

#include <atomic>
#include <memory>
#include <optional>

// A call that runs, on the stack of the thread that runs it.
struct cppipc_call {
  const cppipc::detail::Signature* signature = nullptr;  // null: of a function that is a value
  const cppipc::Registry* registry = nullptr;
  cppipc::Context* context = nullptr;  // null likewise
  cppipc::Variant result;
};

// A value or a failure with its count. Threads: any.
struct cppipc_handle {
  std::atomic<std::size_t> count{1};
  cppipc::Variant value;
  std::unique_ptr<cppipc::detail::Views> views;
  cppipc_value viewed = {};
  std::optional<cppipc::Error> error;  // of failures
};

namespace cppipc::detail {

// Where parameter `i` and the result of a call stand.
Place parameter_place(const cppipc_call* call, std::size_t i);
Place result_place(const cppipc_call* call);

// A handle with a count of one. Errors: std::bad_alloc.
cppipc_handle* make_handle(Variant value);
// The exception that is being handled, as a failure. Never null.
cppipc_failure current_failure() noexcept;
void release(cppipc_handle* handle) noexcept;

// Runs a function of an extension, whose arguments bind to `signature`. `type` is the type whose
// method it is; null for functions. Errors: what it fails with.
Variant run(const cppipc_function& function, const Signature& signature, const cppipc_type* type,
            Invocation& invocation);

// A function of an extension as a value. Owns: a share of its data.
CallablePtr extension_function(const cppipc_closure& closure);

}  // namespace cppipc::detail
