// SPDX-License-Identifier: Apache-2.0
#pragma once
// A Python exception on its way through C++.

#include <Python.h>
#include <cppipc/variant.h>

#include <memory>
#include <string_view>
#include <utility>

namespace unity {

// What a callable raised. While the server, or an Error, refers to it the exception lives, and
// comes out as itself where the error gets back to Python.
class PythonRaised final : public cppipc::Object {
 public:
  PythonRaised(PyObject* exception, std::shared_ptr<const void> kept)
      : exception_(exception), kept_(std::move(kept)) {}
  std::string_view type_name() const override { return "exception"; }
  PyObject* exception() const { return exception_; }

 private:
  PyObject* const exception_;
  const std::shared_ptr<const void> kept_;
};

}  // namespace unity
