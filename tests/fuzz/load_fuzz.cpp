// SPDX-License-Identifier: Apache-2.0
// Any bytes as a saved file: as they are, and as the content of blocks with the right checksums.
// They are refused, or what comes out can be looked at and saved again.

#include <cppipc/registry.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cpp/save/save_files.h"

namespace cppipc::fuzz {
namespace {

constexpr std::size_t kInputBytesMax = 1 << 16;

struct Node {
  std::vector<double> numbers;
  Variant value;
  std::shared_ptr<Node> next;
};

Registry nodes() {
  Registry registry;
  registry.type<Node>("Node").saveable(
      2,
      [](const Node& node, SaveWriter& out) {
        out.write(node.numbers);
        out.write(node.value);
        out.write(node.next);
      },
      [](SaveReader& in) {
        auto node = std::make_shared<Node>();
        node->numbers = in.read<std::vector<double>>();
        node->value = in.read<Variant>();
        if (in.version() > 1) node->next = in.read<std::shared_ptr<Node>>();
        return node;
      });
  return registry;
}

// What announces more than there is must not get it.
class Account final : public MemoryAccount {
 public:
  void charge(std::uint64_t bytes) override {
    if (bytes > kMost - charged_) throw Error(ErrorKind::kQuotaExceeded, "too much");
    charged_ += bytes;
  }
  void discharge(std::uint64_t bytes) noexcept override { charged_ -= bytes; }

 private:
  static constexpr std::uint64_t kMost = 64 << 20;
  std::uint64_t charged_ = 0;
};

void load(const std::string& file, bool knows_size) {
  static const Registry registry = nodes();
  test::MemorySource source(file, knows_size);
  try {
    const Variant value = load_value(registry, source, std::make_shared<Account>());
    (void)test::saved(value, registry);
  } catch (const Error&) {
    // Refused: whatever the kind is, nothing of it is left.
  }
}

}  // namespace
}  // namespace cppipc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cppipc;
  if (size > fuzz::kInputBytesMax) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  fuzz::load(bytes, true);
  fuzz::load(test::in_blocks(bytes), true);
  fuzz::load(test::in_blocks(bytes), false);
  return 0;
}
