// SPDX-License-Identifier: Apache-2.0
#pragma once
// What both libraries of bench_extension.py offer: five functions, less two that are about arrays
// and functions and so look different, and one class.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

inline double square_root(double x) { return std::sqrt(x); }
inline std::string greet(const std::string& name) { return "Hello, " + name; }
inline std::vector<double> square_all(std::vector<double> values) {
  for (double& value : values) value *= value;
  return values;
}

class Accumulator {
 public:
  explicit Accumulator(double start) : total_(start) {}
  double add(double x) { return total_ += x; }
  void add_from(const Accumulator& other) { total_ += other.total_; }
  double total() const { return total_; }

 private:
  double total_;
};
