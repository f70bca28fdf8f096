// SPDX-License-Identifier: Apache-2.0
// A client that says anything, against a host with real objects. Whatever it says, the host neither
// crashes nor hangs, and has nothing left of it once it is gone.
//
// The first byte of an input says what the others are: a stream of bytes, the bodies of messages,
// or a script of calls that are mostly in order.

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "fuzz/session_script.h"
#include "fuzz/session_wire.h"

namespace cppipc::fuzz {
namespace {

constexpr std::size_t kInputBytesMax = 4096;

// Bodies of messages: each takes up to 255 words of the input, and is framed properly.
void write_bodies(Wire& wire, Input input) {
  while (!input.is_empty()) {
    const auto body = input.take(std::size_t{8} * (1 + input.byte()));
    std::vector<std::uint64_t> words(1 + (body.size() + 7) / 8);
    words[0] = std::uint64_t{words.size() - 1} << 32;
    std::memcpy(words.data() + 1, body.data(), body.size());
    wire.write(std::as_bytes(std::span(words)));
  }
}

}  // namespace
}  // namespace cppipc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cppipc::fuzz;
  if (size < 1 || size > kInputBytesMax) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  Wire wire;
  switch (data[0] % 4) {
    case 0:
      wire.write(std::as_bytes(rest));
      break;
    case 1:
      write_bodies(wire, Input(rest));
      break;
    default:
      Script(wire, Input(rest)).run();
      break;
  }
  wire.finish();
  return 0;
}
