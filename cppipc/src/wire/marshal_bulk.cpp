// SPDX-License-Identifier: Apache-2.0
#include "wire/bulk.h"
#include "wire/sizes.h"
#include "wire/validity.h"

#include <cstring>

namespace cppipc {
namespace {

BlobSource copy_of(std::span<const std::byte> bytes) {
  const std::shared_ptr<std::byte> memory = uninitialised_memory(bytes.size());
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  return {{memory.get(), bytes.size()}, memory};
}

void put_large(BlobSource source, wire::LargeBytes::Builder builder, OutgoingCaps& caps) {
  builder.setSize(source.bytes.size());
  PlacedBlob placed = caps.blob(std::move(source));
  builder.setBlob(placed.client.castAs<wire::Blob>());
  builder.setArena(placed.place.arena);
  builder.setOffset(placed.place.offset);
  builder.setBegin(placed.place.begin);
  builder.setAccess(static_cast<std::uint8_t>(placed.place.access));
}

BlobSource source_of(const AnyArray& array, std::size_t size_bytes) {
  if (!is_contiguous(array)) {
    std::shared_ptr<std::byte> memory = uninitialised_memory(size_bytes);
    array.copy_to(memory.get());
    const std::span<const std::byte> bytes{memory.get(), size_bytes};
    return {bytes, std::move(memory)};
  }
  const std::span<const std::byte> bytes{array.data, size_bytes};
  return array.owner == nullptr ? copy_of(bytes) : BlobSource{bytes, array.owner};
}

}  // namespace

void marshal_text(const std::string& text, wire::Variant::Builder& builder, OutgoingCaps& caps,
                  const MarshalLimits& limits) {
  if (text.size() <= inline_bytes_of(limits)) {
    // The NUL behind a std::string is what Cap'n Proto expects behind a Text.
    return builder.setStr({text.c_str(), text.size()});
  }
  put_large(copy_of(std::as_bytes(std::span(text))), builder.initLargeStr(), caps);
}

void marshal_large_text(std::string_view text, wire::LargeBytes::Builder builder,
                        OutgoingCaps& caps) {
  put_large(copy_of(std::as_bytes(std::span(text))), builder, caps);
}

void marshal_bytes(const Bytes& bytes, wire::Variant::Builder& builder, OutgoingCaps& caps,
                   const MarshalLimits& limits) {
  const std::span<const std::byte> span = bytes.span();
  if (span.size() <= inline_bytes_of(limits)) {
    auto* data = reinterpret_cast<const capnp::byte*>(span.data());
    return builder.setBytes({data, span.size()});
  }
  BlobSource source = bytes.owner() == nullptr ? copy_of(span) : BlobSource{span, bytes.owner()};
  put_large(std::move(source), builder.initLargeBytes(), caps);
}

void marshal_array(const AnyArray& array, wire::Array::Builder builder, OutgoingCaps& caps,
                   const MarshalLimits& limits) {
  const DType& dtype = array.dtype;
  builder.setDtype({dtype.text.c_str(), dtype.text.size()});
  builder.setCode(static_cast<std::uint8_t>(dtype.code));
  builder.setItemsize(dtype.itemsize);
  builder.setFlavor(static_cast<std::uint8_t>(array.flavor));
  auto shape = builder.initShape(static_cast<unsigned>(array.shape.size()));
  for (unsigned i = 0; i < shape.size(); ++i) shape.set(i, array.shape[i]);
  builder.setIsFortran(!array.is_c_contiguous() && array.is_f_contiguous());

  const std::uint64_t size_bytes = nbytes_of(array.shape, dtype.itemsize);
  if (size_bytes > inline_bytes_of(limits)) {
    return put_large(source_of(array, size_bytes), builder.getContent().initLarge(), caps);
  }
  auto data = builder.getContent().initData(static_cast<unsigned>(size_bytes));
  if (size_bytes == 0) return;
  auto* out = reinterpret_cast<std::byte*>(data.begin());
  if (is_contiguous(array)) {
    std::memcpy(out, array.data, size_bytes);
  } else {
    array.copy_to(out);
  }
}

}  // namespace cppipc
