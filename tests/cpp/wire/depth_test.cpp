// SPDX-License-Identifier: Apache-2.0
// Values nested to the limit, on a thread with a small stack.

#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <string>

namespace cppipc::depth_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;

// Runs `body` on a thread with a stack of 256 KiB and waits for its end.
void run_on_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &body), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

using Wrap = std::function<Variant(Variant)>;

Variant in_list(Variant inner) {
  List list;
  list.items.push_back(std::move(inner));
  return list;
}
Variant in_dict(Variant inner) {
  Dict dict;
  dict.entries.emplace_back("key", std::move(inner));
  return dict;
}
Variant in_key(Variant inner) {
  Dict dict;
  dict.entries.emplace_back(std::move(inner), 1);
  return dict;
}

// `innermost` inside of `depth` containers.
Variant nested(int depth, const Wrap& wrap, Variant innermost) {
  for (int i = 0; i < depth; ++i) innermost = wrap(std::move(innermost));
  return innermost;
}

// How many lists or dicts with one item are around the innermost value.
int depth_of(const Variant& value) {
  int depth = 0;
  for (const Variant* inner = &value;; ++depth) {
    if (const List* list = inner->get_if<List>()) {
      inner = &list->items.at(0);
    } else if (const Dict* dict = inner->get_if<Dict>()) {
      const auto& entry = dict->entries.at(0);
      inner = entry.first.kind() == Kind::kStr ? &entry.second : &entry.first;
    } else {
      return depth;
    }
  }
}

void expect_round_trip(int depth, const Wrap& wrap) {
  run_on_small_stack([&] {
    const Variant value = nested(depth, wrap, 1);
    MemoryCaps caps;
    MemoryMessage message;
    measure(value, {});
    marshal(value, message.init<wire::Variant>(), caps, {});
    const Variant back = unmarshal(message.read<wire::Variant>(), caps);
    EXPECT_EQ(depth_of(back), depth);
  });
}

TEST(Depth, AThousandListsCross) { expect_round_trip(kDepthMax, in_list); }
TEST(Depth, AThousandDictsCross) { expect_round_trip(kDepthMax, in_dict); }
TEST(Depth, AThousandKeysCross) { expect_round_trip(kDepthMax, in_key); }

void expect_refused_by_measure(const Variant& value) {
  try {
    measure(value, {});
    ADD_FAILURE() << "measured";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_STREQ(error.what(), "a value is nested deeper than 1,000");
  }
}

TEST(Depth, DeeperValuesAreRefusedBeforeTheyAreSent) {
  run_on_small_stack([] {
    expect_refused_by_measure(nested(kDepthMax + 1, in_list, 1));
    expect_refused_by_measure(nested(kDepthMax + 1, in_dict, 1));
    expect_refused_by_measure(nested(kDepthMax, in_list, List{}));
    expect_refused_by_measure(nested(kDepthMax, in_list, List{{1, 2}}));
    expect_refused_by_measure(nested(kDepthMax, in_list, Tuple{{1.0, 2.0}}));
    expect_refused_by_measure(nested(100'000, in_list, 1));
  });
}

TEST(Depth, ArgumentsAreNotALevel) {
  const Arguments arguments{{nested(kDepthMax, in_list, 1)}, {}};
  EXPECT_NO_THROW(measure(arguments, {}));
}

void expect_refused_by_unmarshal(const Variant& value) {
  MemoryCaps caps;
  MemoryMessage message;
  marshal(value, message.init<wire::Variant>(), caps, {});
  try {
    unmarshal(message.read<wire::Variant>(), caps);
    ADD_FAILURE() << "unmarshalled";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol);
  }
}

TEST(Depth, DeeperMessagesAreRefused) {
  run_on_small_stack([] {
    expect_refused_by_unmarshal(nested(kDepthMax + 1, in_list, 1));
    expect_refused_by_unmarshal(nested(kDepthMax + 1, in_dict, 1));
    expect_refused_by_unmarshal(nested(kDepthMax, in_list, List{}));
    expect_refused_by_unmarshal(nested(kDepthMax, in_list, Tuple{{1, 2}}));
    expect_refused_by_unmarshal(nested(100'000, in_list, 1));
  });
}

}  // namespace
}  // namespace cppipc::depth_test
