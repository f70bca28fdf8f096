// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the tests of host and client expose: objects that count themselves, methods that wait until
// the test lets them go, and methods that fail in every way.

#include <cppipc/registry.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/eventually.h"

namespace cppipc::test {

// What a test and the methods that it calls share. Threads: any.
class Stage {
 public:
  // The gate that methods wait at which were given this name.
  Gate& gate(const std::string& name) {
    std::lock_guard lock(mutex_);
    return gates_[name];
  }
  void open(const std::string& name) { gate(name).open(); }

  // Notes that a method has got somewhere.
  void note(const std::string& text) {
    std::lock_guard lock(mutex_);
    notes_.push_back(text);
  }
  std::vector<std::string> notes() const {
    std::lock_guard lock(mutex_);
    return notes_;
  }
  int count(const std::string& text) const {
    std::lock_guard lock(mutex_);
    return static_cast<int>(std::count(notes_.begin(), notes_.end(), text));
  }
  // Waits until a method has noted it.
  bool saw(const std::string& text, int times = 1) const {
    return eventually([&] { return count(text) >= times; });
  }

  // Stands at the gate of this name; `name` is noted first.
  void wait(const std::string& name) {
    note(name);
    if (!gate(name).wait()) throw std::runtime_error("nobody opened the gate '" + name + "'");
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Gate> gates_;
  std::vector<std::string> notes_;
};

// An object with a value, whose calls must not overlap.
class Probe : public std::enable_shared_from_this<Probe> {
 public:
  explicit Probe(std::int64_t value = 0) : value_(value) { ++live; }
  ~Probe() { --live; }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  std::int64_t value() const { return value_; }
  void set_value(std::int64_t value) { value_ = value; }
  std::int64_t add(std::int64_t by) {
    const Alone alone(*this);
    return value_ += by;
  }
  std::int64_t add_from(const std::shared_ptr<Probe>& other) {
    const Alone alone(*this);
    if (other.get() == this) return value_ *= 2;
    const Alone other_alone(*other);
    return value_ += other->value_;
  }
  std::shared_ptr<Probe> itself() { return shared_from_this(); }
  std::shared_ptr<Probe> plus(std::int64_t n) const { return std::make_shared<Probe>(value_ + n); }
  std::vector<std::shared_ptr<Probe>> many(std::int64_t n) const {
    std::vector<std::shared_ptr<Probe>> probes;
    for (std::int64_t i = 0; i < n; ++i) probes.push_back(plus(i));
    return probes;
  }
  // Marks this object as being used for as long as it lives.
  class Alone {
   public:
    explicit Alone(Probe& probe) : probe_(probe) {
      if (probe_.users_.fetch_add(1) != 0) ++overlaps;
    }
    ~Alone() { probe_.users_.fetch_sub(1); }

   private:
    Probe& probe_;
  };

  static inline std::atomic<int> live{0};
  static inline std::atomic<int> overlaps{0};  // calls on one object at one time

 private:
  std::int64_t value_;
  std::atomic<int> users_{0};
};

// A thread-safe object, which has another one.
class Safe {
 public:
  struct Part {};

  Safe() { ++live; }
  ~Safe() { --live; }
  Safe(const Safe&) = delete;
  Safe& operator=(const Safe&) = delete;

  std::shared_ptr<Part> part() const { return part_; }

  static inline std::atomic<int> live{0};

 private:
  const std::shared_ptr<Part> part_ = std::make_shared<Part>();
};

// An object whose destructor waits at the gate "destructor".
class Heavy {
 public:
  explicit Heavy(Stage& stage) : stage_(&stage) {}
  ~Heavy() { stage_->wait("destructor"); }
  Heavy(const Heavy&) = delete;
  Heavy& operator=(const Heavy&) = delete;

 private:
  Stage* stage_;
};

// An exception with a class of its own.
struct OwnFailure : std::runtime_error {
  using runtime_error::runtime_error;
};

// One for each session.
class Desk {
 public:
  Desk() { ++live; }
  ~Desk() { --live; }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  static inline std::atomic<int> live{0};
};

[[noreturn]] inline void fail(const std::string& kind) {
  if (kind == "own") throw OwnFailure("of its own");
  if (kind == "runtime_error") throw std::runtime_error("it broke");
  if (kind == "invalid_argument") throw std::invalid_argument("it is wrong");
  if (kind == "bad_alloc") throw std::bad_alloc();
  if (kind == "Error") throw Error(ErrorKind::kStaleReference, "it is old");
  if (kind == "string") throw std::string("a text");
  throw 42;
}

// Waits at the gate, and looks whether it is still wanted.
inline void wait_while_wanted(Stage& stage, const std::string& name, Context& context) {
  stage.note(name);
  eventually([&] { return context.cancelled() || stage.gate(name).is_open(); });
  if (context.cancelled()) stage.note(name + " cancelled");
  context.throw_if_cancelled();
}

inline void register_probe(Registry& registry, Stage& stage) {
  registry.type<Probe>("Probe", "An object with a value.")
      .init<std::int64_t>(arg("value") = 0)
      .property("value", &Probe::value, &Probe::set_value, "The value.")
      .property("fixed", &Probe::value, "The same, not writable.")
      .method("add", &Probe::add, arg("by") = 1, "Adds.")
      .method("add_from", &Probe::add_from, arg("other"), "Adds the value of another.")
      .method("itself", &Probe::itself, "This very object.")
      .method("plus", &Probe::plus, arg("n"), "A new one.")
      .method("many", &Probe::many, arg("n"), "New ones.")
      .static_method(
          "made", [](std::int64_t value) { return std::make_shared<Probe>(value); }, arg("value"))
      .iterable([](Probe& probe) {
        return [&probe]() -> std::optional<std::int64_t> {
          const Probe::Alone alone(probe);
          if (probe.value() == 0) return std::nullopt;
          probe.set_value(probe.value() - 1);
          return probe.value();
        };
      })
      .method(
          "note",
          [&stage](Probe& probe, const std::string& text) {
            const Probe::Alone alone(probe);
            stage.note(text);
          },
          arg("text"))
      .method(
          "wait",
          [&stage](Probe& probe, const std::string& name) {
            const Probe::Alone alone(probe);
            stage.wait(name);
          },
          arg("name"))
      .method(
          "wait_with",
          [&stage](Probe& probe, const std::shared_ptr<Probe>& other, const std::string& name) {
            const Probe::Alone alone(probe), other_alone(*other);
            stage.wait(name);
          },
          arg("other"), arg("name"))
      .method(
          "poll",
          [&stage](Probe& probe, const std::string& name, Context& context) {
            const Probe::Alone alone(probe);
            wait_while_wanted(stage, name, context);
          },
          arg("name"))
      .method(
          "fail", [](Probe&, const std::string& kind) { fail(kind); }, arg("kind"));
}

inline void register_others(Registry& registry, Stage& stage) {
  registry.type<Safe>("Safe", "Any number of calls at one time.")
      .init<>()
      .thread_safe()
      .method("part", &Safe::part, "Its one and only part.")
      .method(
          "wait", [&stage](Safe&, const std::string& name) { stage.wait(name); }, arg("name"));
  registry.type<Safe::Part>("Part", "A part of a Safe.");
  registry.type<Heavy>("Heavy", "Takes its time to go.").init([&stage] {
    return std::make_shared<Heavy>(stage);
  });
  registry.type<Stage>("Stage", "Cannot be created by clients.");
  registry.type<Desk>("Desk", "One for each session.").per_session();
  registry.exception<OwnFailure>("OwnFailure", "One of its own.");
  registry.function(
      "wait", [&stage](const std::string& name) { stage.wait(name); }, arg("name"));
  registry.function(
      "block", [&stage](const std::string& name) { stage.wait(name); }, arg("name"), blocking);
  registry.function(
      "poll",
      [&stage](const std::string& name, Context& context) {
        wait_while_wanted(stage, name, context);
      },
      arg("name"));
  registry.function("fail", &fail, arg("kind"));
  registry.function(
      "echo", [](const Variant& x) { return x; }, arg("x"));
  registry.function(
      "call",
      [](const CallablePtr& f, Args args) {
        return f->call({std::move(args.values), {}});
      },
      arg("f"));
  registry.function(
      "call_beside",
      [](const CallablePtr& f, const CallablePtr& beside) {
        const std::jthread thread([&] { beside->call({}); });
        f->call({});
      },
      arg("f"), arg("beside"));
  registry.function(
      "length", [](const std::string& text) { return static_cast<std::int64_t>(text.size()); },
      arg("text"));
  registry.function(
      "text", [](std::int64_t size) { return std::string(static_cast<std::size_t>(size), 'x'); },
      arg("size"));
  registry.function(
      "log", [](const std::string& text, Context& context) { context.log(text); }, arg("text"));
  registry.toolkit("add_one", [](const VariantMap& parameters) {
    return VariantMap{{"x", Variant(parameters.at("x").as<std::int64_t>() + 1)}};
  });
  registry.toolkit("fail_toolkit", [](const VariantMap&) -> VariantMap {
    throw Error(ErrorKind::kToolkit, "no result");
  });
}

inline Registry registry_of(Stage& stage) {
  Registry registry;
  register_probe(registry, stage);
  register_others(registry, stage);
  return registry;
}

}  // namespace cppipc::test
