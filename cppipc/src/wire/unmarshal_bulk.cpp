// SPDX-License-Identifier: Apache-2.0
#include "wire/bulk.h"
#include "wire/sizes.h"
#include "wire/validity.h"

#include "values/utf8.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace cppipc {
namespace {

constexpr std::align_val_t kMemoryAlignment{64};
// An announced text up to this size is read into a string of zeros at once. A larger one is read
// into untouched memory first, so that an announcement alone never commits memory.
constexpr std::uint64_t kTrustedTextBytes = 64ull << 20;

// Bytes beside the message: where they lie here, or the blob that they can be read from.
struct Announced {
  BulkPlace place;
  std::optional<SharedBytes> shared;
  std::unique_ptr<BlobReader> blob;

  void copy_to(std::span<std::byte> out) const {
    if (shared) {
      if (!out.empty()) std::memcpy(out.data(), shared->data, out.size());
    } else {
      blob->read(out, place.begin);
    }
  }
};

Announced announced(wire::LargeBytes::Reader reader, IncomingCaps& caps) {
  const BulkPlace place{reader.getSize(), reader.getArena(), reader.getOffset(), reader.getBegin(),
                        static_cast<Access>(reader.getAccess())};
  if (place.size_bytes > kBlobBytesMax) refuse_message("a blob is announced as larger than 1 TiB");
  if (place.access > Access::kKept) refuse_message("bytes beside the message are of no known use");
  Announced source{place, caps.shared(reader.getBlob(), place), nullptr};
  if (!source.shared) source.blob = caps.blob(reader.getBlob());
  return source;
}

std::shared_ptr<std::byte> read_all(const Announced& source, IncomingCaps& caps) {
  const std::uint64_t size_bytes = source.place.size_bytes;
  std::shared_ptr<std::byte> memory = charged_memory(size_bytes, caps.account());
  source.copy_to({memory.get(), size_bytes});
  return memory;
}

std::vector<std::int64_t> strides_of(std::span<const std::int64_t> shape, std::int64_t itemsize,
                                     bool is_fortran) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = itemsize;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t dimension = is_fortran ? i : shape.size() - 1 - i;
    strides[dimension] = stride;
    stride *= std::max<std::int64_t>(shape[dimension], 1);
  }
  return strides;
}

std::shared_ptr<std::byte> copy_of(capnp::Data::Reader data, IncomingCaps& caps) {
  std::shared_ptr<std::byte> memory = charged_memory(data.size(), caps.account());
  if (data.size() > 0) std::memcpy(memory.get(), data.begin(), data.size());
  return memory;
}

void set_elements(AnyArray& array, std::shared_ptr<std::byte> memory, ArrayOrigin origin) {
  array.data = memory.get();
  array.owner = std::move(memory);
  array.is_readonly = false;
  array.origin = origin;
}

void set_elements(AnyArray& array, SharedBytes shared) {
  array.data = shared.data;
  array.owner = std::move(shared.owner);
  array.is_readonly = !shared.is_writable;
  array.origin = shared.is_lent ? ArrayOrigin::kLent : ArrayOrigin::kBeside;
}

// The strides of a large array, and how many bytes must be there for them.
std::uint64_t set_strides(AnyArray& array, wire::Array::Reader reader) {
  const auto strides = reader.getStrides();
  if (strides.size() == 0) return nbytes_of(array.shape, array.dtype.itemsize);
  array.strides.clear();
  for (const std::int64_t stride : strides) array.strides.push_back(stride);
  const std::uint64_t size_bytes = reader.getContent().getLarge().getSize();
  if (!is_within(array.shape, array.strides, array.dtype.itemsize, reader.getStart(), size_bytes)) {
    refuse_message("an array's strides lead out of its memory");
  }
  return size_bytes;
}

// The elements, of which there must be as many bytes as the shape and strides need.
void read_elements(AnyArray& array, wire::Array::Reader reader, IncomingCaps& caps) {
  const auto content = reader.getContent();
  switch (content.which()) {
    case wire::Array::Content::DATA: {
      const capnp::Data::Reader data = content.getData();
      if (data.size() != nbytes_of(array.shape, array.dtype.itemsize)) {
        refuse_message("an array's data does not fill its shape");
      }
      return set_elements(array, copy_of(data, caps), ArrayOrigin::kMessage);
    }
    case wire::Array::Content::LARGE: {
      const wire::LargeBytes::Reader large = content.getLarge();
      if (large.getSize() != set_strides(array, reader)) {
        refuse_message("an array's blob does not fill its shape");
      }
      Announced source = announced(large, caps);
      if (source.shared) {
        if (source.shared->charge) source.shared->charge->add(caps.account(), large.getSize());
        set_elements(array, std::move(*source.shared));
      } else {
        set_elements(array, read_all(source, caps), ArrayOrigin::kBeside);
      }
      if (reader.getStrides().size() != 0) array.data += reader.getStart();
      return;
    }
  }
  refuse_message("an array's content is of an unknown kind");
}

// So many bytes are worth a call to the system; as many as NumPy finds worth it.
constexpr std::size_t kLargePagesBytes = 4 << 20;

// To touch fresh memory costs as much as to receive it, unless its pages are large. A system that
// has none says no, which is fine.
void ask_for_large_pages(std::byte* memory, std::size_t size_bytes) {
  static const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(memory);
  const auto begin = (first + page_bytes - 1) / page_bytes * page_bytes;
  const auto end = (first + size_bytes) / page_bytes * page_bytes;
  (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace

void refuse_message(const char* problem) {
  throw Error(ErrorKind::kProtocol, "malformed message: " + std::string(problem));
}

void ChargedMemory::operator()(std::byte* memory) const noexcept {
  ::operator delete(memory, kMemoryAlignment);
  if (account != nullptr) account->discharge(size_bytes);
}

std::shared_ptr<std::byte> charged_memory(std::size_t size_bytes,
                                          std::shared_ptr<MemoryAccount> account) {
  if (account != nullptr) account->charge(size_bytes);
  std::byte* memory = nullptr;
  try {
    memory = static_cast<std::byte*>(::operator new(size_bytes, kMemoryAlignment));
  } catch (const std::bad_alloc&) {
    if (account != nullptr) account->discharge(size_bytes);
    throw;
  }
  if (size_bytes >= kLargePagesBytes) ask_for_large_pages(memory, size_bytes);
  return {memory, ChargedMemory{std::move(account), size_bytes}};
}

std::shared_ptr<std::byte> uninitialised_memory(std::size_t size_bytes) {
  return charged_memory(size_bytes, nullptr);
}

std::string_view checked_text(capnp::Text::Reader reader) {
  const std::string_view text{reader.begin(), reader.size()};
  if (!is_utf8(text)) refuse_message("a text is not valid UTF-8");
  return text;
}

std::string unmarshal_large_chars(wire::LargeBytes::Reader reader, IncomingCaps& caps) {
  const Announced source = announced(reader, caps);
  const std::uint64_t size_bytes = source.place.size_bytes;
  caps.charge_for_call(size_bytes);
  std::string text;
  if (source.shared || size_bytes <= kTrustedTextBytes) {
    text.resize(size_bytes);
    source.copy_to(std::as_writable_bytes(std::span(text)));
  } else {
    const std::shared_ptr<std::byte> memory = read_all(source, caps);
    text.assign(reinterpret_cast<const char*>(memory.get()), size_bytes);
  }
  return text;
}

std::string unmarshal_large_text(wire::LargeBytes::Reader reader, IncomingCaps& caps) {
  std::string text = unmarshal_large_chars(reader, caps);
  if (!is_utf8(text)) refuse_message("a text is not valid UTF-8");
  return text;
}

Bytes unmarshal_bytes(capnp::Data::Reader reader, IncomingCaps& caps) {
  std::shared_ptr<std::byte> memory = copy_of(reader, caps);
  const std::span<const std::byte> bytes{memory.get(), reader.size()};
  return Bytes(bytes, std::move(memory));
}

Bytes unmarshal_large_bytes(wire::LargeBytes::Reader reader, IncomingCaps& caps) {
  Announced source = announced(reader, caps);
  if (source.shared && source.shared->is_fixed) {
    return Bytes({source.shared->data, source.place.size_bytes}, std::move(source.shared->owner));
  }
  std::shared_ptr<std::byte> memory = read_all(source, caps);
  const std::span<const std::byte> bytes{memory.get(), source.place.size_bytes};
  return Bytes(bytes, std::move(memory));
}

Message unmarshal_message(capnp::List<wire::Variant>::Reader reader, IncomingCaps& caps) {
  if (reader.size() == 0 || reader.size() > Message::kSegmentsMax) {
    refuse_message("a message of Cap'n Proto has no segment, or too many");
  }
  const auto check = [](std::uint64_t size_bytes) {
    if (size_bytes % sizeof(capnp::word) == 0) return;
    refuse_message("a segment of a message of Cap'n Proto is not of whole words");
  };
  std::vector<Bytes> segments;
  segments.reserve(reader.size());
  for (const wire::Variant::Reader segment : reader) {  // each pointer is followed once
    if (segment.isBytes()) {
      const capnp::Data::Reader data = segment.getBytes();
      check(data.size());
      segments.push_back(unmarshal_bytes(data, caps));
    } else if (segment.isLargeBytes()) {
      const wire::LargeBytes::Reader large = segment.getLargeBytes();
      check(large.getSize());
      segments.push_back(unmarshal_large_bytes(large, caps));
    } else {
      refuse_message("a segment of a message of Cap'n Proto is something else than bytes");
    }
  }
  return Message(std::move(segments));
}

AnyArray unmarshal_array(wire::Array::Reader reader, IncomingCaps& caps) {
  AnyArray array;
  array.dtype.text = checked_text(reader.getDtype());
  array.dtype.code = static_cast<char>(reader.getCode());
  array.dtype.itemsize = reader.getItemsize();
  if (const char* problem = problem_of(array.dtype)) refuse_message(problem);

  const auto shape = reader.getShape();
  if (shape.size() > kDimensionsMax) refuse_message("an array has more than 64 dimensions");
  array.shape.reserve(shape.size());
  for (const std::int64_t length : shape) array.shape.push_back(length);
  if (const char* problem = problem_of_shape(array.shape, array.dtype.itemsize)) {
    refuse_message(problem);
  }
  if (reader.getFlavor() > static_cast<std::uint8_t>(ArrayFlavor::kBuffer)) {
    refuse_message("an array is of an unknown flavor");
  }
  array.flavor = static_cast<ArrayFlavor>(reader.getFlavor());
  array.strides = strides_of(array.shape, array.dtype.itemsize, reader.getIsFortran());

  read_elements(array, reader, caps);
  return array;
}

}  // namespace cppipc
