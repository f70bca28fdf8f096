// SPDX-License-Identifier: Apache-2.0
// An extension: a shared library that a running server loads. docs/extensions.md tells how.
//
//   python -m unity build examples/square.cpp
#include <cppipc/extension.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using cppipc::ext::Array;
using cppipc::ext::ArrayView;
using cppipc::ext::Context;

double square_root(double x) {
  if (x < 0) throw std::domain_error("square_root of a negative number");
  return std::sqrt(x);
}

std::vector<double> square_all(std::vector<double> values) {
  for (double& value : values) value *= value;
  return values;
}

// The array is read where it lies in the caller's memory, and the result leaves without a copy.
Array<double> squares(const ArrayView<double>& values) {
  Array<double> result(values.shape());
  std::int64_t i = 0;
  for (const double value : values) result[i++] = value * value;
  return result;
}

// Calls a Python function for each number.
double sum_of(const std::function<double(double)>& f, std::int64_t count, Context& context) {
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    context.throw_if_cancelled();
    context.progress(static_cast<double>(i) / static_cast<double>(count));
    total += f(static_cast<double>(i));
  }
  return total;
}

class Accumulator {
 public:
  explicit Accumulator(double start) : total_(start) {}
  double add(double x) { return total_ += x; }
  void add_from(const Accumulator& other) { total_ += other.total_; }
  std::shared_ptr<Accumulator> doubled() const { return std::make_shared<Accumulator>(2 * total_); }
  double total() const { return total_; }
  void set_total(double total) { total_ = total; }

 private:
  double total_;  // no lock: the server runs the calls of one object one at a time
};

}  // namespace

CPPIPC_EXTENSION(square, m) {
  m.doc("Squares and their roots.");
  m.function("square_root", &square_root, arg("x"), "The root of x, which is not negative.");
  m.function("square_all", &square_all, arg("values"), "The square of each number.");
  m.function("squares", &squares, arg("values"), "The squares of an array, of the same shape.");
  m.function("sum_of", &sum_of, arg("f"), arg("count") = 10, "The sum of f(0) to f(count - 1).");
  m.type<Accumulator>("Accumulator", "Adds up.")
      .init<double>(arg("start") = 0.0)
      .method("add", &Accumulator::add, arg("x"), "Adds x; returns the new total.")
      .method("add_from", &Accumulator::add_from, arg("other"), "Adds the total of another.")
      .method("doubled", &Accumulator::doubled, "A new one with twice the total.")
      .property("total", &Accumulator::total, &Accumulator::set_total, "What was added up.");
}
