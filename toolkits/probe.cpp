// SPDX-License-Identifier: Apache-2.0
#include "toolkits/probe.h"

#include <cppipc/registry.h>

#include <stdexcept>
#include <utility>

#include "toolkits/diagnostics.h"

namespace cppipc::toolkits {
namespace {

constexpr std::int64_t kManyMax = 1'000'000;

std::int64_t sum_of(std::int64_t left, std::int64_t right) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) {
    throw std::overflow_error("the sum does not fit into 64 bits");
  }
  return sum;
}

const std::shared_ptr<Probe>& present(const std::shared_ptr<Probe>& other) {
  if (other == nullptr) throw Error(ErrorKind::kWrongType, "other must be a Probe, not None");
  return other;
}

}  // namespace

std::int64_t Probe::add(std::int64_t n) { return value_ = sum_of(value_, n); }

std::int64_t Probe::add_from(const std::shared_ptr<Probe>& other) {
  return add(present(other)->value_);
}

void Probe::swap(const std::shared_ptr<Probe>& other) { std::swap(value_, present(other)->value_); }

std::shared_ptr<Probe> Probe::plus(std::int64_t n) const {
  return std::make_shared<Probe>(sum_of(value_, n));
}

std::vector<std::shared_ptr<Probe>> Probe::many(std::int64_t n) const {
  if (n < 0 || n > kManyMax) throw std::invalid_argument("n must be 0 to 1000000");
  std::vector<std::shared_ptr<Probe>> probes;
  for (std::int64_t i = 0; i < n; ++i) probes.push_back(plus(i));
  return probes;
}

std::map<std::string, std::variant<std::shared_ptr<Probe>, std::vector<std::shared_ptr<Probe>>>>
Probe::tree() {
  return {{"a", itself()}, {"b", std::vector{itself(), plus(1)}}};
}

void register_probe(Registry& registry) {
  registry.type<Probe>("Probe", "A settable integer, to see how objects travel.")
      .init<std::int64_t>(arg("value") = 0)
      .saveable(
          1, [](const Probe& probe, SaveWriter& out) { out.write(probe.value()); },
          [](SaveReader& in) { return std::make_shared<Probe>(in.read<std::int64_t>()); })
      .property("value", &Probe::value, &Probe::set_value, "The integer.")
      .method("add", &Probe::add, arg("n"), "Adds `n`; returns the new value.")
      .method("add_from", &Probe::add_from, arg("other"),
              "Adds the value of another Probe; returns the new value.")
      .method("swap", &Probe::swap, arg("other"), "Exchanges values with another Probe.")
      .method("plus", &Probe::plus, arg("n"), "A new Probe of value + n.")
      .method("itself", &Probe::itself, "This very object.")
      .method("many", &Probe::many, arg("n"), "A list of n new Probes of value, value + 1, …")
      .method("tree", &Probe::tree, "{'a': itself, 'b': [itself, a new one of value + 1]}.");
}

}  // namespace cppipc::toolkits
