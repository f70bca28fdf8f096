// SPDX-License-Identifier: Apache-2.0
#include <cppipc/detail/load.h>

#include "values/dtype.h"
#include "values/outgoing.h"
#include "values/scalar.h"
#include "values/utf8.h"

#include <cstring>

namespace cppipc::detail {
namespace {

// The text that `value` holds, after a NumPy scalar in it has become one.
std::string& text_in(Variant& value, const Place& place) {
  if (auto* text = value.get_if<std::string>()) return *text;
  std::optional<std::string> scalar = scalar_text(value);
  if (!scalar) refuse(place, "str", value);
  value = Variant(std::move(*scalar));
  return value.as<std::string>();
}

// Whether an array is a run of bytes: one dimension, one byte each, and no bools.
bool is_byte_run(const AnyArray& array) {
  if (array.shape.size() != 1 || array.dtype.itemsize != 1) return false;
  const std::optional<DTypeText> parts = parse_dtype(array.dtype.text);
  return parts && std::strchr("uiSV", parts->kind) != nullptr;
}

// The bytes of a numpy.bytes_, which are padded with NULs.
bool is_bytes_scalar(const AnyArray& array) {
  const std::optional<DTypeText> parts = parse_dtype(array.dtype.text);
  return array.shape.empty() && parts && parts->kind == 'S';
}

Bytes copied_bytes(const AnyArray& array) {
  std::string bytes(static_cast<std::size_t>(array.nbytes()), '\0');
  array.copy_to(reinterpret_cast<std::byte*>(bytes.data()));
  if (array.shape.empty()) {
    while (!bytes.empty() && bytes.back() == '\0') bytes.pop_back();
  }
  return Bytes(bytes);
}

}  // namespace

std::string load_text(Variant& value, const Place& place) {
  std::string& text = text_in(value, place);
  return place.may_move ? std::move(text) : text;
}

std::string_view view_text(Variant& value, const Place& place) { return text_in(value, place); }

const char* view_c_text(Variant& value, const Place& place) {
  const std::string& text = text_in(value, place);
  if (text.find('\0') != std::string::npos) {
    fail(ErrorKind::kInvalidArgument, place, "str with an embedded null character");
  }
  return text.c_str();
}

Variant store_text(std::string text, const Place& place) {
  check_text(text, place);
  return text;
}

Bytes load_bytes(const Variant& value, const Place& place) {
  if (const auto* bytes = value.get_if<Bytes>()) return *bytes;
  const auto* held = value.get_if<std::shared_ptr<const AnyArray>>();
  if (held == nullptr) refuse(place, "bytes", value);
  const AnyArray& array = **held;
  if (is_bytes_scalar(array)) return copied_bytes(array);
  if (!is_byte_run(array)) refuse(place, "bytes", value);
  // Bytes never change, so memory that somebody else may write has to be copied.
  const bool is_ours = held->use_count() == 1 && array.owner && array.owner.use_count() == 1;
  if (!is_ours || !array.is_c_contiguous()) return copied_bytes(array);
  return Bytes({array.data, static_cast<std::size_t>(array.nbytes())}, array.owner);
}

}  // namespace cppipc::detail
