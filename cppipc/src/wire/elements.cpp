// SPDX-License-Identifier: Apache-2.0
#include "wire/elements.h"

#include "wire/bulk.h"

namespace cppipc {

ElementReader::ElementReader(const VariantList::Reader& list) {
  if (list.size() == 0) return;
  const capnp::AnyStruct::Reader element = list[0];
  const auto data = element.getDataSection();
  const std::size_t pointers = element.getPointerSection().size();
  if (data.size() < kVariantBytes || pointers < kVariantPointers) {
    refuse_message("a list's elements are too small");
  }
  first_ = data.begin();
  stride_ = data.size() + pointers * sizeof(capnp::word);
}

}  // namespace cppipc
