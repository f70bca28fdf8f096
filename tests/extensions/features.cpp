// SPDX-License-Identifier: Apache-2.0
// An extension with a function for each thing that crosses the boundary. The tests build it four
// ways, and load all four into one process.
#include <cppipc/extension.h>

#include <algorithm>
#include <array>
#include <complex>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace {

using cppipc::ext::Array;
using cppipc::ext::ArrayView;
using cppipc::ext::Bytes;
using cppipc::ext::Context;
using cppipc::ext::Error;
using cppipc::ext::ErrorKind;
using cppipc::ext::Value;

// As short as it is, it tells the standard libraries apart.
std::string standard_library() {
#if defined(_LIBCPP_VERSION)
  return "libc++";
#elif defined(_GLIBCXX_DEBUG)
  return "libstdc++ debug";
#else
  return "libstdc++";
#endif
}

struct Odd {};
class OwnError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void fail(const std::string& kind, const std::string& text) {
  if (kind == "runtime_error") throw std::runtime_error(text);
  if (kind == "own") throw OwnError(text);
  if (kind == "invalid_argument") throw std::invalid_argument(text);
  if (kind == "domain_error") throw std::domain_error(text);
  if (kind == "out_of_range") throw std::out_of_range(text);
  if (kind == "overflow_error") throw std::overflow_error(text);
  if (kind == "logic_error") throw std::logic_error(text);
  if (kind == "bad_alloc") throw std::bad_alloc();
  if (kind == "bad_cast") throw std::bad_cast();
  if (kind == "system_error") throw std::system_error(ENOENT, std::generic_category(), text);
  if (kind == "ios_base::failure") {
    std::ifstream file;
    file.exceptions(std::ios::failbit);
    file.open("/nonexistent/file");
  }
  if (kind == "toolkit") throw Error(ErrorKind::kToolkit, text);
  if (kind == "unknown_key") throw Error(ErrorKind::kUnknownKey, text);
  if (kind == "string") throw text;
  if (kind == "char*") throw "a plain text";
  if (kind == "int") throw 42;
  if (kind == "struct") throw Odd();
  if (kind == "at") (void)std::vector<int>().at(7);
}

enum class Color { red = 1, green = 2 };

// What is registered first is a base, and polymorphic: objects go out as what they are.
class Shape {
 public:
  virtual ~Shape() { --live; }
  Shape() { ++live; }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;
  virtual double area() const { return 0; }
  Shape& itself() { return *this; }
  static std::int64_t count() { return live; }

  std::string label = "none";

 private:
  static inline std::int64_t live = 0;
};
// Another base, so that the address of a Square as a Shape is not its own.
struct Padding {
  virtual ~Padding() = default;
  std::array<double, 4> padding = {};
};
class Square : public Padding, public Shape {
 public:
  explicit Square(double side) : side_(side) {}
  double area() const override { return side_ * side_; }
  double side() const { return side_; }

 private:
  double side_;
};

double area_of(const Shape& shape) { return shape.area(); }
double total_area(const std::vector<std::shared_ptr<Shape>>& shapes) {
  double total = 0;
  for (const auto& shape : shapes) total += shape ? shape->area() : 0;
  return total;
}
std::shared_ptr<Shape> make_shape(double side) { return std::make_shared<Square>(side); }
std::shared_ptr<Shape> kept;
void keep_shape(std::shared_ptr<Shape> shape) { kept = std::move(shape); }
std::shared_ptr<Shape> take_kept() { return std::move(kept); }
Shape* nobodys() {
  static Shape shape;
  return &shape;
}

template <class T>
T echo(T value) {
  return value;
}

double total(const ArrayView<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}
std::int64_t element(const ArrayView<std::int64_t>& values, std::int64_t i, std::int64_t j) {
  return values(i, j);
}
Array<double> scaled(Array<double> values, double by) {
  for (double& value : values) value *= by;
  return values;
}
Array<float> zeros(std::int64_t rows, std::int64_t columns) {
  return Array<float>({rows, columns});
}

using Function = std::function<double(double)>;
Function adder(double by) {
  return [by](double x) { return x + by; };
}
double twice(const Function& f, double x) { return f(f(x)); }
std::string caught(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.kind())) + " " + error.what();
  }
  return "nothing";
}
std::int64_t pass_object(const std::function<std::int64_t(std::shared_ptr<Shape>)>& f) {
  return f(std::make_shared<Square>(3));
}

Value describe(const Value& value) {
  std::map<std::string, Value> described;
  described["kind"] = static_cast<std::int64_t>(value.kind());
  described["value"] = value;
  return described;
}

bool report(Context& context, std::int64_t steps) {
  for (std::int64_t i = 0; i < steps; ++i) {
    context.progress(static_cast<double>(i) / static_cast<double>(steps), "step");
  }
  context.log("reported");
  context.throw_if_cancelled();
  return context.cancelled();
}

}  // namespace

#if defined(AS_GCC17)
CPPIPC_EXTENSION(gcc17, m)
#elif defined(AS_GCC20DEBUG)
CPPIPC_EXTENSION(gcc20debug, m)
#elif defined(AS_CLANG)
CPPIPC_EXTENSION(clang, m)
#elif defined(AS_LIBCXX)
CPPIPC_EXTENSION(libcxx, m)
#endif
{
  m.doc("Whatever crosses the boundary.");
  m.function("standard_library", &standard_library, "What it was built with.");
  m.function("fail", &fail, arg("kind"), arg("text") = "failed", "Throws.");

  m.function("echo_bool", &echo<bool>, arg("x"));
  m.function("echo_int8", &echo<std::int8_t>, arg("x"));
  m.function("echo_int", &echo<int>, arg("x") = 7);
  m.function("echo_int64", &echo<std::int64_t>, arg("x"));
  m.function("echo_uint64", &echo<std::uint64_t>, arg("x"));
  m.function("echo_float", &echo<float>, arg("x"));
  m.function("echo_double", &echo<double>, arg("x"));
  m.function("echo_complex", &echo<std::complex<double>>, arg("x"));
  m.function("echo_text", &echo<std::string>, arg("x") = "default");
  m.function(
      "text_length", [](std::string_view x) { return x.size(); }, arg("x"));
  m.function("not_utf8", [] {
    return std::vector<std::string>{"good",
                                    "b\xff"
                                    "d"};
  });
  m.function("echo_bytes", &echo<Bytes>, arg("x"));
  m.function("new_bytes", [] { return Bytes(std::string_view("a\0b", 3)); });
  m.function("echo_numbers", &echo<std::vector<double>>, arg("x"));
  m.function("echo_ints", &echo<std::vector<std::int64_t>>, arg("x"));
  m.function("echo_bools", &echo<std::vector<bool>>, arg("x"));
  m.function("echo_lists", &echo<std::vector<std::vector<int>>>, arg("x"));
  m.function("echo_texts", &echo<std::vector<std::string>>, arg("x"));
  m.function("echo_map", &echo<std::map<std::string, std::vector<int>>>, arg("x"));
  m.function("echo_hash_map", &echo<std::unordered_map<std::string, double>>, arg("x"));
  m.function("echo_pair", &echo<std::pair<std::string, int>>, arg("x"));
  m.function("echo_tuple", &echo<std::tuple<int, double, std::optional<std::string>>>, arg("x"));
  m.function("echo_array3", &echo<std::array<double, 3>>, arg("x"));
  m.function("echo_optional", &echo<std::optional<double>>, arg("x") = nullptr);
  m.function("echo", &echo<Value>, arg("x"));
  m.function("describe", &describe, arg("x"));
  m.function("echo_color", &echo<Color>, arg("x") = Color::green);

  m.function("total", &total, arg("values"));
  m.function("element", &element, arg("values"), arg("i"), arg("j"));
  m.function("scaled", &scaled, arg("values"), arg("by") = 2.0);
  m.function("echo_view", &echo<ArrayView<double>>, arg("x"));
  m.function("zeros", &zeros, arg("rows"), arg("columns"));

  m.function("adder", &adder, arg("by"));
  m.function("twice", &twice, arg("f"), arg("x"));
  m.function("echo_function", &echo<Function>, arg("f"));
  m.function("caught", &caught, arg("f"));
  m.function("pass_object", &pass_object, arg("f"));
  m.function("report", &report, arg("steps"), "Reports.", blocking);

  m.enumeration<Color>("Color", {{"red", Color::red}, {"green", Color::green}}, "Colours.");
  m.type<Shape>("Shape", "What has an area.")
      .init<>()
      .method("area", &Shape::area, "In square units.")
      .method("itself", &Shape::itself)
      .method("count", &Shape::count, "How many live.")
      .property("label", &Shape::label, &Shape::label, "A text.");
  m.type<Square>("Square", "A square.")
      .base<Shape>()
      .init<double>(arg("side") = 1.0)
      .method(
          "scaled_by",
          [](const Square& self, double by) { return std::make_unique<Square>(self.side() * by); },
          arg("by"))
      .property("side", &Square::side)
      .thread_safe();
  m.function("area_of", &area_of, arg("shape"));
  m.function("total_area", &total_area, arg("shapes"));
  m.function("make_shape", &make_shape, arg("side"));
  m.function("keep_shape", &keep_shape, arg("shape"));
  m.function("take_kept", &take_kept);
  m.function("nobodys", &nobodys);
}
