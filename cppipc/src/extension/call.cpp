// SPDX-License-Identifier: Apache-2.0
#include "extension/call.h"

#include <cppipc/detail/convert_functions.h>

#include "extension/take.h"

#include <array>
#include <new>
#include <utility>

namespace cppipc::detail {
namespace {

// What all of it says is known before there is no memory left to say it.
struct OutOfMemory : cppipc_handle {
  OutOfMemory() { error.emplace(ErrorKind::kOutOfMemory, "out of memory"); }
};

cppipc_failure out_of_memory() {
  static auto* const failure = std::make_unique<OutOfMemory>().release();
  failure->count.fetch_add(1, std::memory_order_relaxed);
  return failure;
}

// Throws what a failure is, and gives it back. Null is none.
void throw_failure(cppipc_failure failure) {
  if (failure == nullptr) return;
  const std::unique_ptr<cppipc_handle, void (*)(cppipc_handle*)> owner(failure, &release);
  if (!failure->error) {
    throw Error(ErrorKind::kRemote, "the extension returned a failure that is none");
  }
  throw Error(*failure->error);
}

class ExtensionFunction final : public Callable {
 public:
  explicit ExtensionFunction(const cppipc_closure& closure) : closure_(closure) {
    closure_.data = closure.copy(closure.data);
    if (closure_.data == nullptr) throw std::bad_alloc();
  }
  ~ExtensionFunction() override { closure_.drop(closure_.data); }
  ExtensionFunction(const ExtensionFunction&) = delete;
  ExtensionFunction& operator=(const ExtensionFunction&) = delete;

  Variant call(Arguments arguments) override {
    check_argument_count(arguments, closure_.parameter_count);
    cppipc_call call;
    Views views;
    const std::span<cppipc_value> values = views.make_values(arguments.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = views.view(arguments.values[i]);
    const cppipc_frame frame{sizeof(cppipc_frame), &call, nullptr, values.data(), values.size()};
    throw_failure(closure_.invoke(closure_.data, &frame));
    return std::move(call.result);
  }

 private:
  cppipc_closure closure_;
};

}  // namespace

Place parameter_place(const cppipc_call* call, std::size_t i) {
  if (call != nullptr && call->signature != nullptr && i < call->signature->parameters.size()) {
    return call->signature->parameter_place(i, *call->registry);
  }
  static constexpr std::array<std::string_view, 4> kNames = {"argument[0]", "argument[1]",
                                                             "argument[2]", "argument[3]"};
  Place place;
  place.name = i < kNames.size() ? kNames[i] : "argument";
  return place;
}

Place result_place(const cppipc_call* call) {
  if (call != nullptr && call->signature != nullptr) {
    return call->signature->result_place(*call->registry);
  }
  Place place;
  place.name = "result";
  return place;
}

cppipc_handle* make_handle(Variant value) {
  auto handle = std::make_unique<cppipc_handle>();
  handle->value = std::move(value);
  handle->views = std::make_unique<Views>();
  handle->viewed = handle->views->view(handle->value);
  return handle.release();
}

cppipc_failure current_failure() noexcept {
  try {
    auto handle = std::make_unique<cppipc_handle>();
    handle->error.emplace(current_error());
    return handle.release();
  } catch (...) {
    return out_of_memory();
  }
}

void release(cppipc_handle* handle) noexcept {
  if (handle->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::unique_ptr<cppipc_handle> last(handle);
}

Variant run(const cppipc_function& function, const Signature& signature, const cppipc_type* type,
            Invocation& invocation) {
  Binding binding(signature, invocation);
  cppipc_call call{&signature, &invocation.registry, &invocation.context, {}};
  std::array<std::byte, 1024> buffer;
  Views views(buffer);
  const std::span<cppipc_value> values = views.make_values(signature.parameters.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = views.view(binding.value(i));
  cppipc_value self = {};
  const bool has_self = type != nullptr && invocation.self != nullptr;
  if (has_self) self = views.view_self(invocation.self, *type);
  const cppipc_frame frame{sizeof(cppipc_frame), &call, has_self ? &self : nullptr, values.data(),
                           values.size()};
  throw_failure(function.invoke(function.data, &frame));
  return std::move(call.result);
}

CallablePtr extension_function(const cppipc_closure& closure) {
  return std::make_shared<ExtensionFunction>(closure);
}

}  // namespace cppipc::detail
