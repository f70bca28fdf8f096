// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "work.h"

#include <functional>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

double total(const nb::ndarray<const double, nb::ndim<1>>& values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.shape(0); ++i) sum += values(i);
  return sum;
}
double apply(const std::function<double(double)>& f, double x) { return f(x); }

}  // namespace

NB_MODULE(nanobinds, m) {
  m.def("square_root", &square_root, "x"_a, "The root.");
  m.def("greet", &greet, "name"_a, "A greeting.");
  m.def("square_all", &square_all, "values"_a, "All squares.");
  m.def("total", &total, "values"_a, "The sum.");
  m.def("apply", &apply, "f"_a, "x"_a = 1.0, "f(x).");
  nb::class_<Accumulator>(m, "Accumulator", "Adds up.")
      .def(nb::init<double>(), "start"_a = 0.0)
      .def("add", &Accumulator::add, "x"_a, "Adds x.")
      .def("add_from", &Accumulator::add_from, "other"_a, "Adds another.")
      .def_prop_ro("total", &Accumulator::total, "The sum.");
}
