// SPDX-License-Identifier: Apache-2.0
#include "wire/checked.h"

#include "wire/bulk.h"
#include "wire/validity.h"

#include <algorithm>
#include <string>

namespace cppipc {
namespace {

void refuse_message_if(const char* problem) {
  if (problem != nullptr) refuse_message(problem);
}

}  // namespace

Date checked_date(const wire::DateTime::Reader& reader) {
  const Date date{reader.getYear(), reader.getMonth(), reader.getDay()};
  refuse_message_if(problem_of(date));
  return date;
}

TimeOfDay checked_time(const wire::DateTime::Reader& reader) {
  TimeOfDay time;
  time.hour = reader.getHour();
  time.minute = reader.getMinute();
  time.second = reader.getSecond();
  time.microsecond = reader.getMicrosecond();
  time.fold = reader.getFold();
  if (reader.getHasOffset()) time.utc_offset_s = reader.getUtcOffsetS();
  refuse_message_if(problem_of(time));
  return time;
}

TimeDelta checked_delta(const wire::TimeDelta::Reader& reader) {
  const TimeDelta delta{reader.getDays(), reader.getSeconds(), reader.getMicroseconds()};
  refuse_message_if(problem_of(delta));
  return delta;
}

Decimal checked_decimal(capnp::Text::Reader reader) {
  Decimal decimal{std::string(reader.begin(), reader.size())};
  refuse_message_if(problem_of(decimal));
  return decimal;
}

Uuid checked_uuid(capnp::Data::Reader reader) {
  Uuid uuid;
  if (reader.size() != uuid.bytes.size()) refuse_message("a UUID is not of 16 bytes");
  std::copy(reader.begin(), reader.end(), uuid.bytes.begin());
  return uuid;
}

}  // namespace cppipc
