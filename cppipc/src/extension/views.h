// SPDX-License-Identifier: Apache-2.0
#pragma once
// Variants in the form in which extensions see values.

#include <cppipc/extension_abi.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>

namespace cppipc::detail {

inline std::string_view view(const cppipc_text& text) { return {text.data, text.size}; }
inline cppipc_text text_of(std::string_view text) { return {text.data(), text.size()}; }

// The deleter of the instance of an extension's object: gives the extension's share back.
struct ExtensionShare {
  const cppipc_type* type = nullptr;
  void* address = nullptr;  // as a `type`
  void* share = nullptr;
  void operator()(void*) const { type->drop_share(share); }
};

// Owns: the C form of values, which points into the Variants it was made of; both must stay as they
// are as long as it is used. Threads: one at a time.
class Views {
 public:
  Views() = default;
  // Takes its memory from `buffer` first.
  explicit Views(std::span<std::byte> buffer) : memory_(buffer.data(), buffer.size()) {}

  // Recursive: Variants of calls are nested 1,000 deep at most. Errors: kInvalidArgument for a
  // NumPy text scalar that holds no text; std::bad_alloc.
  cppipc_value view(const Variant& value);
  // Room for so many values, all None.
  std::span<cppipc_value> make_values(std::size_t count);
  // The object of a method that belongs to `type`: it may be of a type derived from that.
  cppipc_value view_self(const std::shared_ptr<void>& self, const cppipc_type& type);

 private:
  template <class T>
  const T* make(const T& value);
  void put_items(cppipc_value& out, std::span<const Variant> items);
  void put_dict(cppipc_value& out, const Dict& dict);
  void put_array(cppipc_value& out, const Variant& value);
  void put_text(cppipc_array& made, const Variant& value);
  void put_object(cppipc_value& out, const Object& object);

  std::pmr::monotonic_buffer_resource memory_;
};

}  // namespace cppipc::detail
