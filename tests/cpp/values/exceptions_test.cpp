// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "values/calling.h"

namespace cppipc::exceptions_test {
namespace {

using test::refusal;

struct First : std::runtime_error {
  using runtime_error::runtime_error;
};
struct Second : First {
  using First::First;
};
struct Third : Second {
  using Second::Second;
};
struct Bad : std::invalid_argument {
  using invalid_argument::invalid_argument;
};
struct Plain {
  int number = 0;
};
struct OwnError : Error {
  explicit OwnError(std::string text) : Error(ErrorKind::kUnknownKey, std::move(text)) {}
};
struct Both : First, Plain {
  using First::First;
};

template <class E>
Error thrown(const Registry& registry, E exception) {
  try {
    throw exception;
  } catch (...) {
    return registry.current_error();
  }
}

Registry registered() {
  Registry registry;
  registry.exception<First>("io.First", "The first.");
  registry.exception<Second>("Second");
  registry.exception<Bad>("Bad");
  registry.exception<Plain>("Plain", ErrorKind::kOutOfRange, [](const Plain& plain) {
    return "no " + std::to_string(plain.number);
  });
  return registry;
}

TEST(Exceptions, ArriveUnderTheirName) {
  const Error error = thrown(registered(), First("it broke"));
  EXPECT_EQ(error.exception_name, "io.First");
  EXPECT_EQ(error.kind(), ErrorKind::kRemote);
  EXPECT_STREQ(error.what(), "it broke");
  EXPECT_THAT(error.thrown_type, ::testing::HasSubstr("First"));
}

TEST(Exceptions, TheMostDerivedRegisteredClassCounts) {
  EXPECT_EQ(thrown(registered(), Second("x")).exception_name, "Second");
  EXPECT_EQ(thrown(registered(), Third("x")).exception_name, "Second");
  EXPECT_THAT(thrown(registered(), Third("x")).thrown_type, ::testing::HasSubstr("Third"));
}

TEST(Exceptions, OthersStayWhatTheyAre) {
  const Error error = thrown(registered(), std::out_of_range("x"));
  EXPECT_EQ(error.exception_name, "");
  EXPECT_EQ(error.kind(), ErrorKind::kOutOfRange);
  EXPECT_EQ(thrown(registered(), Error(ErrorKind::kWrongType, "x")).exception_name, "");
  EXPECT_EQ(thrown(registered(), 42).kind(), ErrorKind::kRemote);
}

TEST(Exceptions, HaveTheKindOfTheirStandardClassOrTheGivenOne) {
  EXPECT_EQ(thrown(registered(), Bad("x")).kind(), ErrorKind::kInvalidArgument);
  const Error error = thrown(registered(), Plain{7});
  EXPECT_EQ(error.kind(), ErrorKind::kOutOfRange);
  EXPECT_STREQ(error.what(), "no 7");
}

TEST(Exceptions, MayDeriveFromError) {
  Registry registry;
  registry.exception<OwnError>("OwnError", ErrorKind::kUnknownKey);
  const Error error = thrown(registry, OwnError("no such key"));
  EXPECT_EQ(error.kind(), ErrorKind::kUnknownKey);
  EXPECT_EQ(error.exception_name, "OwnError");
  EXPECT_STREQ(error.what(), "no such key");
  EXPECT_EQ(thrown(registry, Error(ErrorKind::kUnknownKey, "x")).exception_name, "");
}

TEST(Exceptions, AreDescribedWithTheirBase) {
  const Description description = registered().describe("1");
  ASSERT_EQ(description.exceptions.size(), 4u);
  EXPECT_EQ(description.exceptions[0],
            (ExceptionDescription{"Bad", "", "", ErrorKind::kInvalidArgument}));
  EXPECT_EQ(description.exceptions[2],
            (ExceptionDescription{"Second", "", "io.First", ErrorKind::kRemote}));
  EXPECT_EQ(description.exceptions[3].doc, "The first.");
}

TEST(Exceptions, ABaseComesBeforeWhatDerivesFromIt) {
  Registry registry;
  registry.exception<Second>("Second");
  EXPECT_EQ(refusal([&] { registry.exception<First>("First"); }),
            "logic: exception 'First' is a base of 'Second': register it first");
}

TEST(Exceptions, WrongRegistrationsAreRefused) {
  Registry registry = registered();
  registry.type<Registry>("Taken");
  EXPECT_EQ(refusal([&] { registry.exception<Third>("Bad"); }),
            "logic: exception 'Bad' is registered twice");
  EXPECT_EQ(refusal([&] { registry.exception<Third>("Taken"); }),
            "logic: exception 'Taken' is registered twice");
  EXPECT_EQ(refusal([&] { registry.type<Third>("Bad"); }),
            "logic: type 'Bad' is an exception already");
  EXPECT_THAT(refusal([&] { registry.exception<First>("Again"); }),
              ::testing::HasSubstr("which is registered as 'io.First'"));
  EXPECT_EQ(refusal([&] { registry.exception<Third>("Third", ErrorKind::kTimeout); }),
            "logic: exception 'Third' has the kind 'timeout', which is about calls and "
            "connections; choose another one");
  EXPECT_EQ(refusal([&] { registry.exception<Third>("Third", ErrorKind::kOverflow); }),
            "logic: exception 'Third' derives from 'Second', so its kind is 'remote'");
  EXPECT_EQ(refusal([&] { registry.exception<Both>("Both"); }),
            "logic: exception 'Both' derives from both 'io.First' and 'Plain', which are not "
            "related; leave one of them out");
}

}  // namespace
}  // namespace cppipc::exceptions_test
