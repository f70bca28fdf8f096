// SPDX-License-Identifier: Apache-2.0
#include <cppipc/extension.h>

#include "work.h"

#include <functional>

namespace {

double total(const cppipc::ext::ArrayView<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}
double apply(const std::function<double(double)>& f, double x) { return f(x); }

}  // namespace

CPPIPC_EXTENSION(ours, m) {
  m.function("square_root", &square_root, arg("x"), "The root.");
  m.function("greet", &greet, arg("name"), "A greeting.");
  m.function("square_all", &square_all, arg("values"), "All squares.");
  m.function("total", &total, arg("values"), "The sum.");
  m.function("apply", &apply, arg("f"), arg("x") = 1.0, "f(x).");
  m.type<Accumulator>("Accumulator", "Adds up.")
      .init<double>(arg("start") = 0.0)
      .method("add", &Accumulator::add, arg("x"), "Adds x.")
      .method("add_from", &Accumulator::add_from, arg("other"), "Adds another.")
      .property("total", &Accumulator::total, "The sum.");
}
