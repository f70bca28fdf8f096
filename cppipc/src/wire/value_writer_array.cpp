// SPDX-License-Identifier: Apache-2.0
// Arrays, put into the bytes of a message or beside it by a ValueWriter.
#include <cppipc/value_writer.h>

#include "wire/bulk.h"
#include "wire/validity.h"
#include "wire/words.h"

#include "memory/block.h"
#include "memory/lease.h"
#include "values/utf8.h"

namespace cppipc {
namespace {

using Which = wire::Variant::Which;

// Of an Array in the schema.
constexpr std::size_t kArrayData = 3;
constexpr std::size_t kArrayPointers = 4;

using words::set_field;

bool is_in_shared_memory(const AnyArray& array) {
  return block_hold(array.owner) != nullptr || lease_of(array.owner) != nullptr;
}

}  // namespace

void ValueWriter::put_array(Place place, const std::shared_ptr<const AnyArray>& held,
                            bool can_move) {
  const AnyArray& array = *held;
  const bool is_sole = can_move && held.use_count() == 1 && array.owner.use_count() <= 1;
  const DType& dtype = array.dtype;
  refuse_if(problem_of(dtype));
  refuse_if(problem_of_shape(array.shape, dtype.itemsize));
  if (!is_utf8(dtype.text)) refuse_if("a dtype is not valid UTF-8");
  if (array.strides.size() != array.shape.size()) {
    refuse_if("an array's strides are not as many as its dimensions");
  }
  const std::uint64_t size_bytes = nbytes_of(array.shape, dtype.itemsize);
  if (size_bytes > 0 && array.data == nullptr) refuse_if("an array has no memory");
  const bool is_shared = size_bytes > 0 && is_in_shared_memory(array);
  const bool is_large = is_shared || is_beside(size_bytes);
  set_tag(place, Which::ARRAY);
  std::uint64_t* data = struct_at(place + words::kVariantData, kArrayData, kArrayPointers);
  set_field(data, 0, static_cast<std::uint8_t>(dtype.code));
  set_field(data, 1, std::uint8_t{!array.is_c_contiguous() && array.is_f_contiguous()});
  set_field(data, 2, static_cast<std::uint8_t>(array.flavor));
  set_field(data, 4, dtype.itemsize);
  set_field(data, 8, static_cast<std::uint16_t>(is_large));
  const auto pointers = static_cast<Place>(data + kArrayData - words_.get());
  put_bytes(pointers, dtype.text, true);
  const Place shape = take(array.shape.size());
  std::copy(array.shape.begin(), array.shape.end(), words_.get() + shape);
  point(pointers + 1, shape, words::kList, words::list_of(words::kOfWords, array.shape.size()));
  if (is_shared && !is_contiguous(array)) return put_strided(pointers, array, is_sole);
  if (is_large) {
    Bytes bulk = bulk_of(array, size_bytes);
    const bool is_copy = bulk.owner() != array.owner;
    return put_large(pointers + 2, std::move(bulk), is_sole || is_copy, array.is_readonly);
  }
  const Place content = take((size_bytes + 7) / 8);
  point(pointers + 2, content, words::kList, words::list_of(words::kOfBytes, size_bytes));
  if (size_bytes == 0) return;
  words_.get()[content + (size_bytes + 7) / 8 - 1] = 0;
  auto* out = reinterpret_cast<std::byte*>(words_.get() + content);
  if (is_contiguous(array)) {
    std::memcpy(out, array.data, size_bytes);
  } else {
    array.copy_to(out);
  }
}

void ValueWriter::put_strided(Place pointers, const AnyArray& array, bool is_sole) {
  const auto bytes = extent_of(array);
  // `start` is the last of the data words, which lie before the pointers.
  words_.get()[pointers - 1] = static_cast<std::uint64_t>(array.data - bytes.data());
  const Place strides = take(array.strides.size());
  std::copy(array.strides.begin(), array.strides.end(), words_.get() + strides);
  point(pointers + 3, strides, words::kList, words::list_of(words::kOfWords, array.strides.size()));
  put_large(pointers + 2, Bytes(bytes, array.owner), is_sole, array.is_readonly);
}

// The elements one after the other, in memory that stays: the array's own if it can.
Bytes ValueWriter::bulk_of(const AnyArray& array, std::size_t size_bytes) const {
  if (is_contiguous(array) && array.owner != nullptr) {
    return Bytes(std::span<const std::byte>{array.data, size_bytes}, array.owner);
  }
  std::shared_ptr<std::byte> memory = bulk_memory(size_bytes);
  if (is_contiguous(array)) {
    std::memcpy(memory.get(), array.data, size_bytes);
  } else {
    array.copy_to(memory.get());
  }
  const std::span<const std::byte> bytes{memory.get(), size_bytes};
  return Bytes(bytes, std::move(memory));
}

}  // namespace cppipc
