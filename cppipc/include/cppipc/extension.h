// SPDX-License-Identifier: Apache-2.0
#pragma once
// Extensions in C++17: functions and types that a running server loads from a shared library.
//
//   CPPIPC_EXTENSION(square, m) {
//     m.doc("Squares and their roots.");
//     m.function("square_root", &square_root, arg("x"), "The root of x.");
//     m.type<Accumulator>("Accumulator", "Adds up.")
//         .init<double>(arg("start") = 0.0)
//         .method("add", &Accumulator::add, arg("x"), "Adds x; returns the new total.")
//         .property("total", &Accumulator::total, "What was added up.");
//   }
//
// These headers need no library and nothing of the server's but extension_abi.h; any compiler,
// standard library and flags will do. docs/extensions.md tells how to build and load them.
//
// Parameters and results may be bool, integers, float and double, std::complex, std::string,
// std::string_view, Bytes, std::vector, std::array, std::pair, std::tuple, std::map and
// std::unordered_map with text as keys, std::optional, ArrayView<T> and Array<T>, Value,
// std::function<R(A...)>, registered enumerations, and registered types as T&, T*, T, or
// std::shared_ptr<T>. A Context& parameter tells about the call.

#include <cppipc/ext/module.h>

// Defines the extension NAME: a block follows that fills MODULE, a cppipc::ext::Module. At file
// scope, once in a library. Within the block arg() and `blocking` need no namespace.
#define CPPIPC_EXTENSION(NAME, MODULE)                                                  \
  namespace cppipc_extension_##NAME {                                                   \
    using ::cppipc::ext::arg;                                                           \
    using ::cppipc::ext::blocking;                                                      \
    static void define(::cppipc::ext::Module& MODULE);                                  \
  }                                                                                     \
  extern "C" const cppipc_extension* cppipc_extension_entry(const cppipc_host* host) {  \
    return ::cppipc::ext::detail::enter(host, #NAME, &cppipc_extension_##NAME::define); \
  }                                                                                     \
  void cppipc_extension_##NAME::define([[maybe_unused]] ::cppipc::ext::Module& MODULE)
