// SPDX-License-Identifier: Apache-2.0
// Objects and values in saved files.
#include <cppipc/registry.h>
#include <cppipc/save.h>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "save_files.h"
#include "support/error_of.h"

namespace cppipc::save_test {
namespace {

using namespace cppipc::test;

// What a model is made of: numbers, values, and other objects.
struct Layer {
  std::vector<double> weights;
  std::map<std::string, std::int64_t> options;
  std::shared_ptr<Layer> next;

  void save(SaveWriter& out) const {
    out.write(weights);
    out.write(options);
    out.write(next);
  }
  static std::shared_ptr<Layer> load(SaveReader& in) {
    auto layer = std::make_shared<Layer>();
    layer->weights = in.read<std::vector<double>>();
    layer->options = in.read<std::map<std::string, std::int64_t>>();
    layer->next = in.read<std::shared_ptr<Layer>>();
    return layer;
  }
};

struct Plain {
  int value = 0;
};

Registry layers() {
  Registry registry;
  registry.type<Layer>("Layer").saveable(1, &Layer::save, &Layer::load);
  registry.type<Plain>("Plain");
  return registry;
}

template <class T>
Variant object(std::shared_ptr<T> instance, const Registry& registry) {
  detail::Place place;
  place.registry = &registry;
  return detail::Converter<std::shared_ptr<T>>::store(std::move(instance), place);
}

template <class T>
std::shared_ptr<T> instance(const Variant& value) {
  const auto* local = dynamic_cast<const LocalObject*>(value.as<ObjectPtr>().get());
  return std::static_pointer_cast<T>(local->instance());
}

std::shared_ptr<Layer> layer(std::vector<double> weights, std::shared_ptr<Layer> next = nullptr) {
  return std::make_shared<Layer>(Layer{std::move(weights), {{"steps", 3}}, std::move(next)});
}

TEST(Save, AnObjectComesBackAsANewOneThatIsEqual) {
  const Registry registry = layers();
  const auto before = layer(std::vector<double>(300'000, 1.5), layer({2}));
  const auto after = instance<Layer>(loaded(saved(object(before, registry), registry), registry));
  EXPECT_NE(after, before);
  EXPECT_EQ(after->weights, before->weights);
  EXPECT_EQ(after->options, before->options);
  EXPECT_EQ(after->next->weights, std::vector<double>{2});
  EXPECT_EQ(after->next->next, nullptr);
}

TEST(Save, ValuesComeBackEqualWithBulkOfAnySize) {
  const Registry registry;
  for (const std::size_t size : {0u, 100u, 5'000u, 3'000'000u}) {
    AnyArray array = make_array(DType::of<double>(), {static_cast<std::int64_t>(size / 8)});
    std::memset(array.data, 7, size / 8 * 8);
    Dict dict;
    dict.entries = {{"bytes", Bytes(std::string(size, 'b'))},
                    {"text", std::string(size, 't')},
                    {"array", std::move(array)},
                    {7, List{{1, 2.5, nullptr, true}}}};
    const Variant value = dict;
    EXPECT_EQ(loaded(saved(value, registry), registry), value) << size;
    EXPECT_EQ(loaded(saved(value, registry), registry, false), value) << size;
  }
}

TEST(Save, LargeArraysGoToTheFileFromWhereTheyLie) {
  const Registry registry;
  AnyArray array = make_array(DType::of<std::int32_t>(), {1'000'000});
  const auto* begin = array.data;
  const auto* end = begin + array.nbytes();
  struct Watching final : SaveSink {
    void write(std::span<const std::byte>, std::span<const std::byte> body) override {
      if (body.data() >= from && body.data() < to) of_array += body.size();
      others += body.data() >= from && body.data() < to ? 0 : body.size();
    }
    const std::byte* from = nullptr;
    const std::byte* to = nullptr;
    std::size_t of_array = 0, others = 0;
  } sink;
  sink.from = begin;
  sink.to = end;
  save_value(std::move(array), registry, sink);
  EXPECT_EQ(sink.of_array, 4'000'000u);
  EXPECT_LT(sink.others, 1'000u);
}

TEST(Save, AnObjectThatOccursTwiceIsSavedOnceAndStaysOne) {
  const Registry registry = layers();
  const auto shared = layer(std::vector<double>(100'000));
  const Variant value = List{{object(shared, registry), object(layer({}, shared), registry), 5}};
  const std::string file = saved(value, registry);
  EXPECT_LT(file.size(), 1'000'000u);
  const Variant after = loaded(file, registry);
  const auto& items = after.as<List>().items;
  EXPECT_EQ(instance<Layer>(items[0]), instance<Layer>(items[1])->next);
}

TEST(Save, ChainsMayBeLongButNotEndless) {
  const Registry registry = layers();
  std::shared_ptr<Layer> chain;
  for (int i = 0; i < kSaveDepthMax; ++i) chain = layer({}, chain);
  auto after = instance<Layer>(loaded(saved(object(chain, registry), registry), registry));
  int length = 0;
  for (; after; after = after->next) ++length;
  EXPECT_EQ(length, kSaveDepthMax);
  chain = layer({}, chain);
  EXPECT_EQ(error_of([&] { saved(object(chain, registry), registry); }).text(),
            "objects that contain each other more than 1000 deep cannot be saved");
}

TEST(Save, WhatContainsItselfIsRefused) {
  const Registry registry = layers();
  const auto ring = layer({});
  ring->next = ring;
  const Error error = error_of([&] { saved(object(ring, registry), registry); });
  ring->next = nullptr;
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(error.text(), "a 'Layer' cannot be saved, because it contains itself");
}

TEST(Save, TypesThatDoNotSayHowAreRefusedWhereverTheyAre) {
  const Registry registry = layers();
  const Variant plain = object(std::make_shared<Plain>(), registry);
  const Error error = error_of([&] { saved(List{{1, plain}}, registry); });
  EXPECT_EQ(error.kind(), ErrorKind::kWrongType);
  EXPECT_EQ(error.text(),
            "a 'Plain' cannot be saved: its type does not say how (TypeBuilder::saveable)");
}

TEST(Save, WhatSaveThrowsIsWhatComes) {
  Registry registry;
  registry.type<Plain>("Plain").saveable(
      1, [](const Plain&, SaveWriter&) { throw std::domain_error("not today"); },
      [](SaveReader&) { return Plain(); });
  EXPECT_THROW(saved(object(std::make_shared<Plain>(), registry), registry), std::domain_error);
}

TEST(Load, FilesOfOlderVersionsSayWhichAndOfNewerOnesAreRefused) {
  const auto of_version = [](std::uint32_t version) {
    Registry registry;
    registry.type<Plain>("Plain").saveable(
        version, [](const Plain& plain, SaveWriter& out) { out.write(plain.value); },
        [](SaveReader& in) {
          const auto old = in.version();
          return Plain{in.read<int>() * 10 + static_cast<int>(old)};
        });
    return registry;
  };
  const Registry one = of_version(1), two = of_version(2);
  const auto plain = std::make_shared<Plain>(Plain{4});
  EXPECT_EQ(instance<Plain>(loaded(saved(object(plain, one), one), two))->value, 41);
  EXPECT_EQ(instance<Plain>(loaded(saved(object(plain, two), two), two))->value, 42);
  const Error error = error_of([&] { loaded(saved(object(plain, two), two), one); });
  EXPECT_EQ(error.kind(), ErrorKind::kNotSupported);
  EXPECT_EQ(error.text(),
            "the file holds a 'Plain' of version 2, which is newer than this server knows (1)");
}

TEST(Load, TypesThatTheServerHasNotAreNamed) {
  const Registry registry = layers();
  const std::string file = saved(object(layer({}), registry), registry);
  Registry other;
  EXPECT_EQ(error_of([&] { loaded(file, other); }).text(),
            "the file holds a 'Layer', a type that this server does not have");
  other.type<Layer>("Layer");
  const Error error = error_of([&] { loaded(file, other); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownName);
  EXPECT_EQ(error.text(),
            "the file holds a 'Layer', which this server cannot load: the type does not say how");
}

TEST(Load, AFunctionThatReadsSomethingElseThanWasWrittenIsTold) {
  const auto with_load = [](auto load) {
    Registry registry;
    registry.type<Plain>("Plain").saveable(
        1,
        [](const Plain& plain, SaveWriter& out) {
          out.write(plain.value);
          out.write(std::vector<float>{1, 2});
        },
        load);
    return registry;
  };
  const auto text = [](const Registry& registry) {
    const auto plain = std::make_shared<Plain>();
    return std::string(
        error_of([&] { loaded(saved(object(plain, registry), registry), registry); }).text());
  };
  EXPECT_EQ(text(with_load([](SaveReader& in) { return Plain{in.read<int>()}; })),
            "load() of 'Plain' reads less than its save() wrote");
  EXPECT_EQ(text(with_load([](SaveReader& in) {
              const int value = in.read<int>();
              (void)in.read<std::vector<float>>();
              return Plain{value + in.read<int>()};
            })),
            "load() of 'Plain' reads more than its save() wrote");
  EXPECT_EQ(text(with_load([](SaveReader& in) {
              (void)in.read<std::vector<float>>();
              return Plain{};
            })),
            "load() of 'Plain' reads something else than its save() wrote");
  EXPECT_EQ(text(with_load([](SaveReader& in) {
              const int value = in.read<int>();
              (void)in.read<std::vector<double>>();
              return Plain{value};
            })),
            "load() of 'Plain' reads elements of <f8 where its save() wrote <f4");
  EXPECT_EQ(text(with_load([](SaveReader& in) {
              (void)in.read<std::string>();
              return Plain{};
            })),
            "value: expected str, got int");
  EXPECT_EQ(text(with_load([](SaveReader&) { return std::shared_ptr<Plain>(); })),
            "load() of 'Plain' has returned no object");
}

TEST(Load, WhatFollowsTheFileIsLeftAlone) {
  const Registry registry;
  MemorySource source(saved(5, registry) + saved("six", registry) + "tail");
  EXPECT_EQ(load_value(registry, source, nullptr), Variant(5));
  EXPECT_EQ(load_value(registry, source, nullptr), Variant("six"));
  EXPECT_EQ(source.unread(), 4u);
}

TEST(Load, AnnouncedSizesTakeNoMemoryUntilThereIsSomethingForThem) {
  const Registry registry;
  // A value of 2^37 words, of which none follows.
  const std::uint64_t words[] = {1, std::uint64_t{1} << 37, 0};
  const auto bytes = std::as_bytes(std::span(words));
  const std::string file = in_blocks({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  EXPECT_EQ(kind_of([&] { loaded(file, registry); }), ErrorKind::kInvalidArgument);
  const std::uint64_t endless[] = {1, ~std::uint64_t{0}, 0};
  const auto more = std::as_bytes(std::span(endless));
  const std::string other = in_blocks({reinterpret_cast<const char*>(more.data()), more.size()});
  EXPECT_EQ(kind_of([&] { loaded(other, registry, false); }), ErrorKind::kInvalidArgument);
}

TEST(Load, ArraysArePaidForByTheAccount) {
  struct Account final : MemoryAccount {
    void charge(std::uint64_t bytes) override {
      if (bytes > 1'000'000) throw Error(ErrorKind::kQuotaExceeded, "too much");
      charged += bytes;
    }
    void discharge(std::uint64_t bytes) noexcept override { charged -= bytes; }
    std::uint64_t charged = 0;
  };
  const Registry registry;
  const auto account = std::make_shared<Account>();
  const auto load = [&](std::int64_t items) {
    MemorySource source(saved(make_array(DType::of<double>(), {items}), registry));
    return load_value(registry, source, account);
  };
  {
    const Variant value = load(100'000);
    EXPECT_EQ(account->charged, 800'000u);
  }
  EXPECT_EQ(account->charged, 0u);
  EXPECT_EQ(kind_of([&] { load(200'000); }), ErrorKind::kQuotaExceeded);
}

TEST(Load, DataframesAndGraphsComeBack) {
  const Registry registry;
  const std::vector<std::optional<std::string>> texts(5'000, "some text");
  const DataFrame frame = DataFrame::Builder().add("x", texts).build();
  const Edges edges{Array<std::int64_t>(2'000), Array<std::int64_t>(2'000), std::nullopt};
  const Variant value = List{{frame, Graph(edges), Graph(edges, std::vector<Variant>{"label"})}};
  EXPECT_EQ(loaded(saved(value, registry), registry), value);
}

TEST(Saveable, MistakesAreFoundWhenTheTypeIsRegistered) {
  Registry registry;
  const auto save = [](const Plain&, SaveWriter&) {};
  const auto load = [](SaveReader&) { return Plain(); };
  auto type = registry.type<Plain>("Plain");
  EXPECT_THROW(type.saveable(0, save, load), std::logic_error);
  type.saveable(1, save, load);
  EXPECT_THROW(type.saveable(2, save, load), std::logic_error);
}

}  // namespace
}  // namespace cppipc::save_test
