// SPDX-License-Identifier: Apache-2.0
#include "typed_server/messages.h"

#include <cppipc/interop/capnp.h>
#include <cppipc/registry.h>

#include <cstring>
#include <optional>
#include <string>

#include "typed_server/shapes.capnp.h"

namespace cppipc::test {
namespace {

using interop::make_message;
using interop::MessageReader;
using schema::Drawing;

// The same drawing, moved and renamed; everything else as it is.
Message moved(const Message& drawing, double x, double y) {
  MessageReader reader(drawing);
  auto builder = std::make_unique<capnp::MallocMessageBuilder>();
  builder->setRoot(reader.root<Drawing>());
  auto root = builder->getRoot<Drawing>();
  root.setName(std::string(root.getName().cStr()) + ", moved");
  root.setRevision(root.getRevision() + 1);
  for (auto point : root.getPoints()) {
    point.setX(point.getX() + x);
    point.setY(point.getY() + y);
  }
  return make_message(std::unique_ptr<capnp::MessageBuilder>(std::move(builder)));
}

// A part of a drawing as a message of its own; none if there is none.
std::optional<Message> inner(const Message& drawing) {
  MessageReader reader(drawing);
  const auto root = reader.root<Drawing>();
  if (!root.hasInner()) return std::nullopt;
  return make_message(root.getInner());
}

// A drawing in many segments.
Message in_segments(const std::string& name, unsigned pixels, unsigned segments) {
  const unsigned words = std::max(1u, pixels / 8 / std::max(1u, segments));
  auto builder =
      std::make_unique<capnp::MallocMessageBuilder>(words, capnp::AllocationStrategy::FIXED_SIZE);
  auto drawing = builder->initRoot<Drawing>();
  drawing.setName(name);
  for (unsigned i = 1; i < segments; ++i) {
    auto data = drawing.initPixels(pixels / segments / 8 * 8);
    std::memset(data.begin(), static_cast<int>(i), data.size());
    drawing = drawing.initInner();
    drawing.setRevision(i);
  }
  return make_message(std::unique_ptr<capnp::MessageBuilder>(std::move(builder)));
}

std::uint64_t pixel_sum(const Message& drawing) {
  MessageReader reader(drawing);
  std::uint64_t sum = 0;
  for (const auto pixel : reader.root<Drawing>().getPixels()) sum += pixel;
  return sum;
}

// Follows every pointer of a drawing; a hostile one ends it.
std::uint64_t walked(const Message& drawing) {
  MessageReader reader(drawing);
  std::uint64_t drawings = 0;
  for (auto part = reader.root<Drawing>(); ++drawings != 0 && part.hasInner();) {
    part = part.getInner();
  }
  return drawings;
}

}  // namespace

void register_messages(Registry& registry) {
  registry.function(
      "messages.same", [](const Message& message) { return message; }, arg("message"));
  registry.function(
      "messages.maybe", [](std::optional<Message> message) { return message; }, arg("message"));
  registry.function("messages.none", [] { return Message(); });
  registry.function(
      "messages.segments",
      [](const Message& message) {
        std::vector<std::uint64_t> words;
        for (std::size_t i = 0; i < message.size(); ++i) words.push_back(message.segment(i).size());
        return words;
      },
      arg("message"));
  registry.function("messages.moved", &moved, arg("drawing"), arg("x") = 0.0, arg("y") = 0.0);
  registry.function("messages.inner", &inner, arg("drawing"));
  registry.function("messages.in_segments", &in_segments, arg("name"), arg("pixels"),
                    arg("segments"));
  registry.function("messages.pixel_sum", &pixel_sum, arg("drawing"));
  registry.function("messages.walked", &walked, arg("drawing"));
}

}  // namespace cppipc::test
