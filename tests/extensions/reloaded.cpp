// SPDX-License-Identifier: Apache-2.0
// An extension that the tests build twice, with another ANSWER, to load one in place of the other.
#include <cppipc/extension.h>

// Data that two libraries would share if their symbols met.
template <class T>
int& calls() {
  static int count = 0;
  return count;
}

namespace {

class Thing {
 public:
  int answer() const { return ANSWER; }
};

}  // namespace

// Of one name in both.
int answer() { return ANSWER; }

CPPIPC_EXTENSION(reloaded, m) {
  m.function("answer", &answer);
  m.function("calls", [] { return ++calls<int>(); });
  m.type<Thing>("Thing").init<>().method("answer", &Thing::answer);
  m.function(
      "answer_of", [](const Thing& thing) { return thing.answer(); }, arg("thing"));
}
