// SPDX-License-Identifier: Apache-2.0
#pragma once
// Probe: an exposed type whose methods take and return objects of its own type in every way.

#include <cppipc/variant.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cppipc::toolkits {

// A settable integer. Errors: std::overflow_error where a sum does not fit into 64 bits.
// Threads: one call at a time; a call also holds the Probe that it is given.
class Probe : public std::enable_shared_from_this<Probe> {
 public:
  explicit Probe(std::int64_t value) : value_(value) {}

  std::int64_t value() const { return value_; }
  void set_value(std::int64_t value) { value_ = value; }
  // Each of the two adds and returns the new value.
  std::int64_t add(std::int64_t n);
  std::int64_t add_from(const std::shared_ptr<Probe>& other);
  // Exchanges the values.
  void swap(const std::shared_ptr<Probe>& other);
  // A new Probe of value() + n.
  std::shared_ptr<Probe> plus(std::int64_t n) const;
  std::shared_ptr<Probe> itself() { return shared_from_this(); }
  // n new ones of value() + 0, + 1, … Errors: std::invalid_argument unless n is 0 to 1,000,000.
  std::vector<std::shared_ptr<Probe>> many(std::int64_t n) const;
  // {"a": itself, "b": [itself, a new one of value() + 1]}.
  std::map<std::string, std::variant<std::shared_ptr<Probe>, std::vector<std::shared_ptr<Probe>>>>
  tree();

 private:
  std::int64_t value_;
};

}  // namespace cppipc::toolkits
