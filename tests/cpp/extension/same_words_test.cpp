// SPDX-License-Identifier: Apache-2.0
// The same function in a registry and in an extension: whatever they are called with, both give
// the same result or refuse with the same words.
#include "extension/built.h"
#include "values/calling.h"

#include <array>
#include <complex>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace cppipc::same_words_test {
namespace {

using Numbers = std::vector<double>;

template <class T>
T echo(T value) {
  return value;
}

class SameWords : public ::testing::TestWithParam<std::string> {
 protected:
  template <class T>
  void add(const char* name) {
    registry_.function(GetParam() + "." + name, &echo<T>, arg("x"));
  }

  void SetUp() override {
    extension_ = load_extension(test::built(GetParam()));
    add<bool>("echo_bool");
    add<std::int8_t>("echo_int8");
    add<int>("echo_int");
    add<std::int64_t>("echo_int64");
    add<std::uint64_t>("echo_uint64");
    add<float>("echo_float");
    add<double>("echo_double");
    add<std::complex<double>>("echo_complex");
    add<std::string>("echo_text");
    add<Bytes>("echo_bytes");
    add<Numbers>("echo_numbers");
    add<std::vector<std::int64_t>>("echo_ints");
    add<std::vector<bool>>("echo_bools");
    add<std::vector<std::vector<int>>>("echo_lists");
    add<std::vector<std::string>>("echo_texts");
    add<std::map<std::string, std::vector<int>>>("echo_map");
    add<std::unordered_map<std::string, double>>("echo_hash_map");
    add<std::pair<std::string, int>>("echo_pair");
    add<std::tuple<int, double, std::optional<std::string>>>("echo_tuple");
    add<std::array<double, 3>>("echo_array3");
    add<std::optional<double>>("echo_optional");
    add<Variant>("echo");
    add<ArrayView<double>>("echo_view");
    registry_.function(
        GetParam() + ".scaled", [](const Array<double>& values, double) { return values; },
        arg("values"), arg("by") = 2.0);
  }

  // The result, or the refusal.
  static std::pair<Variant, std::string> outcome(const Registry& registry, const std::string& name,
                                                 const Variant& value) {
    Variant result;
    const std::string text = test::refusal([&] {
      result = test::call(registry, name, {{value}, {}});
    });
    return {result, text};
  }

  Registry registry_;
  std::shared_ptr<const Extension> extension_;
};

std::vector<Variant> samples() {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::vector<Variant> values = {Variant(),
                                 true,
                                 false,
                                 0,
                                 1,
                                 -1,
                                 127,
                                 128,
                                 -129,
                                 3'000'000'000,
                                 kMost,
                                 -kMost - 1,
                                 0.0,
                                 1.5,
                                 1e300,
                                 std::numeric_limits<double>::infinity(),
                                 std::complex<double>(1, 2),
                                 "",
                                 "text",
                                 "gr\xc3\xbc\xc3\x9f"
                                 "e",
                                 Bytes("bytes"),
                                 List{},
                                 List{{1, 2, 3}},
                                 List{{1.5, 2, 3}},
                                 List{{1, "two"}},
                                 List{{true, false}},
                                 List{{"a", "b"}},
                                 List{{List{{1}}, List{{2, 3}}}},
                                 List{{List{{1}}, List{{2, "3"}}}},
                                 Tuple{{"a", 1}},
                                 Tuple{{1, 2.0, "c"}},
                                 Tuple{{1, 2.0, Variant()}},
                                 Tuple{{1, 2.0, 3}},
                                 Tuple{{1, 2}},
                                 Set{{1, 2}},
                                 Set{{"a"}},
                                 FrozenSet{{1.0}},
                                 Dict{{{"a", List{{1}}}, {"b", List{}}}},
                                 Dict{{{"a", 1.5}, {"b", 2}}},
                                 Dict{{{"a", "text"}}},
                                 Dict{{{"a", List{{"x"}}}}},
                                 Dict{{{1, List{{1}}}}},
                                 Date{2024, 1, 2},
                                 Decimal{"1.5"}};
  values.emplace_back(test::row_of<double>({1, 2, 3}));
  values.emplace_back(test::row_of<float>({1, 2}));
  values.emplace_back(test::row_of<std::int32_t>({1, 2, 3}));
  values.emplace_back(test::row_of<std::uint8_t>({1, 2}));
  values.emplace_back(test::row_of<bool>({true, false}));
  values.emplace_back(test::array_of<double>({1, 2, 3, 4}, {2, 2}));
  values.push_back(test::scalar_of<double>(2.5));
  values.push_back(test::scalar_of<float>(2.5F));
  values.push_back(test::scalar_of<std::int16_t>(-7));
  values.push_back(test::scalar_of<std::uint64_t>(std::numeric_limits<std::uint64_t>::max()));
  values.push_back(test::scalar_of<bool>(true));
  AnyArray text = make_array(DType{"<U2", 'U', 8}, {});
  const char32_t letters[] = {U'h', U'i'};
  std::memcpy(text.data, letters, sizeof letters);
  text.flavor = ArrayFlavor::kScalar;
  values.emplace_back(text);
  values.emplace_back(DataFrame::Builder().add("x", Array<double>(2)).build());
  values.emplace_back(List{{Graph(), DataFrame()}});
  return values;
}

TEST_P(SameWords, ForEachFunctionAndValue) {
  int refused = 0;
  int taken = 0;
  for (const auto& [name, function] : registry_.functions()) {
    for (const Variant& value : samples()) {
      const auto expected = outcome(registry_, name, value);
      const auto given = outcome(extension_->registry(), name, value);
      if (name.ends_with(".scaled")) {
        EXPECT_EQ(given.second, expected.second) << name << detail::python_text(value);
      } else {
        EXPECT_EQ(given, expected) << name << " of " << detail::python_text(value) << ": "
                                   << given.second << " | " << expected.second;
      }
      ++(expected.second == "nothing" ? taken : refused);
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(taken, 100);
}

TEST_P(SameWords, ForTheirDescription) {
  const Description expected = registry_.describe("");
  for (const FunctionDescription& function : expected.functions) {
    const FunctionInfo* given = extension_->registry().find_function(function.name);
    ASSERT_NE(given, nullptr) << function.name;
    EXPECT_EQ(given->description.parameters[0].type, function.parameters[0].type);
    EXPECT_EQ(given->description.result, function.result);
  }
}

INSTANTIATE_TEST_SUITE_P(Builds, SameWords, ::testing::ValuesIn(test::builds_of_features()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace cppipc::same_words_test
