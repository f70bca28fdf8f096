// SPDX-License-Identifier: Apache-2.0
#include "wire/sizes.h"

namespace cppipc {
namespace {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

}  // namespace

std::string spell_bytes(std::uint64_t size_bytes) {
  constexpr std::uint64_t kMiB = 1ull << 20;
  const std::string bytes = grouped(size_bytes) + (size_bytes == 1 ? " byte" : " bytes");
  if (size_bytes < kMiB) return bytes;
  std::uint64_t whole = size_bytes / kMiB;
  std::uint64_t tenths = (size_bytes % kMiB * 10 + kMiB / 2) / kMiB;
  if (tenths == 10) {
    ++whole;
    tenths = 0;
  }
  const std::string fraction = tenths == 0 ? "" : "." + std::to_string(tenths);
  return grouped(whole) + fraction + " MiB (" + bytes + ")";
}

void refuse_size(const char* what, std::uint64_t size_bytes, std::uint64_t limit_bytes) {
  throw Error(ErrorKind::kTooLarge,
              std::string(what) + " " + spell_bytes(size_bytes) + ", more than the limit of " +
                  spell_bytes(limit_bytes) +
                  "; pass large data as an array, bytes or str, which cross beside the message");
}

}  // namespace cppipc
