// SPDX-License-Identifier: Apache-2.0
#include "wire/bulk.h"
#include "wire/sizes.h"
#include "wire/validity.h"

#include "values/utf8.h"

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

// The blob of a LargeBytes and its announced size.
struct Announced {
  std::unique_ptr<BlobReader> blob;
  std::uint64_t size_bytes;
};

Announced announced(wire::LargeBytes::Reader reader, IncomingCaps& caps) {
  const std::uint64_t size_bytes = reader.getSize();
  if (size_bytes > kBlobBytesMax) refuse_message("a blob is announced as larger than 1 TiB");
  return {caps.blob(reader.getBlob()), size_bytes};
}

std::shared_ptr<std::byte> read_all(const Announced& source, IncomingCaps& caps) {
  std::shared_ptr<std::byte> memory = charged_memory(source.size_bytes, caps.account());
  source.blob->read({memory.get(), source.size_bytes});
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

// The elements, whose size must be that of the shape.
std::shared_ptr<std::byte> elements_of(wire::Array::Content::Reader content,
                                       std::uint64_t size_bytes, IncomingCaps& caps) {
  switch (content.which()) {
    case wire::Array::Content::DATA: {
      const capnp::Data::Reader data = content.getData();
      if (data.size() != size_bytes) refuse_message("an array's data does not fill its shape");
      return copy_of(data, caps);
    }
    case wire::Array::Content::LARGE: {
      const wire::LargeBytes::Reader large = content.getLarge();
      if (large.getSize() != size_bytes) refuse_message("an array's blob does not fill its shape");
      return read_all(announced(large, caps), caps);
    }
  }
  refuse_message("an array's content is of an unknown kind");
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
  caps.charge_for_call(source.size_bytes);
  std::string text;
  if (source.size_bytes <= kTrustedTextBytes) {
    text.resize(source.size_bytes);
    source.blob->read(std::as_writable_bytes(std::span(text)));
  } else {
    const std::shared_ptr<std::byte> memory = read_all(source, caps);
    text.assign(reinterpret_cast<const char*>(memory.get()), source.size_bytes);
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
  const Announced source = announced(reader, caps);
  std::shared_ptr<std::byte> memory = read_all(source, caps);
  const std::span<const std::byte> bytes{memory.get(), source.size_bytes};
  return Bytes(bytes, std::move(memory));
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

  const std::uint64_t size_bytes = nbytes_of(array.shape, array.dtype.itemsize);
  std::shared_ptr<std::byte> memory = elements_of(reader.getContent(), size_bytes, caps);
  array.data = memory.get();
  array.owner = std::move(memory);
  array.is_readonly = false;
  array.origin = reader.getContent().isLarge() ? ArrayOrigin::kBeside : ArrayOrigin::kMessage;
  return array;
}

}  // namespace cppipc
