// SPDX-License-Identifier: Apache-2.0
#pragma once
// A value, with the objects in it, to the content of a saved file and back.
//
// A value is a record: the words of its message (ValueWriter), and what belongs to them, in the
// order of its attachments: bytes, objects that were saved before, by their number, or objects
// with their type, its version, and the records that their save() writes.

#include <cppipc/save.h>

#include "save/blocks.h"
#include "wire/caps.h"

namespace cppipc {

// So deep may objects contain each other.
inline constexpr int kSaveDepthMax = 1000;

// Errors: as SaveWriter; whatever the save() of a type throws.
void save_value(const Variant& value, const Registry& registry, SaveSink& sink);

// `account`, which may be null, pays for arrays and bytes. Errors: as SaveReader; kUnknownName for
// objects of types that the registry has not; kNotSupported for newer versions than it has;
// whatever the load() of a type throws.
Variant load_value(const Registry& registry, SaveSource& source,
                   std::shared_ptr<MemoryAccount> account);

}  // namespace cppipc
