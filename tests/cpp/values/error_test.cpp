// SPDX-License-Identifier: Apache-2.0
#include <cppipc/error.h>

#include <gtest/gtest.h>

#include <any>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <set>
#include <system_error>

namespace cppipc::error_test {
namespace {

template <class T>
Error caught(const T& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return current_error();
  }
}

Error caught_from(const std::function<void()>& action) {
  try {
    action();
  } catch (...) {
    return current_error();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kProtocol, "nothing was thrown");
}

class Silent : public std::exception {
 public:
  const char* what() const noexcept override { return nullptr; }
};

class OwnRange : public std::out_of_range {
 public:
  OwnRange() : std::out_of_range("own range") {}
};

TEST(Error, ItsTextMayHaveNuls) {
  const std::string text("a\0b", 3);
  const Error error(ErrorKind::kRemote, text);
  EXPECT_EQ(error.text(), text);
  EXPECT_STREQ(error.what(), "a");
  Error copy = error;
  const Error moved = std::move(copy);
  EXPECT_EQ(moved.text(), text);
  EXPECT_EQ(caught(text).text(), text);
  EXPECT_EQ(caught(error).text(), text);
}

TEST(CurrentError, KeepsAnErrorAsItIs) {
  Error thrown(ErrorKind::kStaleReference, "gone");
  thrown.where = "Counter.increment";
  thrown.in_toolkit = true;
  thrown.error_number = 7;
  const Error error = caught(thrown);
  EXPECT_EQ(error.kind(), ErrorKind::kStaleReference);
  EXPECT_STREQ(error.what(), "gone");
  EXPECT_EQ(error.where, "Counter.increment");
  EXPECT_TRUE(error.in_toolkit);
  EXPECT_EQ(error.error_number, 7);
  EXPECT_EQ(error.thrown_type, "");
}

TEST(CurrentError, GivesStandardExceptionsTheirKind) {
  EXPECT_EQ(caught(std::invalid_argument("x")).kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(caught(std::domain_error("x")).kind(), ErrorKind::kDomain);
  EXPECT_EQ(caught(std::out_of_range("x")).kind(), ErrorKind::kOutOfRange);
  EXPECT_EQ(caught(std::overflow_error("x")).kind(), ErrorKind::kOverflow);
  EXPECT_EQ(caught(std::bad_cast()).kind(), ErrorKind::kWrongType);
  EXPECT_EQ(caught(std::bad_any_cast()).kind(), ErrorKind::kWrongType);
  EXPECT_EQ(caught(std::bad_alloc()).kind(), ErrorKind::kOutOfMemory);
  EXPECT_EQ(caught(std::bad_array_new_length()).kind(), ErrorKind::kOutOfMemory);
}

TEST(CurrentError, CallsAllOtherStandardExceptionsRemote) {
  EXPECT_EQ(caught(std::runtime_error("x")).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::logic_error("x")).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::length_error("x")).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::range_error("x")).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::underflow_error("x")).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::bad_optional_access()).kind(), ErrorKind::kRemote);
  EXPECT_EQ(caught(std::future_error(std::future_errc::no_state)).kind(), ErrorKind::kRemote);
}

TEST(CurrentError, KeepsTextAndTypeOfAStandardException) {
  const Error error = caught(std::invalid_argument("n must be positive"));
  EXPECT_STREQ(error.what(), "n must be positive");
  EXPECT_EQ(error.thrown_type, "std::invalid_argument");
}

TEST(CurrentError, MapsADerivedClassLikeItsBase) {
  const Error error = caught(OwnRange());
  EXPECT_EQ(error.kind(), ErrorKind::kOutOfRange);
  EXPECT_NE(error.thrown_type.find("OwnRange"), std::string::npos);
}

TEST(CurrentError, SaysOutOfMemoryInWords) {
  EXPECT_STREQ(caught(std::bad_alloc()).what(), "out of memory");
}

TEST(CurrentError, KeepsErrnoOfASystemError) {
  const Error generic = caught(std::system_error(ENOENT, std::generic_category(), "open"));
  EXPECT_EQ(generic.kind(), ErrorKind::kInputOutput);
  EXPECT_EQ(generic.error_number, ENOENT);
  EXPECT_EQ(caught(std::system_error(EPIPE, std::system_category())).error_number, EPIPE);
}

TEST(CurrentError, KeepsErrnoOfAFilesystemError) {
  const Error error =
      caught_from([] { (void)std::filesystem::file_size("/nowhere/at/all/of/this/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::kInputOutput);
  EXPECT_EQ(error.error_number, ENOENT);
  EXPECT_NE(std::string(error.what()).find("/nowhere/at/all"), std::string::npos);
}

TEST(CurrentError, HasNoErrnoForAStreamFailure) {
  const Error error = caught_from([] {
    std::ifstream file;
    file.exceptions(std::ios::failbit);
    file.open("/nowhere/at/all/of/this/name");
  });
  EXPECT_EQ(error.kind(), ErrorKind::kInputOutput);
  EXPECT_EQ(error.error_number, 0);
}

TEST(CurrentError, NamesTheTypeOfAThrownNumber) {
  const Error error = caught(42);
  EXPECT_EQ(error.kind(), ErrorKind::kRemote);
  EXPECT_STREQ(error.what(), "C++ exception of type int");
  EXPECT_EQ(error.thrown_type, "int");
}

TEST(CurrentError, TakesThrownTextAsMessage) {
  const Error text = caught(std::string("it broke"));
  EXPECT_EQ(text.kind(), ErrorKind::kRemote);
  EXPECT_STREQ(text.what(), "it broke");
  EXPECT_EQ(text.thrown_type, "std::string");
  EXPECT_STREQ(caught_from([] { throw "plain"; }).what(), "plain");
}

TEST(CurrentError, SurvivesAnExceptionWithoutText) {
  EXPECT_NE(std::string(caught(Silent()).what()).find("Silent"), std::string::npos);
  EXPECT_STREQ(caught(std::runtime_error("")).what(), "C++ exception of type std::runtime_error");
  EXPECT_STREQ(caught_from([] { throw static_cast<const char*>(nullptr); }).what(),
               "C++ exception of type char const*");
}

TEST(ErrorKind, HasANameOfItsOwnForEveryKind) {
  std::set<std::string_view> names;
  for (std::uint16_t kind = 0; kind <= static_cast<std::uint16_t>(ErrorKind::kNotPermitted);
       ++kind) {
    names.insert(name_of(static_cast<ErrorKind>(kind)));
  }
  EXPECT_EQ(names.size(), 22u);
  EXPECT_EQ(name_of(ErrorKind::kInvalidArgument), "invalidArgument");
  EXPECT_EQ(name_of(static_cast<ErrorKind>(999)), "unknown");
}

}  // namespace
}  // namespace cppipc::error_test
