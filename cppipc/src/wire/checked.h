// SPDX-License-Identifier: Apache-2.0
#pragma once
// The plain values of a message, each refused (kProtocol) unless it can be one.
//
// Threads: no state; any thread.

#include <cppipc/variant.h>

#include <cppipc/broker.capnp.h>

namespace cppipc {

Date checked_date(const wire::DateTime::Reader& reader);
TimeOfDay checked_time(const wire::DateTime::Reader& reader);
TimeDelta checked_delta(const wire::TimeDelta::Reader& reader);
Decimal checked_decimal(capnp::Text::Reader reader);
Uuid checked_uuid(capnp::Data::Reader reader);

}  // namespace cppipc
