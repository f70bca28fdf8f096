// SPDX-License-Identifier: Apache-2.0
#include "values/outgoing.h"

#include <gtest/gtest.h>

#include "values/calling.h"

namespace cppipc::outgoing_test {
namespace {

using test::call;
using test::local;
using test::refusal;

struct Model {
  int size = 3;
};

class Base {
 public:
  virtual ~Base() = default;
};
class Derived : public Base {};

Dict dict_of(std::vector<std::pair<Variant, Variant>> entries) { return {std::move(entries)}; }

TEST(Outgoing, ObjectsInAToolkitsMapGetTheirType) {
  Registry registry;
  registry.type<Model>("Model");
  const auto model = std::make_shared<Model>();
  registry.toolkit("train", [model](const VariantMap&) {
    return VariantMap{{"model", to_variant(model)}, {"all", List{{to_variant(model)}}}};
  });
  const Variant result = call(registry, "train");
  EXPECT_EQ(local(*result.as<Dict>().find("model")).instance(), model);
  EXPECT_EQ(local(*result.as<Dict>().find("model")).type_name(), "Model");
  EXPECT_EQ(local(result.as<Dict>().find("all")->as<List>().items[0]).instance(), model);
}

TEST(Outgoing, ObjectsMadeInAToolkitCanBeReadBackThere) {
  const auto model = std::make_shared<Model>();
  const Variant value = to_variant(model);
  EXPECT_EQ(from_variant<std::shared_ptr<Model>>(value), model);
  const Variant derived = to_variant(std::shared_ptr<Base>(std::make_shared<Derived>()));
  EXPECT_NE(from_variant<std::shared_ptr<Derived>>(derived), nullptr);
  EXPECT_NE(from_variant<std::shared_ptr<Base>>(derived), nullptr);
  EXPECT_EQ(refusal([&] { from_variant<std::shared_ptr<Base>>(value); }).substr(0, 9), "wrongType");
}

TEST(Outgoing, ToolkitsReadObjectsThatTheyGet) {
  Registry registry;
  registry.type<Model>("Model").init();
  registry.toolkit("size", [](const VariantMap& map) {
    const auto model = from_variant<std::shared_ptr<Model>>(map.at("model"), "model");
    return VariantMap{{"size", model->size}};
  });
  const Variant model = test::create(registry, "Model");
  EXPECT_EQ(call(registry, "size", {{model}, {"model"}}), Variant(dict_of({{"size", 3}})));
}

TEST(Outgoing, ObjectsOfUnknownTypesAreRefused) {
  Registry registry;
  registry.toolkit("train", [](const VariantMap&) {
    return VariantMap{{"model", to_variant(std::make_shared<Model>())}};
  });
  const std::string text = refusal([&] { call(registry, "train"); });
  EXPECT_TRUE(text.starts_with("remote: train() result['model']: C++ type ")) << text;
}

TEST(Outgoing, TextMustBeUtf8WhereverItIs) {
  const Variant bad = std::string("\xff");
  for (const Variant& value :
       {bad, Variant(List{{1, bad}}), Variant(Tuple{{Set{{bad}}}}), Variant(dict_of({{bad, 1}})),
        Variant(dict_of({{1, FrozenSet{{bad}}}})), Variant(Decimal{"\xff"})}) {
    EXPECT_EQ(refusal([&] { to_variant(value); }),
              "remote: value: text that is not UTF-8 (byte 0xff at 0); return bytes instead");
  }
  EXPECT_EQ(to_variant(Variant(List{{"\u00e9", Bytes("\xff")}})),
            Variant(List{{"\u00e9", Bytes("\xff")}}));
}

TEST(Outgoing, DeepValuesAreCheckedWithoutRecursion) {
  Variant value = std::string("\xff");
  for (int i = 0; i < 100'000; ++i) {
    List outer;
    outer.items.push_back(std::move(value));
    value = std::move(outer);
  }
  detail::Place place;
  EXPECT_EQ(refusal([&] { (void)detail::store_variant(std::move(value), place); }),
            "remote: value: text that is not UTF-8 (byte 0xff at 0); return bytes instead");
}

}  // namespace
}  // namespace cppipc::outgoing_test
