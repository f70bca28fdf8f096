// SPDX-License-Identifier: Apache-2.0
#include "typed_server/saved.h"

#include <cppipc/registry.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cppipc::test {
namespace {

// Numbers, and bytes that a function of the client gives when the model is saved.
class Model {
 public:
  explicit Model(std::vector<double> weights) : weights_(std::move(weights)) {}

  const std::vector<double>& weights() const { return weights_; }
  const Bytes& part() const { return part_; }
  void set_part(std::function<Bytes(std::int64_t)> give) { give_ = std::move(give); }

  void save(SaveWriter& out) const {
    out.write(weights_);
    out.write(give_ ? give_(static_cast<std::int64_t>(weights_.size())) : part_);
  }
  static std::unique_ptr<Model> load(SaveReader& in) {
    auto model = std::make_unique<Model>(in.read<std::vector<double>>());
    model->part_ = in.read<Bytes>();
    return model;
  }

 private:
  std::vector<double> weights_;
  Bytes part_;
  std::function<Bytes(std::int64_t)> give_;
};

// Has no way to be saved.
class Unsaved {};

}  // namespace

void register_saved(Registry& registry) {
  registry.type<Model>("saved.Model", "Numbers, and a part that Python implements.")
      .init<std::vector<double>>(arg("weights"))
      .saveable(1, &Model::save, &Model::load)
      .property("weights", &Model::weights)
      .property("part", &Model::part)
      .method("set_part", &Model::set_part, arg("give"));
  registry.type<Unsaved>("saved.Unsaved").init<>();
}

}  // namespace cppipc::test
