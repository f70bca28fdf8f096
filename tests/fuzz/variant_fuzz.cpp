// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message whose root is a Variant, Arguments, a Fault or a Description: reading it
// must end in a value or in an Error, and a value must survive being sent again, by the marshaller
// as by a ValueWriter. A ValueReader must stay within the bytes.

#include <cppipc/value_reader.h>
#include <cppipc/value_writer.h>

#include "rpc/message.h"
#include "wire/attach.h"
#include "wire/marshal.h"

#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {
namespace {

constexpr std::size_t kInputBytesMax = 1 << 20;

// An object that is what its reference said.
class FuzzObject final : public Object {
 public:
  FuzzObject(std::string_view type, std::span<const std::uint8_t> id) : type_(type) {
    std::copy(id.begin(), id.end(), id_.begin());
  }
  std::string_view type_name() const override { return type_; }
  const std::array<std::uint8_t, 16>& id() const { return id_; }

 private:
  std::string type_;
  std::array<std::uint8_t, 16> id_{};
};

// Takes every capability for an object and refuses blobs: an announced size alone may allocate
// as much as it says, which a fuzzer would call a fault.
class FuzzCaps final : public OutgoingCaps, public IncomingCaps {
 public:
  capnp::Capability::Client object(const ObjectPtr&) override { return placeholder(); }
  std::array<std::uint8_t, 16> object_id(const ObjectPtr& object) override {
    return static_cast<const FuzzObject&>(*object).id();
  }
  // Never reached: all limits of this file are larger than its inputs.
  PlacedBlob blob(BlobSource) override { std::abort(); }

  ObjectPtr object(const capnp::Capability::Client&, std::string_view type,
                   std::span<const std::uint8_t> id) override {
    return std::make_shared<FuzzObject>(type, id);
  }
  std::unique_ptr<BlobReader> blob(const capnp::Capability::Client&) override {
    throw Error(ErrorKind::kProtocol, "no blobs here");
  }

  static capnp::Capability::Client placeholder() {
    return capnp::Capability::Client(capnp::newBrokenCap("a placeholder is never called"));
  }
};

[[noreturn]] void fail(const char* what) {
  std::cerr << what << std::endl;
  std::abort();
}

kj::Array<capnp::word> words_of(const std::uint8_t* data, std::size_t size) {
  auto words = kj::heapArray<capnp::word>((size + 7) / 8);
  if (words.size() > 0) {
    std::memset(words.begin(), 0, words.asBytes().size());
    std::memcpy(words.begin(), data, size);
  }
  return words;
}

// What `words` say when their root is a T; nothing if they are refused.
// Errors: anything but a kProtocol ends the process.
template <class T, class Read>
auto read_as(const kj::Array<capnp::word>& words, Read&& read)
    -> std::optional<decltype(read(std::declval<typename T::Reader>()))> {
  try {
    auto copy = kj::heapArray<capnp::word>(words.size());
    if (words.size() > 0) std::memcpy(copy.begin(), words.begin(), words.asBytes().size());
    IncomingMessage message(kj::mv(copy));
    auto hooks = kj::heapArrayBuilder<kj::Maybe<kj::Own<capnp::ClientHook>>>(2);
    for (int i = 0; i < 2; ++i) hooks.add(capnp::ClientHook::from(FuzzCaps::placeholder()));
    capnp::ReaderCapabilityTable table(hooks.finish());
    const auto root = table.imbue(message.reader().getRoot<capnp::AnyPointer>());
    return read(root.getAs<T>());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kProtocol) fail(error.what());
  } catch (const kj::Exception&) {
    // The frame itself or its root is malformed, which the connection finds before us.
  }
  return std::nullopt;
}

template <class T, class Write>
kj::Array<capnp::word> write_as(Write&& write) {
  capnp::MallocMessageBuilder message;
  capnp::BuilderCapabilityTable table;
  write(table.imbue(message.getRoot<capnp::AnyPointer>()).template initAs<T>());
  return capnp::messageToFlatArray(message);
}

void check_equal(const kj::Array<capnp::word>& first, const kj::Array<capnp::word>& second) {
  if (first.asBytes() != second.asBytes()) fail("a value changes when it is sent again");
}

// A field that holds a value or arguments, for attach(): a struct and the pointer's place in it.
wire::Outcome::Builder field_for(const Variant&, wire::Outcome::Builder outcome) {
  outcome.initValue();
  return outcome;
}
wire::Session::RunParams::Builder field_for(const Arguments&,
                                            wire::Session::RunParams::Builder params) {
  return params;
}
struct ValueField {
  using Struct = wire::Outcome;
  static constexpr unsigned kPointer = 0;
  static auto read(wire::Outcome::Reader outcome) { return outcome.getValue(); }
};
struct ArgumentsField {
  using Struct = wire::Session::RunParams;
  static constexpr unsigned kPointer = 2;
  static auto read(wire::Session::RunParams::Reader params) { return params.getArguments(); }
};

// What a ValueWriter writes must mean what the marshaller wrote, which `sent` holds.
template <class T, class Field, class Value>
void try_writer(const Value& value, const kj::Array<capnp::word>& sent,
                const MarshalLimits& limits) {
  using Struct = typename Field::Struct;
  FuzzCaps caps;
  const ValueWriter written = write(value, limits);
  const auto attached = write_as<Struct>([&](typename Struct::Builder builder) {
    attach(written, field_for(value, builder), Field::kPointer, caps);
  });
  const auto again = read_as<Struct>(attached, [&](typename Struct::Reader reader) {
    return unmarshal(Field::read(reader), caps);
  });
  if (!again) fail("a value cannot be read as it was written");
  check_equal(sent, write_as<T>([&](auto builder) { marshal(*again, builder, caps, limits); }));
}

bool are_numbers(ValueReader::Form form) {
  using Form = ValueReader::Form;
  return form == Form::kInts || form == Form::kFloats || form == Form::kIntTuple ||
         form == Form::kFloatTuple;
}

// Follows everything that a reader finds regular.
void walk(ValueReader& reader, const ValueReader::Value& value, int depth) {
  using Form = ValueReader::Form;
  std::string_view text;
  ValueReader::Items items;
  ValueReader::Segment words;
  Variant scalar;
  if (depth > kDepthMax) return;
  const Form form = ValueReader::form(value);
  if (form == Form::kStr && reader.text(value, &text)) {
    (void)std::string(text);
  } else if (form == Form::kBytes && reader.bytes(value, &text)) {
    (void)std::string(text);
  } else if ((form >= Form::kList && form <= Form::kDict) && reader.items(value, &items)) {
    for (std::size_t i = 0; i < items.count; ++i) walk(reader, items.at(i), depth + 1);
  } else if (are_numbers(form) && reader.numbers(value, &words)) {
    (void)std::vector<std::uint64_t>(words.begin(), words.end());
  } else {
    (void)reader.scalar(value, &scalar);
  }
}

void try_reader(const kj::Array<capnp::word>& words) {
  const auto* first = reinterpret_cast<const std::uint64_t*>(words.begin());
  const std::array<ValueReader::Segment, 1> segments = {ValueReader::Segment(first, words.size())};
  // At any place: what would be the root's in a message of one segment, and the first list's.
  for (const std::size_t at : {2, 5, 6}) {
    if (words.size() < at + 3) return;
    ValueReader reader(segments);
    walk(reader, {first + at, 0, 2}, 0);
  }
}

// Reads whatever there is, or finds that it leads out of where it should be.
template <class Read>
void try_reading(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInvalidArgument) fail(error.what());
  }
}

void try_frame(const DataFrame& frame) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < std::min<std::int64_t>(frame.num_rows(), 100); ++row) {
    rows.push_back(row);
  }
  // Only a frame without columns has more rows than its message has bytes.
  for (const Column& column : frame.columns()) {
    for (const std::int64_t row : rows) {
      try_reading([&] {
        if (column.layout() == Layout::kText) (void)std::string(column.text(row));
        if (column.layout() == Layout::kCategory) (void)column.code(row);
      });
    }
    (void)column.null_count();
  }
  try_reading([&] { (void)(frame.take(rows) == frame); });
}

void try_graph(const Graph& graph) {
  try_reading([&] { (void)graph.out_edges(); });
  try_reading([&] { (void)graph.in_edges(); });
  (void)graph.weights_as_doubles();
}

void try_tables(const Variant& value) {
  if (const auto* frame = value.get_if<DataFrame>()) try_frame(*frame);
  if (const auto* graph = value.get_if<Graph>()) try_graph(*graph);
  const auto* list = value.get_if<List>();
  if (list == nullptr) return;
  for (const Variant& item : list->items) {
    if (item.kind() != Kind::kList) try_tables(item);
  }
}
void try_tables(const Arguments&) {}

// Variants and Arguments: what was read is written, read and written again, twice the same.
template <class T, class Field>
void try_value(const kj::Array<capnp::word>& words) {
  const MarshalLimits kLimits{1 << 30, 1 << 28, nullptr};
  FuzzCaps caps;
  const auto read = [&](typename T::Reader reader) { return unmarshal(reader, caps); };
  const auto write = [&](const auto& value) {
    measure(value, kLimits);
    return write_as<T>([&](auto builder) { marshal(value, builder, caps, kLimits); });
  };
  const auto value = read_as<T>(words, read);
  if (!value) return;
  try_tables(*value);
  const auto sent = write(*value);
  const auto again = read_as<T>(sent, read);
  if (!again) fail("a value that was read cannot be sent again");
  check_equal(sent, write(*again));
  try_writer<T, Field>(*value, sent, kLimits);
}

void try_fault(const kj::Array<capnp::word>& words) {
  FuzzCaps caps;
  const auto read = [&](wire::Fault::Reader reader) { return unmarshal(reader, caps); };
  const auto error = read_as<wire::Fault>(words, read);
  if (!error) return;
  const auto sent = write_as<wire::Fault>([&](auto builder) { marshal(*error, builder); });
  if (!read_as<wire::Fault>(sent, read)) fail("a fault that was read cannot be sent again");
}

void try_description(const kj::Array<capnp::word>& words) {
  const auto read = [](wire::Description::Reader reader) { return unmarshal(reader); };
  const auto description = read_as<wire::Description>(words, read);
  if (!description) return;
  const auto sent =
      write_as<wire::Description>([&](auto builder) { marshal(*description, builder); });
  const auto again = read_as<wire::Description>(sent, read);
  if (!again) fail("a description that was read cannot be sent again");
  if (hash_of(*description) != hash_of(*again)) fail("a description's hash changes");
}

}  // namespace
}  // namespace cppipc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > cppipc::kInputBytesMax) return 0;
  const auto words = cppipc::words_of(data, size);
  cppipc::try_value<cppipc::wire::Variant, cppipc::ValueField>(words);
  cppipc::try_value<cppipc::wire::Arguments, cppipc::ArgumentsField>(words);
  cppipc::try_reader(words);
  cppipc::try_fault(words);
  cppipc::try_description(words);
  return 0;
}
