// SPDX-License-Identifier: Apache-2.0
#pragma once
// An interface with all that one can have, its proxy, and two implementations of it.

#include <cppipc/implement.h>
#include <cppipc/proxy.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/test_registry.h"

namespace cppipc::test {

class Node;
using NodePtr = std::shared_ptr<Node>;

class Node {
 public:
  virtual ~Node() = default;
  virtual std::int64_t value() const = 0;
  virtual void set_value(std::int64_t value) = 0;
  virtual std::int64_t add(std::int64_t by) = 0;
  virtual std::int8_t small(std::int8_t value) const = 0;
  virtual std::string name() const = 0;
  // Overloads.
  virtual std::string twice(std::int64_t value) const = 0;
  virtual std::string twice(const std::string& text) const = 0;
  // Objects as arguments.
  virtual std::int64_t add_from(const NodePtr& other) = 0;
  virtual std::int64_t add_value_of(const Node& other) = 0;
  virtual std::int64_t total(const std::vector<NodePtr>& nodes) const = 0;
  // Objects as results.
  virtual NodePtr itself() = 0;
  virtual NodePtr plus(std::int64_t n) const = 0;
  virtual NodePtr nothing() const = 0;
  virtual std::vector<NodePtr> many(std::int64_t n) const = 0;
  using Nested = std::map<std::string, std::pair<NodePtr, std::optional<NodePtr>>>;
  virtual Nested nested(Nested nodes) const = 0;
  virtual double apply(const std::function<double(double)>& f) const = 0;
  virtual void fail(const std::string& kind) const = 0;
  virtual void wait(const std::string& gate) const = 0;
};

inline auto interface_of(const Node*) {
  return interface<Node>("Node", "Something with a value.")
      .constructor<std::int64_t, std::string>(parameter("value") = 0, parameter("name") = "node")
      .property<&Node::value, &Node::set_value>("value", "The value.")
      .property<&Node::name>("name")
      .method<&Node::add>("add", parameter("by") = 1, "Adds.")
      .method<&Node::small>("small", parameter("value"))
      .method<static_cast<std::string (Node::*)(std::int64_t) const>(&Node::twice)>(
          "twice", parameter("value"))
      .method<static_cast<std::string (Node::*)(const std::string&) const>(&Node::twice)>(
          "twice", parameter("text"))
      .method<&Node::add_from>("add_from", parameter("other"))
      .method<&Node::add_value_of>("add_value_of", parameter("other"))
      .method<&Node::total>("total", parameter("nodes"))
      .method<&Node::itself>("itself")
      .method<&Node::plus>("plus", parameter("n"))
      .method<&Node::nothing>("nothing")
      .method<&Node::many>("many", parameter("n"))
      .method<&Node::nested>("nested", parameter("nodes"))
      .method<&Node::apply>("apply", parameter("f"))
      .method<&Node::fail>("fail", parameter("kind"))
      .method<&Node::wait>("wait", parameter("gate"));
}

// One that derives from it.
class Leaf : public virtual Node {
 public:
  virtual std::string colour() const = 0;
};

inline auto interface_of(const Leaf*) {
  return interface<Leaf>("plants.Leaf", "A node with a colour.")
      .base<Node>()
      .constructor<std::string>(parameter("colour"))
      .property<&Leaf::colour>("colour");
}

// The members of Node, for the proxy of any interface that is one.
template <class I>
class NodeCalls : public Proxy<I> {
 public:
  using Proxy<I>::Proxy;
  std::int64_t value() const override { return this->template call<&Node::value>(); }
  void set_value(std::int64_t value) override { this->template call<&Node::set_value>(value); }
  std::int64_t add(std::int64_t by) override { return this->template call<&Node::add>(by); }
  std::int8_t small(std::int8_t value) const override {
    return this->template call<&Node::small>(value);
  }
  std::string name() const override { return this->template call<&Node::name>(); }
  std::string twice(std::int64_t value) const override {
    constexpr std::string (Node::*kTwice)(std::int64_t) const = &Node::twice;
    return this->template call<kTwice>(value);
  }
  std::string twice(const std::string& text) const override {
    constexpr std::string (Node::*kTwice)(const std::string&) const = &Node::twice;
    return this->template call<kTwice>(text);
  }
  std::int64_t add_from(const NodePtr& other) override {
    return this->template call<&Node::add_from>(other);
  }
  std::int64_t add_value_of(const Node& other) override {
    return this->template call<&Node::add_value_of>(other);
  }
  std::int64_t total(const std::vector<NodePtr>& nodes) const override {
    return this->template call<&Node::total>(nodes);
  }
  NodePtr itself() override { return this->template call<&Node::itself>(); }
  NodePtr plus(std::int64_t n) const override { return this->template call<&Node::plus>(n); }
  NodePtr nothing() const override { return this->template call<&Node::nothing>(); }
  std::vector<NodePtr> many(std::int64_t n) const override {
    return this->template call<&Node::many>(n);
  }
  Node::Nested nested(Node::Nested nodes) const override {
    return this->template call<&Node::nested>(std::move(nodes));
  }
  double apply(const std::function<double(double)>& f) const override {
    return this->template call<&Node::apply>(f);
  }
  void fail(const std::string& kind) const override { this->template call<&Node::fail>(kind); }
  void wait(const std::string& gate) const override { this->template call<&Node::wait>(gate); }
};

class NodeProxy final : public NodeCalls<Node> {
 public:
  using NodeCalls::NodeCalls;
};
NodeProxy* proxy_of(const Node*);

class LeafProxy final : public NodeCalls<Leaf> {
 public:
  using NodeCalls::NodeCalls;
  std::string colour() const override { return call<&Leaf::colour>(); }
};
LeafProxy* proxy_of(const Leaf*);

// What a server has for it. `I` is Node or Leaf.
template <class I>
class LocalNode : public I, public std::enable_shared_from_this<LocalNode<I>> {
 public:
  LocalNode(Stage& stage, std::int64_t value, std::string name)
      : stage_(&stage), value_(value), name_(std::move(name)) {
    ++Safe::live;
  }
  ~LocalNode() override { --Safe::live; }
  LocalNode(const LocalNode&) = delete;
  LocalNode& operator=(const LocalNode&) = delete;

  std::int64_t value() const override { return value_; }
  void set_value(std::int64_t value) override { value_ = value; }
  std::int64_t add(std::int64_t by) override { return value_ += by; }
  std::int8_t small(std::int8_t value) const override { return value; }
  std::string name() const override { return name_; }
  std::string twice(std::int64_t value) const override { return std::to_string(2 * value); }
  std::string twice(const std::string& text) const override { return text + text; }
  std::int64_t add_from(const NodePtr& other) override {
    return value_ += other ? other->value() : 1000;
  }
  std::int64_t add_value_of(const Node& other) override { return value_ += other.value(); }
  std::int64_t total(const std::vector<NodePtr>& nodes) const override {
    std::int64_t sum = value_;
    for (const NodePtr& node : nodes) sum += node->value();
    return sum;
  }
  NodePtr itself() override { return this->shared_from_this(); }
  NodePtr plus(std::int64_t n) const override;
  NodePtr nothing() const override { return nullptr; }
  std::vector<NodePtr> many(std::int64_t n) const override {
    std::vector<NodePtr> nodes;
    for (std::int64_t i = 0; i < n; ++i) nodes.push_back(plus(i));
    return nodes;
  }
  Node::Nested nested(Node::Nested nodes) const override { return nodes; }
  double apply(const std::function<double(double)>& f) const override { return f(2.0); }
  void fail(const std::string& kind) const override { test::fail(kind); }
  void wait(const std::string& gate) const override { stage_->wait(gate); }

 protected:
  Stage* stage_;
  std::int64_t value_;
  std::string name_;
};

// A class that no registry knows.
class PlainNode final : public LocalNode<Node> {
 public:
  using LocalNode::LocalNode;
};
class GreenLeaf final : public LocalNode<Leaf> {
 public:
  GreenLeaf(Stage& stage, std::string colour)
      : LocalNode(stage, 7, "leaf"), colour_(std::move(colour)) {}
  std::string colour() const override { return colour_; }

 private:
  std::string colour_;
};

template <class I>
NodePtr LocalNode<I>::plus(std::int64_t n) const {
  return std::make_shared<PlainNode>(*stage_, value_ + n, name_);
}

inline Registry nodes(Stage& stage) {
  Registry registry = registry_of(stage);
  implement_by<Node>(registry, [&stage](std::int64_t value, std::string name) {
    return std::make_shared<PlainNode>(stage, value, std::move(name));
  });
  implement_by<Leaf>(registry, [&stage](std::string colour) {
    return std::make_shared<GreenLeaf>(stage, std::move(colour));
  });
  registry.function(
      "leaf_as_node",
      [&stage](std::string colour) -> NodePtr {
        return std::make_shared<GreenLeaf>(stage, std::move(colour));
      },
      arg("colour"));
  return registry;
}

}  // namespace cppipc::test
