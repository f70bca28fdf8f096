// SPDX-License-Identifier: Apache-2.0
// An extension in two versions, of which one is built with -DVERSION=1 and one with -DVERSION=2.
#include <cppipc/extension.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace {

class Tally {
 public:
  explicit Tally(std::int64_t start) : count_(start) {}
  std::int64_t add(std::int64_t by) { return count_ += by; }
  std::int64_t version() const { return VERSION; }
  std::shared_ptr<Tally> twin() const { return std::make_shared<Tally>(count_); }
#if VERSION == 2
  std::int64_t reset() { return count_ = 0; }
#endif

 private:
  std::int64_t count_;
};

std::int64_t version() { return VERSION; }

[[noreturn]] void crash() { std::abort(); }

// Deeper than any stack.
std::int64_t overflow(std::int64_t depth) {
  volatile char frame[4096] = {};
  return depth < 0 ? frame[0] : overflow(depth + 1) + frame[1];
}

}  // namespace

CPPIPC_EXTENSION(tally, m) {
  m.doc("Counts.");
#ifdef FAILING
  throw std::runtime_error("the tally is closed");
#endif
#ifdef CRASHING
  std::abort();
#endif
  m.function("version", &version, "The version that was built.");
  m.function("crash", &crash, "Ends the server.");
  m.function("overflow", &overflow, arg("depth") = 0, "Ends the server.");
  m.type<Tally>("Tally", "A count.")
      .init<std::int64_t>(arg("start") = 0)
      .method("add", &Tally::add, arg("by") = 1, "Adds `by`.")
      .method("twin", &Tally::twin, "Another one with the same count.")
#if VERSION == 2
      .method("reset", &Tally::reset, "Begins anew.")
#endif
      .property("version", &Tally::version, "The version it is of.");
}
