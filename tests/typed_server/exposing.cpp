// SPDX-License-Identifier: Apache-2.0
// The examples of docs/exposing.md, which quotes this file.
#include "typed_server/exposing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cppipc::test {
namespace {

class Account {
 public:
  explicit Account(std::string owner) : owner_(std::move(owner)) {}
  double deposit(double amount) { return balance_ += amount; }
  double balance() const { return balance_; }
  const std::string& owner() const { return owner_; }
  void set_owner(std::string owner) { owner_ = std::move(owner); }

 private:
  std::string owner_;
  double balance_ = 0;
};

void register_account(Registry& registry) {
  registry.type<Account>("Account", "Somebody's money.")
      .init<std::string>(arg("owner"), "An empty account.")
      .method("deposit", &Account::deposit, arg("amount") = 1.0, "Adds; returns the balance.")
      .property("balance", &Account::balance, "How much there is.")
      .property("owner", &Account::owner, &Account::set_owner, "Whose it is.");
}

class Shape {
 public:
  virtual ~Shape() = default;
  virtual double area() const = 0;
  std::string kind() const { return "shape"; }
};

class Circle : public Shape {
 public:
  explicit Circle(double radius) : radius_(radius) {}
  double area() const override { return std::acos(-1.0) * radius_ * radius_; }
  std::string kind() const { return "circle"; }
  double radius() const { return radius_; }

 private:
  double radius_;
};

void register_shapes(Registry& registry) {
  registry.type<Shape>("geometry.Shape", "Something flat.")
      .method("area", &Shape::area, "How much of the plane it covers.")
      .method("kind", &Shape::kind);
  registry.type<Circle>("geometry.Circle", "A round one.")
      .base<Shape>()
      .init<double>(arg("radius"))
      .method("kind", &Circle::kind)
      .property("radius", &Circle::radius);
  registry.function("geometry.unit",
                    []() -> std::shared_ptr<Shape> { return std::make_shared<Circle>(1.0); });
  registry.function(
      "geometry.twice", [](const Shape& shape) { return 2 * shape.area(); }, arg("shape"));
}

class AccountError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
class Overdrawn : public AccountError {
 public:
  Overdrawn(double missing)
      : AccountError("there is " + std::to_string(missing) + " too little"), missing(missing) {}
  double missing;
};
struct Closed {
  int year;
};

void register_errors(Registry& registry) {
  registry.exception<AccountError>("AccountError", "Something about an account.");
  registry.exception<Overdrawn>("bank.Overdrawn", "There is too little money.");
  registry.exception<Closed>(
      "bank.Closed", ErrorKind::kInvalidArgument, "The account is closed.",
      [](const Closed& closed) { return "closed since " + std::to_string(closed.year); });
  registry.function(
      "bank.pay",
      [](double amount) {
        if (amount > 1000) throw Closed{2001};
        if (amount > 100) throw Overdrawn(amount - 100);
        if (amount < 0) throw AccountError("a negative amount");
      },
      arg("amount"));
  registry.toolkit("bank.pay_all", [](const VariantMap&) -> VariantMap { throw Closed{1999}; });
}

class Vector {
 public:
  explicit Vector(std::vector<double> items) : items_(std::move(items)) {}
  static Vector zeros(std::size_t length) { return Vector(std::vector<double>(length)); }
  std::size_t size() const { return items_.size(); }
  const std::vector<double>& items() const { return items_; }
  double& at(std::int64_t i) {
    const auto length = static_cast<std::int64_t>(items_.size());
    return items_.at(static_cast<std::size_t>(i < 0 ? i + length : i));
  }
  bool operator==(const Vector& other) const { return items_ == other.items_; }
  Vector operator+(const Vector& other) const {
    Vector sum = *this;
    for (std::size_t i = 0; i < size(); ++i) sum.items_[i] += other.items_.at(i);
    return sum;
  }
  Vector operator*(double factor) const {
    Vector product = *this;
    for (double& item : product.items_) item *= factor;
    return product;
  }
  void append(const Vector& other) {
    items_.insert(items_.end(), other.items_.begin(), other.items_.end());
  }

 private:
  std::vector<double> items_;
};

void register_vector(Registry& registry) {
  registry.type<Vector>("Vector", "Numbers in a row.")
      .init<std::vector<double>>(arg("items"), "Of these numbers.")
      .init(
          [](std::size_t length, double fill) { return Vector(std::vector<double>(length, fill)); },
          arg("length"), arg("fill") = 0.0, "That many times the same.")
      .static_method("zeros", &Vector::zeros, arg("length"), "A new one, of zeros.")
      .iterable(&Vector::items)
      .method("__len__", &Vector::size)
      .method(
          "__getitem__", [](Vector& self, std::int64_t i) { return self.at(i); }, arg("index"))
      .method(
          "__setitem__", [](Vector& self, std::int64_t i, double item) { self.at(i) = item; },
          arg("index"), arg("item"))
      .method(
          "__contains__",
          [](const Vector& self, double item) {
            return std::ranges::find(self.items(), item) != self.items().end();
          },
          arg("item"))
      .method("__eq__", &Vector::operator==, arg("other"))
      .method("__add__", &Vector::operator+, arg("other"))
      .method("__iadd__", &Vector::append, arg("other"), "Appends.")
      .method("__mul__", &Vector::operator*, arg("factor"))
      .method("__rmul__", &Vector::operator*, arg("factor"))
      .method("__neg__", [](const Vector& self) { return self * -1.0; })
      .method("__str__",
              [](const Vector& self) { return std::to_string(self.size()) + " numbers"; })
      .method("_repr_html_",
              [](const Vector& self) { return "<b>" + std::to_string(self.size()) + "</b>"; });
}

class Countdown {
 public:
  explicit Countdown(std::int64_t from) : from_(from) {}
  std::int64_t from() const { return from_; }

 private:
  std::int64_t from_;
};

void register_countdown(Registry& registry) {
  registry.type<Countdown>("Countdown", "Counts down to 1.")
      .init<std::int64_t>(arg("start"))
      .iterable([](const Countdown& self) {
        return [left = self.from()]() mutable -> std::optional<std::int64_t> {
          if (left == 0) return std::nullopt;
          return left--;
        };
      });
  registry.function(
      "squares",
      [](std::int64_t count) {
        return Iterator<std::int64_t>([count, i = std::int64_t{0}]() mutable {
          if (i == count) return std::optional<std::int64_t>();
          const std::int64_t n = i++;
          return std::optional(n * n);
        });
      },
      arg("count"), "The first squares.");
  registry.function(
      "typed_generators.failing",
      [](std::int64_t count) {
        return Iterator<std::int64_t>([count, i = std::int64_t{0}]() mutable {
          if (i == count) throw AccountError("no more");
          return std::optional(i++);
        });
      },
      arg("count"), "Fails after that many items.");
}

std::string text_of(std::int64_t x) { return "int " + std::to_string(x); }
std::string text_of(double x) { return "float " + std::to_string(x); }
std::string text_of(const std::string& x) { return "text " + x; }
std::string text_of(const std::string& x, std::int64_t times) {
  return text_of(x) + " times " + std::to_string(times);
}

void register_overloads(Registry& registry) {
  registry.function("text_of", static_cast<std::string (*)(double)>(&text_of), arg("x"),
                    "Of a number.");
  registry.function("text_of", static_cast<std::string (*)(std::int64_t)>(&text_of), arg("x"));
  registry.function("text_of", static_cast<std::string (*)(const std::string&)>(&text_of),
                    arg("x"));
  registry.function("text_of",
                    static_cast<std::string (*)(const std::string&, std::int64_t)>(&text_of),
                    arg("x"), arg("times"), "Several times.");
}

class Settings {
 public:
  std::map<std::string, std::string> values;
};
class Workspace {
 public:
  std::vector<std::string> lines;
};

void register_single(Registry& registry) {
  registry.type<Settings>("Settings", "Those of the server.")
      .singleton()
      .method(
          "__getitem__",
          [](const Settings& self, const std::string& key) { return self.values.at(key); },
          arg("key"))
      .method(
          "__setitem__",
          [](Settings& self, const std::string& key, std::string value) {
            self.values[key] = std::move(value);
          },
          arg("key"), arg("value"));
  registry.type<Workspace>("Workspace", "What a session works on.")
      .per_session([] { return std::make_shared<Workspace>(); })
      .method("__enter__", [](Workspace& self) { self.lines.emplace_back("begin"); })
      .method(
          "__exit__",
          [](Workspace& self, const std::optional<std::string>& error) {
            self.lines.push_back(error.value_or("end"));
          },
          arg("error"))
      .property("lines", &Workspace::lines);
}

}  // namespace

void register_exposing(Registry& registry) {
  register_account(registry);
  register_shapes(registry);
  register_errors(registry);
  register_vector(registry);
  register_countdown(registry);
  register_overloads(registry);
  register_single(registry);
}

}  // namespace cppipc::test
