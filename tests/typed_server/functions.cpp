// SPDX-License-Identifier: Apache-2.0
#include "typed_server/functions.h"

#include <cppipc/registry.h>

#include <array>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace cppipc::test {
namespace {

enum class Color { kRed = 1, kGreen = 2, kBlue = 4 };

class Shape {
 public:
  explicit Shape(std::string name) : name_(std::move(name)) {}
  virtual ~Shape() = default;
  const std::string& name() const { return name_; }
  std::string broken() const { return "\xff"; }

 private:
  std::string name_;
};

class Square : public Shape {
 public:
  Square() : Shape("square") {}
};

template <class T>
void register_same(Registry& registry, const std::string& name) {
  registry.function(
      "typed." + name, [](T x) { return x; }, arg("x"));
}

void register_scalars(Registry& registry) {
  register_same<std::int8_t>(registry, "int8");
  register_same<std::int64_t>(registry, "int64");
  register_same<std::uint8_t>(registry, "uint8");
  register_same<std::uint64_t>(registry, "uint64");
  register_same<float>(registry, "float32");
  register_same<double>(registry, "float64");
  register_same<std::complex<double>>(registry, "complex128");
  register_same<bool>(registry, "boolean");
  register_same<std::string>(registry, "text");
  register_same<Bytes>(registry, "bytes");
  registry.function("typed.largest", [] { return std::numeric_limits<std::uint64_t>::max(); });
  registry.function("typed.no_text", [] { return std::string("ab\xff"); });
  registry.function("typed.no_texts", [] { return std::vector<std::string>{"a", "\xc3"}; });
}

void register_arrays(Registry& registry) {
  registry.function(
      "typed.view",
      [](const ArrayView<double>& x) {
        double total = 0;
        for (std::int64_t i = 0; i < x.size(); ++i) total += x[i];
        return std::pair(std::vector<std::int64_t>(x.shape().begin(), x.shape().end()), total);
      },
      arg("x"));
  register_same<Array<double>>(registry, "array");
  register_same<AnyArray>(registry, "any_array");
}

void register_containers(Registry& registry) {
  register_same<std::vector<std::int32_t>>(registry, "ints");
  register_same<std::vector<double>>(registry, "floats");
  register_same<std::vector<bool>>(registry, "booleans");
  register_same<std::vector<std::string>>(registry, "texts");
  register_same<std::deque<std::int32_t>>(registry, "int_deque");
  register_same<std::list<std::string>>(registry, "text_list");
  register_same<std::array<std::int32_t, 3>>(registry, "three");
  register_same<std::set<std::int32_t>>(registry, "int_set");
  register_same<std::unordered_set<std::string>>(registry, "text_set");
  register_same<std::map<std::string, std::int32_t>>(registry, "text_map");
  register_same<std::unordered_map<std::int32_t, std::vector<double>>>(registry, "int_map");
  register_same<std::pair<std::int32_t, std::string>>(registry, "pair");
  register_same<std::tuple<std::int32_t, double, std::string>>(registry, "triple");
}

// Which alternative a value became, beside the value.
template <class... T>
void register_which(Registry& registry, const std::string& name) {
  registry.function(
      "typed." + name,
      [](std::variant<T...> x) {
        const auto index = static_cast<std::int64_t>(x.index());
        return std::pair(index, std::move(x));
      },
      arg("x"));
}

void register_unions(Registry& registry) {
  register_same<std::optional<std::int64_t>>(registry, "optional");
  register_which<double, std::int64_t>(registry, "float_or_int");
  register_which<std::string, double>(registry, "text_or_float");
  register_which<std::monostate, std::vector<double>, std::vector<std::string>>(registry,
                                                                                "none_or_lists");
  register_which<Color, std::string>(registry, "color_or_text");
}

void register_enumerations(Registry& registry) {
  registry.enumeration<Color>(
      "Color", {{"RED", Color::kRed}, {"GREEN", Color::kGreen}, {"BLUE", Color::kBlue}},
      "Of light.");
  registry.function(
      "typed.color", [](Color x) { return x; }, arg("x") = Color::kGreen);
  registry.function("typed.no_color", [] { return static_cast<Color>(7); });
  register_same<std::vector<Color>>(registry, "colors");
  register_same<std::map<Color, std::optional<Color>>>(registry, "color_map");
}

void register_times(Registry& registry) {
  using Days = std::chrono::duration<std::int32_t, std::ratio<86400>>;
  register_same<std::chrono::microseconds>(registry, "microseconds");
  register_same<std::chrono::seconds>(registry, "seconds");
  register_same<Days>(registry, "days");
  register_same<std::chrono::duration<double>>(registry, "float_seconds");
  register_same<std::chrono::system_clock::time_point>(registry, "moment");
}

void register_objects(Registry& registry) {
  registry.type<Shape>("Shape", "Something with a name.")
      .init<std::string>(arg("name"))
      .property("name", &Shape::name, "Its name.")
      .method("broken", &Shape::broken, "No text.");
  registry.type<Square>("Square", "A Shape.").base<Shape>().init<>();
  register_same<std::shared_ptr<Shape>>(registry, "shape");
  register_same<std::vector<std::shared_ptr<Shape>>>(registry, "shapes");
  register_same<std::shared_ptr<Square>>(registry, "square");
  registry.function(
      "typed.name_of", [](const Shape& x) { return x.name(); }, arg("x"));
}

using Join = std::function<std::string(std::int64_t, const std::string&)>;

void register_functions(Registry& registry) {
  registry.function(
      "typed.apply", [](const Join& f, std::int64_t n) { return f(n, "text"); }, arg("f"),
      arg("n"));
  registry.function(
      "typed.apply_all",
      [](const std::map<std::string, std::vector<Join>>& all) {
        std::vector<std::string> results;
        for (const auto& [name, functions] : all) {
          for (const Join& f : functions) results.push_back(f(1, name));
        }
        return results;
      },
      arg("all"));
  registry.function(
      "typed.apply_or",
      [](const std::optional<Join>& f) { return f ? (*f)(2, "given") : std::string("none"); },
      arg("f"));
  registry.function(
      "typed.function_or_text",
      [](const std::variant<std::string, Join>& x) {
        const auto* f = std::get_if<Join>(&x);
        return f != nullptr ? (*f)(3, "called") : std::get<std::string>(x);
      },
      arg("x"));
  register_same<Join>(registry, "same_function");
  register_same<CallablePtr>(registry, "any_function");
  registry.function(
      "typed.joined",
      [](std::int64_t n, const std::string& text) { return text + std::to_string(n); }, arg("n"),
      arg("text"));
  registry.function(
      "typed.adder",
      [](double by) { return std::function<double(double)>([by](double x) { return x + by; }); },
      arg("by"));
  registry.function(
      "typed.painted",
      [](const std::function<Color(Color, std::vector<std::shared_ptr<Shape>>)>& f) {
        return f(Color::kRed, {std::make_shared<Square>(), nullptr});
      },
      arg("f"));
  registry.function(
      "typed.total",
      [](const std::function<Array<double>(Array<double>)>& f) {
        Array<double> ones(std::vector<std::int64_t>{300'000});
        for (std::int64_t i = 0; i < ones.size(); ++i) ones[i] = 1;
        const auto result = f(std::move(ones));
        double total = 0;
        for (std::int64_t i = 0; i < result.size(); ++i) total += result[i];
        return total;
      },
      arg("f"));
}

// What becomes of errors of functions, and where functions may be called.
void register_calling(Registry& registry) {
  using Call = std::function<void()>;
  registry.function(
      "typed.caught",
      [](const Call& f) {
        try {
          f();
        } catch (const Error& error) {
          return std::tuple(std::string(name_of(error.kind())), std::string(error.text()),
                            error.thrown_type);
        }
        return std::tuple(std::string(), std::string(), std::string());
      },
      arg("f"));
  registry.function(
      "typed.rethrown",
      [](const Call& f) {
        try {
          f();
        } catch (const Error&) {
          throw;
        }
      },
      arg("f"));
  registry.function(
      "typed.replaced",
      [](const Call& f) {
        try {
          f();
        } catch (const Error&) {
          throw std::domain_error("another one");
        }
      },
      arg("f"));
  registry.function(
      "typed.on_threads",
      [](const Call& f, std::int64_t count) {
        std::vector<std::jthread> threads;
        for (std::int64_t i = 0; i < count; ++i) threads.emplace_back([&f] { f(); });
      },
      arg("f"), arg("count"));
  registry.function(
      "typed.later",
      [](const Call& f) {
        std::thread([f] {
          try {
            f();
          } catch (const Error&) {
            // Its session is gone, and there is nobody to tell.
          }
        }).detach();
      },
      arg("f"));
}

}  // namespace

void register_typed(Registry& registry) {
  register_scalars(registry);
  register_arrays(registry);
  register_containers(registry);
  register_enumerations(registry);
  register_unions(registry);
  register_times(registry);
  register_objects(registry);
  register_functions(registry);
  register_calling(registry);
}

}  // namespace cppipc::test
