// SPDX-License-Identifier: Apache-2.0
#include "toolkits/holder.h"

#include <cppipc/registry.h>

#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "toolkits/diagnostics.h"

namespace cppipc::toolkits {
namespace {

std::span<std::byte> memory_of(const AnyArray& array) {
  if (!array.is_c_contiguous() && !array.is_f_contiguous()) {
    throw std::invalid_argument("the array has gaps between its elements");
  }
  return {array.data, static_cast<std::size_t>(array.nbytes())};
}

std::span<const std::byte> memory_of(const Variant& value) {
  if (const auto* text = value.get_if<std::string>()) return std::as_bytes(std::span(*text));
  if (const auto* bytes = value.get_if<Bytes>()) return bytes->span();
  if (value.kind() == Kind::kArray) return memory_of(value.as_array());
  throw Error(ErrorKind::kWrongType, "only str, bytes and arrays have memory to see, not " +
                                         std::string(name_of(value.kind())));
}

// Checks that `offset` and `n` lie within `size` bytes. Errors: std::out_of_range.
void check_range(std::int64_t offset, std::int64_t n, std::size_t size) {
  const auto end = static_cast<std::int64_t>(size);
  if (offset >= 0 && n >= 0 && offset <= end && n <= end - offset) return;
  throw std::out_of_range(std::to_string(n) + " bytes at " + std::to_string(offset) +
                          " are not within " + std::to_string(size) + " bytes");
}

}  // namespace

std::int64_t Holder::hold(Variant x) {
  values_.emplace(last_ + 1, std::move(x));
  return ++last_;
}

std::int64_t Holder::zeros(std::int64_t n) { return hold(make_array(DType::of<double>(), {n})); }

Variant Holder::get(std::int64_t h) const {
  const auto found = values_.find(h);
  if (found == values_.end()) throw std::out_of_range("nothing is held as " + std::to_string(h));
  return found->second;
}

void Holder::drop(std::int64_t h) {
  if (values_.erase(h) == 0) throw std::out_of_range("nothing is held as " + std::to_string(h));
}

Bytes Holder::peek(std::int64_t h, std::int64_t offset, std::int64_t n) const {
  const Variant value = get(h);
  const auto memory = memory_of(value);
  check_range(offset, n, memory.size());
  const auto part = memory.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(n));
  return Bytes(std::string_view(reinterpret_cast<const char*>(part.data()), part.size()));
}

void Holder::poke(std::int64_t h, std::int64_t offset, const Bytes& data) {
  const Variant value = get(h);
  if (value.kind() != Kind::kArray) {
    throw Error(ErrorKind::kWrongType,
                "only arrays can be written, not " + std::string(name_of(value.kind())));
  }
  const AnyArray& array = value.as_array();
  if (array.is_readonly) throw std::invalid_argument("the array is read-only");
  const auto memory = memory_of(array);
  check_range(offset, static_cast<std::int64_t>(data.size()), memory.size());
  if (data.size() != 0) std::memcpy(memory.data() + offset, data.view().data(), data.size());
}

void Holder::save(SaveWriter& out) const {
  out.write(last_);
  out.write(static_cast<std::int64_t>(values_.size()));
  for (const auto& [number, value] : values_) {
    out.write(number);
    out.write(value);
  }
}

Holder Holder::load(SaveReader& in) {
  Holder holder;
  holder.last_ = in.read<std::int64_t>();
  for (auto left = in.read<std::int64_t>(); left > 0; --left) {
    const auto number = in.read<std::int64_t>();
    holder.values_.emplace(number, in.read<Variant>());
  }
  return holder;
}

void register_holder(Registry& registry) {
  registry.type<Holder>("Holder", "Keeps values on the server and looks into their memory.")
      .init<>()
      .saveable(1, &Holder::save, &Holder::load)
      .method("hold", &Holder::hold, arg("x"), "Keeps the very object or memory; returns a number.")
      .method("zeros", &Holder::zeros, arg("n"),
              "Keeps a new array of `n` float64 zeros that is made here; returns a number.")
      .method("get", &Holder::get, arg("h"), "What is held by that number.")
      .method("drop", &Holder::drop, arg("h"), "Lets go of what is held by that number.")
      .method("peek", &Holder::peek, arg("h"), arg("offset"), arg("n"),
              "`n` bytes at `offset` of the memory of a str, bytes or contiguous array.")
      .method("poke", &Holder::poke, arg("h"), arg("offset"), arg("data"),
              "Writes bytes at `offset` into the memory of a contiguous, writable array.");
}

}  // namespace cppipc::toolkits
