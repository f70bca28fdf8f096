// SPDX-License-Identifier: Apache-2.0
#include "toolkits/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "called.h"

namespace cppipc::toolkits::model_test {
namespace {

using testing::HasSubstr;

struct Shown final : Model {
  explicit Shown(Fields fields) : shown(std::move(fields)) {}
  std::string_view title() const override { return "A <title>"; }
  Fields fields() const override { return shown; }
  Fields shown;
};

std::string line_of(const Variant& value) {
  const std::string text = Shown(Model::Fields{{"x", value}}).summary();
  return text.substr(text.rfind('\n') + 1);
}

TEST(Model, SummaryAlignsNamesUnderATitle) {
  EXPECT_EQ(Shown(Model::Fields{{"a", 1}, {"long_name", true}}).summary(),
            "A <title>\n---------\na         : 1\nlong_name : True");
}

TEST(Model, SummaryShowsValuesShortly) {
  EXPECT_EQ(line_of(nullptr), "x : None");
  EXPECT_EQ(line_of(1.0 / 3), "x : 0.333333");
  EXPECT_EQ(line_of(array_of<float>({1, 2})), "x : float32 array of 2");
  EXPECT_EQ(line_of(make_array(DType::of<double>(), {3, 4})), "x : float64 array of 3 x 4");
  EXPECT_EQ(line_of(List{{1, "a", Tuple{{false, 2}}}}), "x : 1, a, False, 2");
  EXPECT_EQ(line_of(Dict{{{"a", 1}, {"b", 2.5}}}), "x : a: 1, b: 2.5");
  EXPECT_EQ(line_of(List{{1, 2, 3, 4, 5, 6, 7}}), "x : 1, 2, 3, 4, 5, 6, ... (7 in all)");
  EXPECT_EQ(line_of(Bytes("abc")), "x : bytes");
}

TEST(Model, LongTextIsCutBetweenCharacters) {
  const std::string two_bytes = "\xC3\xA9";
  std::string text = "a";
  for (int i = 0; i < 150; ++i) text += two_bytes;
  EXPECT_EQ(line_of(text), "x : " + text.substr(0, 199) + "...");
}

TEST(Model, HtmlIsEscaped) {
  const std::string html = Shown(Model::Fields{{"<x>", Variant("a & b")}}).html();
  EXPECT_EQ(html,
            "<table><caption>A &lt;title&gt;</caption><tr><th>&lt;x&gt;</th><td>a &amp; b</td></tr>"
            "</table>");
}

TEST(Model, VerticesAreIdsOrLabels) {
  const auto ids = [](const std::vector<std::int64_t>& values) {
    return Array<std::int64_t>(array_of(values));
  };
  const Variant numbered = vertices_of(Graph(Edges{ids({7, 3}), ids({3, 3}), {}}));
  EXPECT_EQ(elements_of<std::int64_t>(numbered), (std::vector<std::int64_t>{3, 7}));
  EXPECT_EQ(vertex_count(numbered), 2);
  const std::vector<Variant> labels{"a", 2.5, nullptr};
  const Variant labelled = vertices_of(Graph(Edges{ids({0}), ids({2}), {}}, labels));
  EXPECT_EQ(labelled, Variant(List{labels}));
  EXPECT_EQ(vertex_count(labelled), 3);
  EXPECT_EQ(vertex_count(vertices_of(Graph())), 0);
  refusal_of(ErrorKind::kWrongType, [] { vertex_count("vertices"); });
}

}  // namespace
}  // namespace cppipc::toolkits::model_test
