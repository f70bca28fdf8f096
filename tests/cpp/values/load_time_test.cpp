// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "values/calling.h"

namespace cppipc::load_time_test {
namespace {

using test::refusal;
using namespace std::chrono;

template <class T>
std::string refused(Variant value) {
  return refusal([&] { (void)from_variant<T>(std::move(value)); });
}

DateTime utc(int year, int month, int day, int hour = 0, int minute = 0, int second = 0,
             unsigned microsecond = 0) {
  return {{year, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day)},
          {static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
           static_cast<std::uint8_t>(second), microsecond, 0, 0}};
}

TEST(DurationParameter, TakesTimedeltas) {
  EXPECT_EQ(from_variant<milliseconds>(TimeDelta{0, 1, 500000}), 1500ms);
  EXPECT_EQ(from_variant<nanoseconds>(TimeDelta{0, 0, 1}), 1000ns);
  EXPECT_EQ(from_variant<hours>(TimeDelta{1, 3600, 0}), 25h);
  EXPECT_EQ(from_variant<duration<double>>(TimeDelta{0, 1, 250000}), duration<double>(1.25));
}

TEST(DurationParameter, TakesNegativeTimedeltas) {
  // As Python normalises them: -1 day and 86399.5 seconds is half a second back.
  EXPECT_EQ(from_variant<milliseconds>(TimeDelta{-1, 86399, 500000}), -500ms);
}

TEST(DurationParameter, RefusesNumbers) {
  EXPECT_EQ(refused<milliseconds>(1.5), "wrongType: value: expected timedelta, got float");
  EXPECT_EQ(refused<milliseconds>(1), "wrongType: value: expected timedelta, got int");
}

TEST(DurationParameter, RefusesWhatItsUnitWouldRound) {
  EXPECT_EQ(refused<seconds>(TimeDelta{0, 1, 500000}),
            "invalidArgument: value: timedelta finer than this parameter's unit, second");
  EXPECT_EQ(refused<milliseconds>(TimeDelta{0, 0, 1}),
            "invalidArgument: value: timedelta finer than this parameter's unit, 1/1000 s");
}

TEST(DurationParameter, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refused<nanoseconds>(TimeDelta{999999999, 0, 0}),
            "overflow: value: timedelta out of range");
  EXPECT_EQ((refused<duration<std::int8_t>>(TimeDelta{0, 200, 0})),
            "overflow: value: timedelta out of range");
  EXPECT_EQ(from_variant<seconds>(TimeDelta{999999999, 0, 0}), seconds(999999999LL * 86400));
}

TEST(DurationResult, IsANormalisedTimedelta) {
  EXPECT_EQ(to_variant(1500ms), Variant(TimeDelta{0, 1, 500000}));
  EXPECT_EQ(to_variant(-500ms), Variant(TimeDelta{-1, 86399, 500000}));
  EXPECT_EQ(to_variant(49h), Variant(TimeDelta{2, 3600, 0}));
  EXPECT_EQ(to_variant(duration<double>(-0.25)), Variant(TimeDelta{-1, 86399, 750000}));
}

TEST(DurationResult, RoundsHalvesToEven) {
  EXPECT_EQ(to_variant(1500ns), Variant(TimeDelta{0, 0, 2}));
  EXPECT_EQ(to_variant(2500ns), Variant(TimeDelta{0, 0, 2}));
  EXPECT_EQ(to_variant(2501ns), Variant(TimeDelta{0, 0, 3}));
  EXPECT_EQ(to_variant(-500ns), Variant(TimeDelta{}));
}

TEST(DurationResult, RefusesWhatNoTimedeltaHolds) {
  EXPECT_EQ(refusal([] { to_variant(seconds(std::numeric_limits<std::int64_t>::max())); }),
            "overflow: value: timedelta out of range (999999999 days)");
  EXPECT_EQ(refusal([] { to_variant(duration<double>(std::nan(""))); }),
            "overflow: value: timedelta out of range (999999999 days)");
}

TEST(TimePointParameter, TakesAwareDatetimes) {
  EXPECT_EQ(from_variant<sys_seconds>(utc(1970, 1, 1)), sys_seconds(0s));
  EXPECT_EQ(from_variant<system_clock::time_point>(utc(2000, 2, 29, 12, 30, 15, 250000)),
            sys_days(2000y / February / 29) + 12h + 30min + 15s + 250ms);
  DateTime east = utc(2020, 1, 1, 1);
  east.time.utc_offset_s = 3600;
  EXPECT_EQ(from_variant<sys_seconds>(east), sys_seconds(sys_days(2020y / 1 / 1)));
}

TEST(TimePointParameter, RefusesNaiveDatetimesDatesAndNumbers) {
  DateTime naive = utc(2020, 1, 1);
  naive.time.utc_offset_s.reset();
  EXPECT_EQ(refused<sys_seconds>(naive),
            "wrongType: value: expected aware datetime, got naive datetime");
  EXPECT_EQ(refused<sys_seconds>(Date{2020, 1, 1}),
            "wrongType: value: expected aware datetime, got date");
  EXPECT_EQ(refused<sys_seconds>(0.0), "wrongType: value: expected aware datetime, got float");
}

TEST(TimePointParameter, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refused<system_clock::time_point>(utc(1, 1, 1)),
            "overflow: value: datetime out of range");
  EXPECT_EQ(refused<sys_seconds>(utc(2020, 1, 1, 0, 0, 0, 1)),
            "invalidArgument: value: datetime finer than this parameter's unit, second");
}

TEST(TimePointResult, IsADatetimeInUtc) {
  EXPECT_EQ(to_variant(sys_days(2024y / 2 / 29) + 23h + 59min + 58s + 7us),
            Variant(utc(2024, 2, 29, 23, 59, 58, 7)));
  EXPECT_EQ(to_variant(sys_seconds(-1s)), Variant(utc(1969, 12, 31, 23, 59, 59)));
  EXPECT_EQ(refusal([] { to_variant(sys_days(10000y / 1 / 1)); }),
            "overflow: value: datetime out of range (years 1 to 9999)");
}

}  // namespace
}  // namespace cppipc::load_time_test
