// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>

#include "values/calling.h"

namespace cppipc::type_builder_test {
namespace {

using test::call;
using test::call_method;
using test::create;
using test::get;
using test::local;
using test::refusal;
using test::set;

class Counter {
 public:
  explicit Counter(std::int64_t start) : value_(start) {}
  std::int64_t increment(std::int64_t by) { return value_ += by; }
  std::int64_t value() const noexcept { return value_; }
  void reset(std::int64_t value) { value_ = value; }
  Counter& itself() { return *this; }
  static std::string about() { return "counts"; }

 private:
  std::int64_t value_;
};

struct Part {
  int size = 1;
};

struct Whole {
  Part first;
  Part second;
  std::string label = "x";
};

class Sharing : public std::enable_shared_from_this<Sharing> {
 public:
  Sharing& itself() { return *this; }
  std::shared_ptr<Sharing> shared() { return shared_from_this(); }
};

struct Weight {
  virtual ~Weight() = default;
  int weight = 3;
};
struct Named {
  virtual ~Named() = default;
  std::string name() const { return "named"; }
  std::string title = "t";
  Named& as_named() { return *this; }
};
// Its Named is not at its beginning.
struct Both : Weight, Named {
  std::string own() const { return "own"; }
};

Registry registry_of_counter() {
  Registry registry;
  registry.type<Counter>("Counter", "An integer counter.")
      .init<std::int64_t>(arg("start") = 0)
      .method("increment", &Counter::increment, arg("by") = 1, "Adds `by`.")
      .method("itself", &Counter::itself)
      .method("about", &Counter::about)
      .method("twice", [](Counter& counter) { return 2 * counter.value(); })
      .method(
          "sum", [](const Counter& a, const Counter& b) { return a.value() + b.value(); },
          arg("other"))
      .property("value", &Counter::value, "The value.")
      .property("level", &Counter::value, &Counter::reset, "The same, writable.");
  return registry;
}

TEST(TypeBuilder, MakesObjectsByTheirConstructor) {
  const Registry registry = registry_of_counter();
  EXPECT_EQ(get(registry, create(registry, "Counter"), "value"), Variant(0));
  EXPECT_EQ(get(registry, create(registry, "Counter", {{5}, {"start"}}), "value"), Variant(5));
  EXPECT_EQ(refusal([&] {
              create(registry, "Counter", {{"x"}, {}});
            }),
            "wrongType: Counter() parameter 'start': expected int, got str");
}

TEST(TypeBuilder, MakesObjectsByEveryKindOfFactory) {
  Registry registry;
  registry.type<Counter>("ByValue").init([](int n) { return Counter(n); }, arg("n"));
  registry.type<Part>("ByShared").init([] { return std::make_shared<Part>(Part{2}); });
  registry.type<Whole>("ByUnique")
      .init(
          +[](std::string label) {
            return std::make_unique<Whole>(Whole{{}, {}, std::move(label)});
          },
          arg("label"), "Doc.");
  EXPECT_EQ(local(create(registry, "ByValue", {{1}, {}})).type_name(), "ByValue");
  EXPECT_EQ(local(create(registry, "ByShared")).type_name(), "ByShared");
  EXPECT_EQ(local(create(registry, "ByUnique", {{"x"}, {}})).type_name(), "ByUnique");
  EXPECT_EQ(registry.find_type("ByUnique")->constructor->description.doc, "Doc.");
}

TEST(TypeBuilder, RunsMethodsOnTheObject) {
  const Registry registry = registry_of_counter();
  const Variant counter = create(registry, "Counter");
  EXPECT_EQ(call_method(registry, counter, "increment"), Variant(1));
  EXPECT_EQ(call_method(registry, counter, "increment", {{4}, {"by"}}), Variant(5));
  EXPECT_EQ(call_method(registry, counter, "twice"), Variant(10));
  EXPECT_EQ(call_method(registry, counter, "sum", {{counter}, {}}), Variant(10));
}

TEST(TypeBuilder, RunsStaticMethods) {
  const Registry registry = registry_of_counter();
  EXPECT_EQ(call_method(registry, create(registry, "Counter"), "about"), Variant("counts"));
}

TEST(TypeBuilder, ReadsAndWritesProperties) {
  const Registry registry = registry_of_counter();
  const Variant counter = create(registry, "Counter");
  set(registry, counter, "level", 9);
  EXPECT_EQ(get(registry, counter, "level"), Variant(9));
  EXPECT_EQ(refusal([&] { set(registry, counter, "level", "x"); }),
            "wrongType: property 'Counter.level': expected int, got str");
  EXPECT_FALSE(registry.find_type("Counter")->properties.at("value").set.has_value());
}

TEST(TypeBuilder, TakesDataMembersAsProperties) {
  Registry registry;
  registry.type<Whole>("Whole")
      .init()
      .property("label", &Whole::label, &Whole::label)
      .property("readonly", &Whole::label)
      .property(
          "length", [](const Whole& whole) { return whole.label.size(); },
          [](Whole& whole, int n) { whole.label.assign(static_cast<std::size_t>(n), 'y'); });
  const Variant whole = create(registry, "Whole");
  set(registry, whole, "label", "new");
  EXPECT_EQ(get(registry, whole, "readonly"), Variant("new"));
  set(registry, whole, "length", 2);
  EXPECT_EQ(get(registry, whole, "label"), Variant("yy"));
}

TEST(TypeBuilder, NamesThePropertyWhoseValueIsNoText) {
  Registry registry;
  registry.type<Whole>("Whole")
      .init([] {
        return Whole{{}, {}, "\xff"};
      })
      .property("label", &Whole::label);
  EXPECT_EQ(refusal([&] { get(registry, create(registry, "Whole"), "label"); }),
            "remote: Whole.label: text that is not UTF-8 (byte 0xff at 0); return bytes instead");
}

TEST(TypeBuilder, KeepsTheIdentityOfAReturnedSelf) {
  const Registry registry = registry_of_counter();
  const Variant counter = create(registry, "Counter");
  const Variant same = call_method(registry, counter, "itself");
  EXPECT_EQ(local(same).instance().get(), local(counter).instance().get());
  EXPECT_EQ(local(same).type_name(), "Counter");
}

TEST(TypeBuilder, SharesObjectsThatShareThemselves) {
  Registry registry;
  registry.type<Sharing>("Sharing")
      .init()
      .method("itself", &Sharing::itself)
      .method("shared", &Sharing::shared);
  registry.function(
      "of", [](Sharing& sharing) -> Sharing& { return sharing; }, arg("sharing"));
  const Variant object = create(registry, "Sharing");
  const void* address = local(object).instance().get();
  EXPECT_EQ(local(call_method(registry, object, "itself")).instance().get(), address);
  EXPECT_EQ(local(call_method(registry, object, "shared")).instance().get(), address);
  EXPECT_EQ(local(call(registry, "of", {{object}, {}})).instance().get(), address);
}

TEST(TypeBuilder, KeepsAnObjectAliveWhileAPartOfItIsHeld) {
  Registry registry;
  registry.type<Part>("Part").property("size", &Part::size, &Part::size);
  registry.type<Whole>("Whole").init().method("second",
                                              [](Whole& whole) -> Part& { return whole.second; });
  Variant whole = create(registry, "Whole");
  const std::weak_ptr<void> watch = local(whole).instance();
  Variant part = call_method(registry, whole, "second");
  set(registry, part, "size", 42);
  EXPECT_EQ(get(registry, call_method(registry, whole, "second"), "size"), Variant(42));
  whole = {};
  EXPECT_FALSE(watch.expired());
  part = {};
  EXPECT_TRUE(watch.expired());
}

TEST(TypeBuilder, CopiesAConstReference) {
  Registry registry;
  registry.type<Part>("Part").property("size", &Part::size, &Part::size);
  registry.type<Whole>("Whole").init().property("first", &Whole::first);
  const Variant whole = create(registry, "Whole");
  set(registry, get(registry, whole, "first"), "size", 42);
  EXPECT_EQ(get(registry, get(registry, whole, "first"), "size"), Variant(1));
}

TEST(Base, GivesItsMethodsAndPropertiesToDerivedTypes) {
  Registry registry;
  registry.type<Named>("Named")
      .method("name", &Named::name)
      .property("title", &Named::title, &Named::title);
  registry.type<Both>("Both").init().base<Named>().method("own", &Both::own);
  const Variant both = create(registry, "Both");
  EXPECT_EQ(call_method(registry, both, "name"), Variant("named"));
  EXPECT_EQ(call_method(registry, both, "own"), Variant("own"));
  set(registry, both, "title", "new");
  EXPECT_EQ(get(registry, both, "title"), Variant("new"));
}

TEST(Base, MethodsKeepTheIdentityOfADerivedObject) {
  Registry registry;
  registry.type<Named>("Named").method("as_named", &Named::as_named);
  registry.type<Both>("Both").init().base<Named>();
  const Variant both = create(registry, "Both");
  const Variant same = call_method(registry, both, "as_named");
  EXPECT_EQ(local(same).instance().get(), local(both).instance().get());
  EXPECT_EQ(local(same).type_name(), "Both");
}

TEST(Base, MethodsMayBeReplaced) {
  Registry registry;
  registry.type<Named>("Named").method("name", &Named::name).method("title", &Named::name);
  registry.type<Both>("Both")
      .init()
      .base<Named>()
      .method("name", &Both::own)
      .property("title", &Both::title);
  const Variant both = create(registry, "Both");
  EXPECT_EQ(call_method(registry, both, "name"), Variant("own"));
  EXPECT_EQ(get(registry, both, "title"), Variant("t"));
  EXPECT_FALSE(registry.find_type("Both")->methods.contains("title"));
}

TEST(Base, MustBeRegisteredFirstAndOnce) {
  Registry registry;
  auto both = registry.type<Both>("Both");
  const std::string text = refusal([&] { both.base<Named>(); });
  EXPECT_TRUE(text.starts_with("logic: Both: its base ")) << text;
  registry.type<Named>("Named");
  both.base<Named>();
  EXPECT_EQ(refusal([&] { both.base<Named>(); }), "logic: Both has base Named twice");
}

TEST(TypeBuilder, RefusesMemberNamesTwice) {
  Registry registry;
  auto counter = registry.type<Counter>("Counter");
  counter.method("value", &Counter::value);
  EXPECT_EQ(refusal([&] { counter.method("value", &Counter::value); }),
            "logic: Counter.value is registered twice with the same parameter types");
  EXPECT_EQ(refusal([&] { counter.property("value", &Counter::value); }),
            "logic: Counter has a method 'value' already");
  counter.property("level", &Counter::value);
  EXPECT_EQ(refusal([&] { counter.method("level", &Counter::value); }),
            "logic: Counter has a property 'level' already");
}

TEST(TypeBuilder, RefusesWrongNamesAndCounts) {
  Registry registry;
  auto counter = registry.type<Counter>("Counter");
  EXPECT_EQ(refusal([&] { counter.method("a.b", &Counter::value); }),
            "logic: Counter: method name 'a.b' is no identifier");
  EXPECT_EQ(refusal([&] { counter.property("", &Counter::value); }),
            "logic: Counter: property name '' is empty");
  EXPECT_EQ(refusal([&] { counter.method("increment", &Counter::increment); }),
            "logic: Counter.increment: has 1 parameter but 0 arg()");
  EXPECT_EQ(refusal([&] { counter.init<std::int64_t>(); }),
            "logic: Counter: has 1 parameter but 0 arg()");
  EXPECT_EQ(refusal([&] { counter.property("value", &Counter::value, arg("x")); }),
            "logic: Counter.value: properties take no arg()");
}

TEST(TypeBuilder, RefusesTwoConstructorsWithTheSameParameters) {
  Registry registry;
  auto part = registry.type<Part>("Part").init();
  EXPECT_EQ(refusal([&] { part.init(); }),
            "logic: Part is registered twice with the same parameter types");
  EXPECT_EQ(refusal([&] { part.singleton(); }), "logic: Part has a constructor already");
}

TEST(TypeBuilder, RefusesNamesThatArePythonsOwn) {
  Registry registry;
  auto counter = registry.type<Counter>("Counter");
  EXPECT_EQ(refusal([&] { counter.method("__repr__", &Counter::about); }),
            "logic: Counter: method name '__repr__' is Python's own, and repr() never calls a "
            "server; register __str__, or _repr_html_ for notebooks");
  EXPECT_EQ(refusal([&] { counter.method("__new__", &Counter::about); }),
            "logic: Counter: method name '__new__' is Python's own; a registered type cannot have "
            "it");
  EXPECT_EQ(refusal([&] { counter.method("__str__", &Counter::about); }), "nothing");
}

TEST(TypeBuilder, TellsStaticMethodsByTheirParameters) {
  Registry registry;
  registry.type<Counter>("Counter")
      .init<std::int64_t>(arg("start") = 0)
      .method("about", &Counter::about)
      .method("value", &Counter::value)
      .static_method(
          "twice", [](Counter& one) { return 2 * one.value(); }, arg("one"));
  const Variant counter = create(registry, "Counter", {{4}, {}});
  const FunctionInfo* twice = registry.find_static_method("Counter::twice");
  ASSERT_NE(twice, nullptr);
  EXPECT_TRUE(twice->description.is_static);
  EXPECT_NE(registry.find_static_method("Counter::about"), nullptr);
  for (const char* name : {"Counter::value", "Counter", "Counter.about", "::", "Other::about"}) {
    EXPECT_EQ(registry.find_static_method(name), nullptr) << name;
  }
  EXPECT_EQ(call_method(registry, counter, "twice", {{counter}, {}}), Variant(8));
}

TEST(TypeBuilder, MarksBlockingMethods) {
  Registry registry;
  auto counter = registry.type<Counter>("Counter");
  EXPECT_EQ(refusal([&] { counter.blocking(); }),
            "logic: Counter: blocking() follows the method it is about");
  counter.method("tagged", &Counter::value, cppipc::blocking)
      .method("chained", &Counter::value)
      .blocking()
      .method("plain", &Counter::value)
      .property("level", &Counter::value, &Counter::reset)
      .blocking();
  const TypeInfo& type = *registry.find_type("Counter");
  EXPECT_TRUE(type.methods.at("tagged").is_blocking);
  EXPECT_TRUE(type.methods.at("chained").is_blocking);
  EXPECT_FALSE(type.methods.at("plain").is_blocking);
  EXPECT_TRUE(type.properties.at("level").get.is_blocking);
  EXPECT_TRUE(type.properties.at("level").set->is_blocking);
}

TEST(TypeBuilder, MarksThreadSafeTypes) {
  Registry registry;
  registry.type<Part>("Part").thread_safe();
  registry.type<Whole>("Whole");
  EXPECT_TRUE(registry.find_type("Part")->is_thread_safe);
  EXPECT_FALSE(registry.find_type("Whole")->is_thread_safe);
}

}  // namespace
}  // namespace cppipc::type_builder_test
