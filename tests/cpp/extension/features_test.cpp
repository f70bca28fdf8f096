// SPDX-License-Identifier: Apache-2.0
// One extension built four ways, all in this process: what crosses, and what it becomes.
#include <cppipc/callable.h>

#include "extension/built.h"
#include "support/error_of.h"
#include "values/calling.h"

#include <set>

namespace cppipc::features_test {
namespace {

using test::built;
using test::error_of;

class Features : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { extension_ = load_extension(built(GetParam())); }

  const Registry& registry() const { return extension_->registry(); }
  std::string full(const char* name) const { return GetParam() + "." + name; }
  Variant call(const char* name, std::vector<Variant> values = {}) const {
    return test::call(registry(), full(name), {std::move(values), {}});
  }
  Variant create(const char* name, std::vector<Variant> values = {}) const {
    return test::create(registry(), full(name), {std::move(values), {}});
  }
  // With "EXT" for the extension's name.
  std::string refusal(const std::function<void()>& action) const {
    std::string text = test::refusal(action);
    for (std::size_t at = text.find(GetParam()); at != std::string::npos;
         at = text.find(GetParam())) {
      text.replace(at, GetParam().size(), "EXT");
    }
    return text;
  }
  Error failure(const char* kind) const {
    return error_of([&] { call("fail", {kind, "told"}); });
  }

  std::shared_ptr<const Extension> extension_;
};

// Calls a C++ function, as one of a client is called.
class Called final : public Callable {
 public:
  explicit Called(std::function<Variant(const std::vector<Variant>&)> function)
      : function_(std::move(function)) {}
  Variant call(Arguments arguments) override { return function_(arguments.values); }

 private:
  std::function<Variant(const std::vector<Variant>&)> function_;
};
Variant function(std::function<Variant(const std::vector<Variant>&)> f) {
  return CallablePtr(std::make_shared<Called>(std::move(f)));
}

TEST(FeatureBuilds, AllFourAreInThisProcess) {
  std::set<std::string> libraries;
  for (const std::string& name : test::builds_of_features()) {
    const auto extension = load_extension(built(name));
    libraries.insert(
        test::call(extension->registry(), name + ".standard_library").as<std::string>());
  }
  if (test::builds_of_features().size() < 4) GTEST_SKIP() << "there is no clang++ or libc++";
  EXPECT_EQ(libraries, (std::set<std::string>{"libc++", "libstdc++", "libstdc++ debug"}));
}

TEST_P(Features, ExceptionsKeepTheirKindTypeAndText) {
  const std::vector<std::tuple<const char*, ErrorKind, const char*, const char*>> cases = {
      {"runtime_error", ErrorKind::kRemote, "told", "std::runtime_error"},
      {"own", ErrorKind::kRemote, "told", "(anonymous namespace)::OwnError"},
      {"invalid_argument", ErrorKind::kInvalidArgument, "told", "std::invalid_argument"},
      {"domain_error", ErrorKind::kDomain, "told", "std::domain_error"},
      {"out_of_range", ErrorKind::kOutOfRange, "told", "std::out_of_range"},
      {"overflow_error", ErrorKind::kOverflow, "told", "std::overflow_error"},
      {"logic_error", ErrorKind::kRemote, "told", "std::logic_error"},
      {"bad_alloc", ErrorKind::kOutOfMemory, "out of memory", "std::bad_alloc"},
      {"toolkit", ErrorKind::kToolkit, "told", "cppipc::ext::Error"},
      {"unknown_key", ErrorKind::kUnknownKey, "told", "cppipc::ext::Error"},
      {"char*", ErrorKind::kRemote, "a plain text", "char const*"},
      {"int", ErrorKind::kRemote, "C++ exception of type int", "int"},
      {"struct", ErrorKind::kRemote, "C++ exception of type (anonymous namespace)::Odd",
       "(anonymous namespace)::Odd"},
  };
  for (const auto& [kind, expected, text, type] : cases) {
    const Error error = failure(kind);
    EXPECT_EQ(error.kind(), expected) << kind;
    EXPECT_EQ(error.text(), text) << kind;
    EXPECT_EQ(error.thrown_type, type) << kind;
  }
  EXPECT_EQ(failure("bad_cast").kind(), ErrorKind::kWrongType);
  EXPECT_EQ(failure("string").text(), "told");
  EXPECT_EQ(failure("at").kind(), ErrorKind::kOutOfRange);
  EXPECT_EQ(failure("system_error").kind(), ErrorKind::kInputOutput);
  EXPECT_EQ(failure("system_error").error_number, ENOENT);
  EXPECT_EQ(failure("ios_base::failure").kind(), ErrorKind::kInputOutput);
}

TEST_P(Features, ArgumentsBindAsThoseOfAnyFunction) {
  EXPECT_EQ(call("echo_int"), Variant(7));
  EXPECT_EQ(call("echo_text"), Variant("default"));
  EXPECT_EQ(test::call(registry(), full("echo_int"), {{3}, {"x"}}), Variant(3));
  EXPECT_EQ(refusal([&] {
              call("echo_int", {1, 2});
            }),
            "wrongType: EXT.echo_int() takes from 0 to 1 positional arguments but 2 were given");
  EXPECT_EQ(refusal([&] { call("echo_bool"); }),
            "wrongType: EXT.echo_bool() missing 1 required argument: 'x'");
  EXPECT_EQ(refusal([&] {
              test::call(registry(), full("echo_int"), {{3}, {"y"}});
            }),
            "wrongType: EXT.echo_int() got an unexpected keyword argument 'y'");
}

TEST_P(Features, ResultsThatAreNoValuesAreRefused) {
  EXPECT_EQ(refusal([&] { call("not_utf8"); }),
            "remote: EXT.not_utf8() result[1]: text that is not UTF-8 (byte 0xff at 1); return "
            "bytes instead");
  EXPECT_EQ(call("new_bytes"), Variant(Bytes(std::string_view("a\0b", 3))));
  EXPECT_EQ(call("text_length", {"four"}), Variant(4));
}

TEST_P(Features, AnyValueCanBeKeptAndGivenBack) {
  const Variant date = Date{2024, 2, 29};
  const Variant nested = List{{1, "a", Tuple{{date, Variant()}}, Set{{1, 2}}}};
  EXPECT_EQ(call("echo", {nested}), nested);
  const Variant described = call("describe", {date});
  const Dict& dict = described.as<Dict>();
  EXPECT_EQ(*dict.find("value"), date);
  EXPECT_EQ(*dict.find("kind"), Variant(CPPIPC_OTHER));
}

TEST_P(Features, EnumerationsTravelByName) {
  const EnumMember green{full("Color"), "green"};
  EXPECT_EQ(call("echo_color"), Variant(green));
  EXPECT_EQ(call("echo_color", {EnumMember{full("Color"), "red"}}).as<EnumMember>().name, "red");
  EXPECT_EQ(call("echo_color", {"red"}).as<EnumMember>().name, "red");
  EXPECT_EQ(refusal([&] { call("echo_color", {"blue"}); }),
            "invalidArgument: EXT.echo_color() parameter 'x': expected EXT.Color ('red', 'green'), "
            "got 'blue'");
  EXPECT_EQ(refusal([&] { call("echo_color", {1}); }),
            "wrongType: EXT.echo_color() parameter 'x': expected EXT.Color, got int");
  EXPECT_EQ(registry().describe("").enumerations.at(0).members.size(), 2u);
}

TEST_P(Features, ArraysAreReadWhereTheyLie) {
  AnyArray array = test::array_of<double>({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(call("total", {array}), Variant(21.0));
  AnyArray column = array;  // the second one
  column.data += sizeof(double);
  column.shape = {2};
  column.strides = {3 * sizeof(double)};
  EXPECT_EQ(call("total", {column}), Variant(7.0));
  AnyArray reversed = array;
  reversed.data += 5 * sizeof(double);
  reversed.strides = {-24, -8};
  EXPECT_EQ(call("total", {reversed}), Variant(21.0));
  EXPECT_EQ(call("total", {test::array_of<double>({}, {0, 3})}), Variant(0.0));
  EXPECT_EQ(call("total", {test::array_of<double>({5}, {})}), Variant(5.0));
  const Variant same = call("echo_view", {array});
  EXPECT_EQ(same.as_array().data, array.data);
  AnyArray integers = test::array_of<std::int64_t>({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(call("element", {integers, 1, 0}), Variant(3));
  EXPECT_EQ(refusal([&] { call("total", {integers}); }),
            "wrongType: EXT.total() parameter 'values': expected ndarray[float64], got "
            "ndarray[int64]");
}

TEST_P(Features, OwnedArraysAreCopiesUnlessNobodyElseHasThem) {
  const AnyArray array = test::row_of<double>({1, 2});
  const Variant scaled = call("scaled", {array, 3.0});
  EXPECT_EQ(scaled, Variant(test::row_of<double>({3, 6})));
  EXPECT_EQ(Variant(array), Variant(test::row_of<double>({1, 2})));
  // The test gives its only share away.
  AnyArray given = test::row_of<double>({1, 2});
  const std::byte* data = given.data;
  std::vector<Variant> arguments;
  arguments.emplace_back(std::move(given));
  EXPECT_EQ(call("scaled", std::move(arguments)).as_array().data, data);
  EXPECT_EQ(call("scaled", {test::row_of<std::int32_t>({1, 2}), 2.0}),
            Variant(test::row_of<double>({2, 4})));
  const Variant zeros = call("zeros", {2, 3});
  EXPECT_EQ(zeros, Variant(test::array_of<float>({0, 0, 0, 0, 0, 0}, {2, 3})));
  EXPECT_FALSE(zeros.as_array().is_readonly);
  EXPECT_EQ(refusal([&] {
              call("zeros", {-1, 1});
            }),
            "invalidArgument: negative dimensions are not allowed");
}

TEST_P(Features, CallbacksAreCalledAndTheirErrorsPass) {
  const Variant twice =
      call("twice", {function([](const auto& x) { return x[0].template as<double>() * 3; }), 2.0});
  EXPECT_EQ(twice, Variant(18.0));
  EXPECT_EQ(refusal([&] {
              call("twice", {function([](const auto&) { return Variant("text"); }), 2.0});
            }),
            "wrongType: EXT.twice() parameter 'f' result: expected float, got str");
  EXPECT_EQ(refusal([&] {
              call("twice", {1, 2.0});
            }),
            "wrongType: EXT.twice() parameter 'f': expected function, got int");
  // What is not caught is the very error, with all that it carries.
  const auto raised = std::make_shared<Called>(nullptr);
  const Variant raising = function([&](const auto&) -> Variant {
    Error error(ErrorKind::kUnknownKey, "no such key");
    error.raised = raised;
    throw Error(error);
  });
  const Error error = error_of([&] { call("twice", {raising, 2.0}); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownKey);
  EXPECT_EQ(error.raised, raised);
  EXPECT_EQ(call("caught", {raising}), Variant("20 no such key"));
}

TEST_P(Features, FunctionsOfItsOwnAreValuesToo) {
  const Variant adder = call("adder", {2.5});
  ASSERT_EQ(adder.kind(), Kind::kCallable);
  EXPECT_EQ(adder.as<CallablePtr>()->call({{1}, {}}), Variant(3.5));
  EXPECT_EQ(call("twice", {adder, 1.0}), Variant(6.0));
  EXPECT_EQ(refusal([&] {
              adder.as<CallablePtr>()->call({{"x"}, {}});
            }),
            "wrongType: argument[0]: expected float, got str");
  EXPECT_EQ(refusal([&] {
              adder.as<CallablePtr>()->call({{}, {}});
            }),
            "wrongType: the function takes 1 arguments, got 0");
  // One that came as a value goes back as it.
  EXPECT_EQ(call("echo_function", {adder}), adder);
}

TEST_P(Features, ObjectsLiveAsLongAsSomebodyHasThem) {
  const auto live = [&] {
    return call("make_shape", {1.0}),
           test::call_method(registry(), create("Shape"), "count").as<std::int64_t>();
  };
  const std::int64_t before = live();
  {
    const Variant square = create("Square", {2.0});
    EXPECT_EQ(live(), before + 1);
    call("keep_shape", {square});
  }
  EXPECT_EQ(live(), before + 1);
  {
    const Variant kept = call("take_kept");
    EXPECT_EQ(test::get(registry(), kept, "side"), Variant(2.0));
    EXPECT_EQ(live(), before + 1);
  }
  EXPECT_EQ(live(), before);
  EXPECT_EQ(call("take_kept"), Variant());
}

TEST_P(Features, ObjectsGoOutAsWhatTheyAreAndComeInAsTheirBase) {
  const Variant shape = call("make_shape", {3.0});
  EXPECT_EQ(test::local(shape).type_name(), full("Square"));
  EXPECT_EQ(test::call_method(registry(), shape, "area"), Variant(9.0));
  EXPECT_EQ(call("area_of", {shape}), Variant(9.0));
  EXPECT_EQ(call("total_area", {List{{shape, Variant(), create("Square", {1})}}}), Variant(10.0));
  EXPECT_TRUE(registry().find_type(full("Square"))->is_thread_safe);
  // The same object, whatever way it takes.
  const Variant itself = test::call_method(registry(), shape, "itself");
  EXPECT_EQ(test::local(itself).instance(), test::local(shape).instance());
  call("keep_shape", {shape});
  EXPECT_EQ(test::local(call("take_kept")).instance(), test::local(shape).instance());
  // A property of the base, by a setter.
  test::set(registry(), shape, "label", "red");
  EXPECT_EQ(test::get(registry(), shape, "label"), Variant("red"));
  EXPECT_EQ(refusal([&] { test::set(registry(), shape, "label", 1); }),
            "wrongType: property 'EXT.Shape.label': expected str, got int");
}

TEST_P(Features, WrongObjectsAreRefusedByName) {
  EXPECT_EQ(refusal([&] { call("area_of", {1}); }),
            "wrongType: EXT.area_of() parameter 'shape': expected EXT.Shape, got int");
  EXPECT_EQ(refusal([&] { call("area_of", {Variant()}); }),
            "wrongType: EXT.area_of() parameter 'shape': expected EXT.Shape, got None");
  EXPECT_EQ(refusal([&] { call("total_area", {List{{1}}}); }),
            "wrongType: EXT.total_area() parameter 'shapes'[0]: expected EXT.Shape or None, got "
            "int");
  EXPECT_EQ(refusal([&] { call("nobodys"); }),
            "remote: EXT.nobodys() result: a reference or pointer to an object that nobody owns; "
            "return a std::shared_ptr");
  // An object of another extension is no object of this one, whatever its type is called.
  for (const std::string& other : test::builds_of_features()) {
    if (other == GetParam()) continue;
    const auto extension = load_extension(built(other));
    const Variant foreign = test::create(extension->registry(), other + ".Shape");
    EXPECT_EQ(
        refusal([&] { call("area_of", {foreign}); }),
        "wrongType: EXT.area_of() parameter 'shape': expected EXT.Shape, got " + other + ".Shape");
    EXPECT_EQ(call("echo", {foreign}), foreign);
  }
}

TEST_P(Features, ObjectsAreArgumentsOfCallbacks) {
  const Variant result =
      call("pass_object", {function([&](const auto& values) {
             return Variant(
                 test::get(registry(), values[0], "side").template as<double>() == 3.0 ? 1 : 0);
           })});
  EXPECT_EQ(result, Variant(1));
}

TEST_P(Features, TheContextReportsAndTellsOfCancelling) {
  const FunctionInfo& report = *registry().find_function(full("report"));
  EXPECT_TRUE(report.is_blocking);
  std::stop_source stop;
  Context context(stop.get_token(), std::nullopt);
  std::vector<double> fractions;
  std::string logged;
  context.on_progress = [&](double fraction, std::string_view) { fractions.push_back(fraction); };
  context.on_log = [&](LogLevel, std::string_view text) { logged = text; };
  const auto run = [&] {
    Invocation invocation{nullptr, {{4}, {}}, context, registry()};
    return report.invoke(invocation);
  };
  EXPECT_EQ(run(), Variant(false));
  EXPECT_EQ(fractions, (std::vector<double>{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(logged, "reported");
  stop.request_stop();
  EXPECT_EQ(error_of(run).kind(), ErrorKind::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Builds, Features, ::testing::ValuesIn(test::builds_of_features()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace cppipc::features_test
