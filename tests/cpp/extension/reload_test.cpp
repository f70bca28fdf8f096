// SPDX-License-Identifier: Apache-2.0
// Files that change after they were loaded.
#include "extension/built.h"
#include "values/calling.h"

#include <link.h>

namespace cppipc::reload_test {
namespace {

using std::filesystem::copy_file;
using std::filesystem::copy_options;
using test::built;
using test::call;
using test::create;

TEST(ReloadExtension, TheSameBytesAreTheSameExtension) {
  const test::Folder folder;
  const std::filesystem::path copy = folder.path() / "other.so";
  const auto first = load_extension(built("square"));
  EXPECT_EQ(load_extension(built("square")), first);
  copy_file(built("square"), copy);
  EXPECT_EQ(load_extension(copy), first);
  EXPECT_EQ(first->path(), built("square").string());
}

TEST(ReloadExtension, ARebuiltFileIsTheNewCodeAndTheOldOneGoesOn) {
  const test::Folder folder;
  const std::filesystem::path file = folder.path() / "reloaded.so";
  copy_file(built("reloaded1"), file);
  const auto first = load_extension(file);
  EXPECT_EQ(call(first->registry(), "reloaded.answer"), Variant(1));
  const Variant old_thing = create(first->registry(), "reloaded.Thing");

  // Written over where it lies: what is loaded must not change with it.
  copy_file(built("reloaded2"), file, copy_options::overwrite_existing);
  const auto second = load_extension(file);
  EXPECT_NE(second, first);
  EXPECT_NE(second->content_hash(), first->content_hash());
  EXPECT_EQ(call(second->registry(), "reloaded.answer"), Variant(2));
  EXPECT_EQ(call(first->registry(), "reloaded.answer"), Variant(1));
  EXPECT_EQ(test::call_method(first->registry(), old_thing, "answer"), Variant(1));

  // Back to what it was before.
  copy_file(built("reloaded1"), file, copy_options::overwrite_existing);
  EXPECT_EQ(load_extension(file), first);

  // And gone: the code stays.
  std::filesystem::remove(file);
  EXPECT_EQ(call(second->registry(), "reloaded.answer"), Variant(2));
}

TEST(ReloadExtension, DataOfTheTwoLoadsIsApart) {
  const auto first = load_extension(built("reloaded1"));
  const auto second = load_extension(built("reloaded2"));
  const Variant before = call(second->registry(), "reloaded.calls");
  (void)call(first->registry(), "reloaded.calls");
  EXPECT_EQ(call(second->registry(), "reloaded.calls"), Variant(before.as<std::int64_t>() + 1));
}

TEST(ReloadExtension, ObjectsOfTheOldLoadAreRefusedByTheNewOne) {
  const auto first = load_extension(built("reloaded1"));
  const auto second = load_extension(built("reloaded2"));
  const Variant old_thing = create(first->registry(), "reloaded.Thing");
  const Variant new_thing = create(second->registry(), "reloaded.Thing");
  EXPECT_EQ(call(first->registry(), "reloaded.answer_of", {{old_thing}, {}}), Variant(1));
  EXPECT_EQ(call(second->registry(), "reloaded.answer_of", {{new_thing}, {}}), Variant(2));
  EXPECT_EQ(test::refusal([&] {
              call(second->registry(), "reloaded.answer_of", {{old_thing}, {}});
            }),
            "wrongType: reloaded.answer_of() parameter 'thing': expected reloaded.Thing of the "
            "extension as it is loaded now, got reloaded.Thing");
}

TEST(ReloadExtension, TheLinkerAndBacktracesKnowItByItsFileName) {
  (void)load_extension(built("square"));
  bool is_named = false;
  const auto look = [](dl_phdr_info* info, std::size_t, void* found) {
    const std::filesystem::path name = info->dlpi_name;
    if (name.filename() == "square.so") *static_cast<bool*>(found) = true;
    return 0;
  };
  ::dl_iterate_phdr(look, &is_named);
  EXPECT_TRUE(is_named);
}

}  // namespace
}  // namespace cppipc::reload_test
