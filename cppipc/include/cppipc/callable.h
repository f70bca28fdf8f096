// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions as values: what a Variant of kind callable holds.
//
// A function lives on the side that made it, and the other side has a Callable that calls it
// there. A Python callable given to a server is one; so is a std::function that a server returns.
// A registered function of the server is known by its name, and C++ calls it on the spot.

#include <cppipc/function.h>
#include <cppipc/variant.h>

#include <string>
#include <string_view>
#include <utility>

namespace cppipc {

// Threads: any, several at one time; what is called may ask for less.
class Callable : public Object {
 public:
  // What functions of either side are called in messages; no registered type may have that name.
  static constexpr std::string_view kTypeName = "function";
  std::string_view type_name() const final { return kTypeName; }

  // Calls it and waits for its result. On a host, a call of a client's function is made on behalf
  // of the method that runs on this thread: its objects may be called from there meanwhile.
  // Errors: what the function throws, as an Error; kWrongType for arguments that do not fit;
  // kConnectionLost if its side is gone; kQuotaExceeded past HostLimits::callbacks_in_flight.
  virtual Variant call(Arguments arguments) = 0;

  // The name of a registered function of the server; empty for all others.
  virtual std::string_view registered_name() const { return {}; }
  // Equal for Callables that stand for one function.
  virtual const void* identity() const { return this; }
};

// Whether both stand for one function.
bool same_function(const Callable& a, const Callable& b);

// A registered function of a server, seen from a client: an argument for it. It cannot be called
// here; Client::run() does that.
class NamedFunction final : public Callable {
 public:
  explicit NamedFunction(std::string name) : name_(std::move(name)) {}
  // Errors: kNotSupported.
  Variant call(Arguments arguments) override;
  std::string_view registered_name() const override { return name_; }

 private:
  const std::string name_;
};

}  // namespace cppipc
