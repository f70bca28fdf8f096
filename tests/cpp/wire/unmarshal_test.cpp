// SPDX-License-Identifier: Apache-2.0
// Messages that no marshal() has written: each must be refused with a kProtocol, with no crash and
// without making more than the message has room for.

#include "wire/marshal.h"

#include "support/memory_caps.h"

#include <capnp/any.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

namespace cppipc::unmarshal_test {
namespace {

using test::MemoryCaps;
using test::MemoryMessage;
using test::NamedObject;
using test::round_trip;

void expect_protocol_error(const std::function<void()>& run, const char* part) {
  try {
    run();
    ADD_FAILURE() << "accepted, though " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kProtocol) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

using Build = std::function<void(wire::Variant::Builder, MemoryCaps&)>;

// Expects that the Variant that `build` makes is refused with a text that contains `part`, alone
// and in a list.
void expect_refused(const Build& build, const char* part) {
  expect_protocol_error(
      [&] {
        MemoryCaps caps;
        MemoryMessage message;
        build(message.init<wire::Variant>(), caps);
        unmarshal(message.read<wire::Variant>(), caps);
      },
      part);
  expect_protocol_error(
      [&] {
        MemoryCaps caps;
        MemoryMessage message;
        auto list = message.init<wire::Variant>().initList(3);
        list[0].setStr("before");
        build(list[1], caps);
        unmarshal(message.read<wire::Variant>(), caps);
      },
      part);
}

// Makes the value claim to be of another kind, with the pointer it has.
void claim(wire::Variant::Builder builder, std::uint16_t which) {
  capnp::AnyStruct::Builder any(kj::mv(builder));
  std::memcpy(any.getDataSection().begin(), &which, sizeof which);
}
void claim(wire::Variant::Builder builder, wire::Variant::Which which) {
  claim(builder, static_cast<std::uint16_t>(which));
}

TEST(Unmarshal, UnknownKindsAreRefused) {
  expect_refused([](auto builder, auto&) { claim(builder, 31); }, "unknown kind");
  expect_refused([](auto builder, auto&) { claim(builder, 0xffff); }, "unknown kind");
}

TEST(Unmarshal, NamesOfEnumerationsThatAreNotUtf8AreRefused) {
  expect_refused([](auto builder, auto&) { builder.initEnumMember().setType("\xff"); }, "UTF-8");
  expect_refused([](auto builder, auto&) { builder.initEnumMember().setName("\xff"); }, "UTF-8");
}

TEST(Unmarshal, AKindWithoutItsPointerIsEmptyOrRefused) {
  for (const auto which : {wire::Variant::STR, wire::Variant::BYTES, wire::Variant::LIST,
                           wire::Variant::DICT, wire::Variant::INTS}) {
    MemoryCaps caps;
    MemoryMessage message;
    claim(message.init<wire::Variant>(), which);
    EXPECT_NO_THROW(unmarshal(message.read<wire::Variant>(), caps));
  }
  for (const auto which :
       {wire::Variant::UUID, wire::Variant::DECIMAL, wire::Variant::DATE, wire::Variant::DATE_TIME,
        wire::Variant::ARRAY, wire::Variant::OBJECT, wire::Variant::LARGE_STR}) {
    expect_refused([&](auto builder, auto&) { claim(builder, which); }, "");
  }
}

TEST(Unmarshal, TextThatIsNotUtf8IsRefused) {
  expect_refused([](auto builder, auto&) { builder.setStr("\xff"); }, "UTF-8");
  expect_refused([](auto builder, auto&) { builder.setStr("\xc0\x80"); }, "UTF-8");
  expect_refused([](auto builder, auto&) { builder.setStr("\xed\xa0\x80"); }, "UTF-8");
}

TEST(Unmarshal, TextWithoutItsNulIsRefused) {
  expect_refused(
      [](auto builder, auto&) {
        builder.setBytes({reinterpret_cast<const capnp::byte*>("abc"), 3});
        claim(builder, wire::Variant::STR);
      },
      "malformed");
}

TEST(Unmarshal, APointerOfAnotherTypeIsRefused) {
  const auto list_as = [](wire::Variant::Which which) {
    return [which](wire::Variant::Builder builder, MemoryCaps&) {
      builder.initList(3);
      claim(builder, which);
    };
  };
  expect_refused(list_as(wire::Variant::STR), "malformed");
  expect_refused(list_as(wire::Variant::BYTES), "malformed");
  expect_refused(list_as(wire::Variant::DATE), "malformed");
  expect_refused(list_as(wire::Variant::ARRAY), "malformed");
  const auto date_as = [](wire::Variant::Which which) {
    return [which](wire::Variant::Builder builder, MemoryCaps&) {
      builder.initDate();
      claim(builder, which);
    };
  };
  expect_refused(date_as(wire::Variant::LIST), "malformed");
  expect_refused(date_as(wire::Variant::INTS), "malformed");
  expect_refused(date_as(wire::Variant::STR), "malformed");
}

TEST(Unmarshal, UuidsAreOfSixteenBytes) {
  for (const unsigned size : {0u, 15u, 17u}) {
    expect_refused([&](auto builder, auto&) { builder.initUuid(size); }, "16 bytes");
  }
}

TEST(Unmarshal, DecimalsAreNumbers) {
  expect_refused([](auto builder, auto&) { builder.setDecimal("1.x"); }, "decimal");
  expect_refused([](auto builder, auto&) { builder.setDecimal(""); }, "decimal");
}

TEST(Unmarshal, MomentsAreInRange) {
  using Moment = wire::DateTime::Builder;
  const std::vector<std::pair<std::function<void(Moment)>, const char*>> date_mistakes = {
      {[](Moment m) { m.setYear(0); }, "year"},
      {[](Moment m) { m.setYear(10'000); }, "year"},
      {[](Moment m) { m.setMonth(13); }, "month"},
      {[](Moment m) { m.setDay(31); }, "day"}};
  const std::vector<std::pair<std::function<void(Moment)>, const char*>> time_mistakes = {
      {[](Moment m) { m.setHour(24); }, "hour"},
      {[](Moment m) { m.setMinute(60); }, "minute"},
      {[](Moment m) { m.setSecond(60); }, "second"},
      {[](Moment m) { m.setMicrosecond(1'000'000); }, "microsecond"},
      {[](Moment m) { m.setFold(2); }, "fold"},
      {[](Moment m) { m.setHasOffset(true), m.setUtcOffsetS(86'400); }, "offset"}};
  const auto start = [](Moment moment) {
    moment.setYear(2024);
    moment.setMonth(6);
    moment.setDay(30);
    return moment;
  };
  for (const auto& [mistake, part] : date_mistakes) {
    expect_refused([&](auto builder, auto&) { mistake(start(builder.initDate())); }, part);
    expect_refused([&](auto builder, auto&) { mistake(start(builder.initDateTime())); }, part);
  }
  for (const auto& [mistake, part] : time_mistakes) {
    expect_refused([&](auto builder, auto&) { mistake(builder.initTime()); }, part);
    expect_refused([&](auto builder, auto&) { mistake(start(builder.initDateTime())); }, part);
  }
  expect_refused([](auto builder, auto&) { builder.initTimeDelta().setSeconds(-1); }, "timedelta");
}

TEST(Unmarshal, DictsHaveAValueForEachKey) {
  expect_refused([](auto builder, auto&) { builder.initDict(3); }, "key without a value");
}

// An array of two doubles that is right until something is changed.
wire::Array::Builder good_array(wire::Variant::Builder builder) {
  auto array = builder.initArray();
  array.setDtype("<f8");
  array.setCode('d');
  array.setItemsize(8);
  array.initShape(1).set(0, 2);
  array.getContent().initData(16);
  return array;
}

TEST(Unmarshal, ArraysMustAgreeWithThemselves) {
  using Change = std::function<void(wire::Array::Builder)>;
  const std::vector<std::pair<Change, const char*>> changes = {
      {[](auto a) { a.setDtype("<f4"); }, "itemsize"},
      {[](auto a) { a.setDtype("\xff"); }, "UTF-8"},
      {[](auto a) { a.setDtype(""); }, "dtype"},
      {[](auto a) { a.setDtype("|O8"), a.setCode('O'); }, "kind that cannot cross"},
      {[](auto a) { a.setCode('f'); }, "code"},
      {[](auto a) { a.setItemsize(4); }, "itemsize"},
      {[](auto a) { a.setFlavor(5); }, "flavor"},
      {[](auto a) { a.initShape(0); }, "fill its shape"},
      {[](auto a) { a.initShape(1).set(0, 3); }, "fill its shape"},
      {[](auto a) { a.initShape(1).set(0, 1); }, "fill its shape"},
      {[](auto a) { a.initShape(1).set(0, -2); }, "negative"},
      {[](auto a) { a.initShape(65); }, "64 dimensions"},
      {[](auto a) { a.initShape(1).set(0, std::numeric_limits<std::int64_t>::max()); }, "2^63-1"},
      {[](auto a) {
         auto shape = a.initShape(3);
         for (unsigned i = 0; i < 3; ++i) shape.set(i, 1ll << 31);
       },
       "2^63-1"},
      {[](auto a) {
         // The product is 2 modulo 2^64.
         auto shape = a.initShape(2);
         shape.set(0, (1ll << 62) + 1);
         shape.set(1, 2);
       },
       "2^63-1"},
      {[](auto a) { a.getContent().initData(15); }, "fill its shape"},
      {[](auto a) { a.getContent().initData(0); }, "fill its shape"},
      {[](auto a) { a.getContent().initLarge().setSize(8); }, "fill its shape"},
  };
  for (const auto& [change, part] : changes) {
    expect_refused([&](auto builder, auto&) { change(good_array(builder)); }, part);
  }
}

TEST(Unmarshal, TheArrayOfTheseTestsIsGood) {
  MemoryCaps caps;
  MemoryMessage message;
  good_array(message.init<wire::Variant>());
  const Variant value = unmarshal(message.read<wire::Variant>(), caps);
  EXPECT_EQ(value.as_array().shape, std::vector<std::int64_t>{2});
}

TEST(Unmarshal, BlobsAreOfTheAnnouncedSize) {
  const auto announce = [](std::uint64_t size, auto init) {
    return [size, init](wire::Variant::Builder builder, MemoryCaps& caps) {
      const auto bytes = std::make_shared<std::array<std::byte, 100>>();
      wire::LargeBytes::Builder large = init(builder);
      large.setSize(size);
      large.setBlob(caps.blob({*bytes, bytes}).client.castAs<wire::Blob>());
    };
  };
  const auto as_bytes = [](wire::Variant::Builder builder) { return builder.initLargeBytes(); };
  const auto as_text = [](wire::Variant::Builder builder) { return builder.initLargeStr(); };
  const auto as_array = [](wire::Variant::Builder builder) {
    auto array = good_array(builder);
    return array.getContent().initLarge();
  };
  expect_refused(announce(99, as_bytes), "fewer");
  expect_refused(announce(101, as_bytes), "fewer");
  expect_refused(announce(101, as_text), "fewer");
  expect_refused(announce(100, as_array), "fill its shape");
  expect_refused(announce(16, as_array), "fewer");
  expect_refused(announce((1ull << 40) + 1, as_bytes), "1 TiB");
  expect_refused(announce((1ull << 40) + 1, as_text), "1 TiB");
  expect_refused(announce(~0ull, as_text), "1 TiB");
}

TEST(Unmarshal, BlobsOfTextAreUtf8) {
  expect_refused(
      [](auto builder, auto& caps) {
        const auto bytes = std::make_shared<std::array<std::byte, 100>>();
        bytes->fill(std::byte{0xff});
        auto large = builder.initLargeStr();
        large.setSize(100);
        large.setBlob(caps.blob({*bytes, bytes}).client.template castAs<wire::Blob>());
      },
      "UTF-8");
}

TEST(Unmarshal, CapabilitiesMustBeWhatTheyStandFor) {
  expect_refused([](auto builder, auto&) { builder.initLargeBytes().setSize(1); }, "");
  expect_refused(
      [](auto builder, auto& caps) {
        auto large = builder.initLargeBytes();
        large.setSize(1);
        const ObjectPtr object = std::make_shared<NamedObject>("Counter");
        large.setBlob(caps.object(object).template castAs<wire::Blob>());
      },
      "not a blob");
  expect_refused(
      [](auto builder, auto&) {
        builder.initObject().setType("Counter");
        builder.getObject().initId(16);
      },
      "");
}

TEST(Unmarshal, ReferencesMustBeWhole) {
  const auto reference = [](unsigned id_size, const char* type) {
    return [id_size, type](wire::Variant::Builder builder, MemoryCaps& caps) {
      auto object = builder.initObject();
      object.initId(id_size);
      object.setType(type);
      object.setObject(
          caps.object(std::make_shared<NamedObject>("Counter")).castAs<wire::Object>());
    };
  };
  expect_refused(reference(15, "Counter"), "16 bytes");
  expect_refused(reference(17, "Counter"), "16 bytes");
  expect_refused(reference(16, "\xff"), "UTF-8");
}

void expect_arguments_refused(const std::function<void(wire::Arguments::Builder)>& build,
                              const char* part) {
  expect_protocol_error(
      [&] {
        MemoryCaps caps;
        MemoryMessage message;
        build(message.init<wire::Arguments>());
        unmarshal(message.read<wire::Arguments>(), caps);
      },
      part);
}

TEST(Unmarshal, ArgumentNamesMustFit) {
  expect_arguments_refused([](auto builder) { builder.initNames(1); }, "more argument names");
  expect_arguments_refused(
      [](auto builder) {
        builder.initValues(1);
        builder.initNames(1).set(0, "\xff");
      },
      "UTF-8");
  expect_arguments_refused([](auto builder) { builder.initValues(1)[0].setStr("\xff"); }, "UTF-8");
}

}  // namespace
}  // namespace cppipc::unmarshal_test
