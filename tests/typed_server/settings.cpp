// SPDX-License-Identifier: Apache-2.0
#include "typed_server/settings.h"

#include <cppipc/registry.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cppipc::test {
namespace {

template <class T, class... Extra>
void keep(Registry& registry, const std::string& name, T first, Extra... extra) {
  const auto value = std::make_shared<T>(std::move(first));
  registry.setting(
      "typed." + name, [value] { return *value; }, [value](const T& given) { *value = given; },
      extra...);
}

// Counts those who are inside at one time. The yields give others a chance to come in.
class Crossing {
 public:
  std::int64_t cross() {
    ++inside_;
    for (int i = 0; i < 1000; ++i) {
      most_ = std::max(most_, inside_);
      std::this_thread::yield();
    }
    --inside_;
    return most_;
  }

 private:
  std::int64_t inside_ = 0;  // plain on purpose: one setting at a time needs no more
  std::int64_t most_ = 0;
};

}  // namespace

void register_settings(Registry& registry) {
  keep<std::string>(registry, "text", "one", "A text.");
  keep<std::int64_t>(registry, "whole", 1, "A whole number.");
  keep<std::int8_t>(registry, "small", 1);
  keep<double>(registry, "real", 0.5);
  keep<bool>(registry, "flag", false);
  keep<std::vector<std::int64_t>>(registry, "numbers", {1, 2});
  keep<std::vector<std::string>>(registry, "texts", {});
  keep<std::optional<std::int64_t>>(registry, "maybe", std::nullopt);
  keep<std::string>(registry, "start", "none given", "Given at the start only.", at_start);
  registry.setting("typed.constant", [] { return 7; });
  registry.setting(
      "typed.even", [] { return 0; },
      [](std::int64_t value) {
        if (value % 2 != 0) throw std::domain_error("must be even");
      });
  registry.setting("typed.broken", []() -> int { throw std::runtime_error("out of order"); });
  const auto crossing = std::make_shared<Crossing>();
  registry.setting("typed.crossed", [crossing] { return crossing->cross(); });
  registry.setting("typed.crossing", [crossing] { return crossing->cross(); });
}

}  // namespace cppipc::test
