// SPDX-License-Identifier: Apache-2.0
#pragma once
// Python callables that C++ may call, and the exceptions that they raise.

#include <Python.h>
#include <cppipc/client.h>
#include <cxxabi.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "python_raised.h"
#include "runtime.h"

namespace unity {

// What became of a call: a result that was written, or this.
struct Failure {
  bool has_failed = false;
  int kind = 0;  // cppipc::ErrorKind
  std::string text;
  std::string thrown_type;
  std::string exception_name;
  std::shared_ptr<PythonRaised> raised;

  // Call it with the GIL.
  void set(Runtime& runtime, int error_kind, std::string message, std::string type,
           std::string registered_name, PyObject* exception) {
    has_failed = true;
    kind = error_kind;
    text = std::move(message);
    thrown_type = std::move(type);
    exception_name = std::move(registered_name);
    raised = std::make_shared<PythonRaised>(exception, runtime.keep(exception));
  }
};

// Owns: a share of the callable and of a weak reference to its connection, which C++ may drop on
// any thread. Threads: any, without the GIL.
class PythonFunction final : public cppipc::WritingFunction {
 public:
  // Takes the GIL and calls; does not throw.
  using Run = void (*)(PyObject* function, PyObject* connection, const cppipc::Arguments& arguments,
                       cppipc::ValueWriter* out, const cppipc::MarshalLimits& limits,
                       Failure* failure);

  // With the GIL.
  PythonFunction(Runtime& runtime, PyObject* function, PyObject* connection)
      : runtime_(runtime),
        function_(function),
        connection_(connection),
        kept_function_(runtime.keep(function)),
        kept_connection_(runtime.keep(connection)) {}

  ~PythonFunction() override {
    kept_function_.reset();
    kept_connection_.reset();
    runtime_.release_elsewhere();
  }

  PyObject* function() const { return function_; }
  const void* identity() const override { return function_; }

  cppipc::Variant call(cppipc::Arguments) override {
    throw cppipc::Error(cppipc::ErrorKind::kNotSupported, "only the server calls this function");
  }

  void answer(cppipc::Arguments arguments, cppipc::ValueWriter& out,
              const cppipc::MarshalLimits& limits) override {
    runtime_.park_if_exiting();
    Failure failure;
    const auto run = reinterpret_cast<Run>(runtime_.run_function());
    try {
      run(function_, connection_, arguments, &out, limits, &failure);
    } catch (const abi::__forced_unwind&) {
      // The interpreter has ended while the callable ran, and ends this thread wherever it wants
      // the GIL. To be unwound further would end the process, so the thread stays here.
      for (;;) pause();
    }
    arguments = cppipc::Arguments();
    if (!failure.has_failed) return;
    cppipc::Error error(static_cast<cppipc::ErrorKind>(failure.kind), std::move(failure.text));
    error.thrown_type = std::move(failure.thrown_type);
    error.exception_name = std::move(failure.exception_name);
    error.raised = std::move(failure.raised);
    throw error;
  }

 private:
  Runtime& runtime_;
  PyObject* const function_;
  PyObject* const connection_;
  std::shared_ptr<const void> kept_function_;
  std::shared_ptr<const void> kept_connection_;
};

// With the GIL.
inline void put_python_function(cppipc::Variant* out, Runtime& runtime, PyObject* function,
                                PyObject* connection) {
  out->storage().emplace<cppipc::CallablePtr>(
      std::make_shared<PythonFunction>(runtime, function, connection));
}
inline void put_named_function(cppipc::Variant* out, const std::string& name) {
  out->storage().emplace<cppipc::CallablePtr>(std::make_shared<cppipc::NamedFunction>(name));
}

// The callable that a variant of kind callable stands for, borrowed; null if it is none of this
// process.
inline PyObject* get_python_function(const cppipc::Variant& value) {
  const auto& function = *value.get_if<cppipc::CallablePtr>();
  const auto* ours = dynamic_cast<const PythonFunction*>(function.get());
  return ours == nullptr ? nullptr : ours->function();
}
// The name of a registered function of the server; empty if it is another one.
inline std::string_view get_function_name(const cppipc::Variant& value) {
  return (*value.get_if<cppipc::CallablePtr>())->registered_name();
}

}  // namespace unity
