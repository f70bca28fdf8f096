// SPDX-License-Identifier: Apache-2.0
#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cppipc::server::options_test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "unity_server");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

// The options of a command line that is right but for `extra`.
ParsedOptions parse_with(std::vector<const char*> extra) {
  extra.insert(extra.begin(), {"--listen", "unix:/run/u.sock"});
  return parse(extra);
}

TEST(Options, DefaultsAreThoseOfTheHost) {
  const ParsedOptions parsed = parse({"--listen", "unix:/run/u.sock"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  const Options& options = *parsed.options;
  const HostLimits limits;
  EXPECT_EQ(options.limits.message_bytes, limits.message_bytes);
  EXPECT_EQ(options.limits.inline_bytes, limits.inline_bytes);
  EXPECT_EQ(options.limits.live_objects, limits.live_objects);
  EXPECT_EQ(options.limits.calls_in_flight, limits.calls_in_flight);
  EXPECT_EQ(options.limits.callbacks_in_flight, limits.callbacks_in_flight);
  EXPECT_EQ(options.limits.queued_reply_bytes, limits.queued_reply_bytes);
  EXPECT_EQ(options.limits.bulk_bytes, limits.bulk_bytes);
  EXPECT_EQ(options.limits.bulk_total_bytes, limits.bulk_total_bytes);
  EXPECT_EQ(options.limits.session_threads, limits.session_threads);
  EXPECT_EQ(options.limits.worker_threads, limits.worker_threads);
  EXPECT_EQ(options.limits.object_tokens, limits.object_tokens);
  EXPECT_EQ(options.limits.object_token_lifetime, limits.object_token_lifetime);
  EXPECT_EQ(options.listen, (std::vector<Address>{{"/run/u.sock"}}));
  EXPECT_FALSE(options.inherited_fd);
  EXPECT_FALSE(options.launcher_pidfd);
  EXPECT_FALSE(options.has_diagnostics);
  EXPECT_TRUE(options.shares_memory);
  EXPECT_EQ(options.limits.arenas, limits.arenas);
  EXPECT_EQ(options.limits.arena_bytes, limits.arena_bytes);
  EXPECT_EQ(options.drain, milliseconds(10'000));
  EXPECT_EQ(options.end_grace, milliseconds(2'000));
  EXPECT_EQ(options.log.file, "");
  EXPECT_EQ(options.log.level, LogLevel::kInfo);
  EXPECT_FALSE(options.log.is_json);
}

TEST(Options, OneSessionLeavesThreadsToOthersUnlessToldOtherwise) {
  for (const auto& [workers, session] : {std::pair("1", 1u), std::pair("2", 1u), std::pair("4", 3u),
                                         std::pair("8", 7u), std::pair("64", 56u)}) {
    const ParsedOptions parsed = parse({"--listen", "unix:/u", "--worker-threads", workers});
    ASSERT_TRUE(parsed.options) << parsed.text;
    EXPECT_EQ(parsed.options->limits.session_threads, session) << workers;
  }
}

TEST(Options, EveryOptionReachesItsField) {
  const ParsedOptions parsed = parse({"--listen",
                                      "unix:/a",
                                      "--listen=ipc:///b",
                                      "--inherited-fd",
                                      "7",
                                      "--launcher-pidfd",
                                      "8",
                                      "--diagnostics",
                                      "--drain-s",
                                      "1.5",
                                      "--end-grace-s",
                                      "0",
                                      "--message-mib",
                                      "2",
                                      "--inline-kib",
                                      "3",
                                      "--live-objects",
                                      "4",
                                      "--callbacks-in-flight",
                                      "7",
                                      "--calls-in-flight",
                                      "5",
                                      "--queued-reply-mib",
                                      "6",
                                      "--bulk-mib",
                                      "12",
                                      "--bulk-total-mib",
                                      "13",
                                      "--arenas",
                                      "14",
                                      "--arena-mib",
                                      "15",
                                      "--no-shared-memory",
                                      "--session-threads",
                                      "11",
                                      "--worker-threads",
                                      "7",
                                      "--object-tokens",
                                      "12",
                                      "--object-token-s",
                                      "13",
                                      "--log-file",
                                      "/l",
                                      "--log-level",
                                      "warning",
                                      "--log-json",
                                      "--log-file-mib",
                                      "9",
                                      "--log-files",
                                      "10"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  const Options& options = *parsed.options;
  EXPECT_EQ(options.listen, (std::vector<Address>{{"/a"}, {"/b"}}));
  EXPECT_EQ(options.inherited_fd, 7);
  EXPECT_EQ(options.launcher_pidfd, 8);
  EXPECT_TRUE(options.has_diagnostics);
  EXPECT_EQ(options.drain, milliseconds(1'500));
  EXPECT_EQ(options.end_grace, milliseconds(0));
  EXPECT_EQ(options.limits.message_bytes, 2u << 20);
  EXPECT_EQ(options.limits.inline_bytes, 3u << 10);
  EXPECT_EQ(options.limits.live_objects, 4u);
  EXPECT_EQ(options.limits.calls_in_flight, 5u);
  EXPECT_EQ(options.limits.callbacks_in_flight, 7u);
  EXPECT_EQ(options.limits.queued_reply_bytes, 6u << 20);
  EXPECT_EQ(options.limits.bulk_bytes, 12u << 20);
  EXPECT_EQ(options.limits.bulk_total_bytes, 13u << 20);
  EXPECT_EQ(options.limits.arenas, 14u);
  EXPECT_EQ(options.limits.arena_bytes, 15u << 20);
  EXPECT_FALSE(options.shares_memory);
  EXPECT_EQ(options.limits.session_threads, 11u);
  EXPECT_EQ(options.limits.worker_threads, 7u);
  EXPECT_EQ(options.limits.object_tokens, 12u);
  EXPECT_EQ(options.limits.object_token_lifetime, std::chrono::seconds(13));
  EXPECT_EQ(options.log.file, "/l");
  EXPECT_EQ(options.log.level, LogLevel::kWarning);
  EXPECT_TRUE(options.log.is_json);
  EXPECT_EQ(options.log.file_mib, 9u);
  EXPECT_EQ(options.log.files, 10u);
}

TEST(Options, HelpNamesEveryOptionWithUnitAndDefault) {
  const ParsedOptions parsed = parse({"--help"});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, kExitOk);
  for (const char* part : {"--listen",
                           "--inherited-fd",
                           "--launcher-pidfd",
                           "--diagnostics",
                           "--drain-s",
                           "--end-grace-s",
                           "--message-mib",
                           "--inline-kib",
                           "--live-objects",
                           "--callbacks-in-flight",
                           "--calls-in-flight",
                           "--queued-reply-mib",
                           "--bulk-mib",
                           "--bulk-total-mib",
                           "--arenas",
                           "--arena-mib",
                           "--no-shared-memory",
                           "--insecure-tcp",
                           "--worker-threads",
                           "--object-tokens",
                           "--object-token-s",
                           "--log-file",
                           "--log-level",
                           "--log-json",
                           "--log-file-mib",
                           "--log-files",
                           "--status",
                           "--status-anywhere",
                           "--config",
                           "--print-config",
                           "--version",
                           "seconds",
                           "MiB",
                           "KiB",
                           "1000000",
                           "64",
                           "info",
                           "Exit codes"}) {
    EXPECT_THAT(parsed.text, HasSubstr(part));
  }
}

TEST(Options, VersionIsPrinted) {
  const ParsedOptions parsed = parse({"--version"});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, kExitOk);
  EXPECT_EQ(parsed.text, "unity_server " CPPIPC_VERSION "\n");
}

TEST(Options, NothingToServeIsAMistake) {
  const ParsedOptions parsed = parse({});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("nothing to serve"));
  EXPECT_THAT(parsed.text, HasSubstr("--help"));
}

TEST(Options, AnInheritedDescriptorAloneIsEnough) {
  EXPECT_TRUE(parse({"--inherited-fd", "3"}).options);
}

TEST(Options, OnePortTwiceIsAMistakeUnlessAnyWillDo) {
  const auto twice = [](const char* address) {
    return parse({"--listen", address, "--listen", address, "--insecure-tcp"});
  };
  EXPECT_THAT(twice("tcp:localhost:4000").text, HasSubstr("tcp:localhost:4000 is given twice"));
  EXPECT_TRUE(twice("tcp:localhost:0").options);
}

TEST(Options, OneAddressTwiceIsAMistake) {
  const ParsedOptions parsed = parse({"--listen", "unix:/a", "--listen", "ipc:///a"});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("unix:/a is given twice"));
}

TEST(Options, InlineIsAtMostHalfAMessage) {
  EXPECT_TRUE(parse_with({"--message-mib", "1", "--inline-kib", "512"}).options);
  const ParsedOptions parsed = parse_with({"--message-mib", "1", "--inline-kib", "513"});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr("--inline-kib"));
}

TEST(Options, OneDescriptorCannotBeSocketAndPidfd) {
  EXPECT_EQ(parse({"--inherited-fd", "5", "--launcher-pidfd", "5"}).exit_code, kExitUsage);
}

struct Mistake {
  const char* option;
  const char* value;
};

class OptionsMistake : public testing::TestWithParam<Mistake> {};

TEST_P(OptionsMistake, IsAUsageErrorThatNamesTheOption) {
  const ParsedOptions parsed = parse_with({GetParam().option, GetParam().value});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr(GetParam().option));
}

INSTANTIATE_TEST_SUITE_P(
    All, OptionsMistake,
    testing::Values(Mistake{"--drain-s", "-1"}, Mistake{"--drain-s", "nan"},
                    Mistake{"--drain-s", "inf"}, Mistake{"--drain-s", "5s"},
                    Mistake{"--drain-s", ""}, Mistake{"--drain-s", "86401"},
                    Mistake{"--end-grace-s", "1e400"}, Mistake{"--message-mib", "0"},
                    Mistake{"--message-mib", "2049"}, Mistake{"--message-mib", "1.5"},
                    Mistake{"--inline-kib", "-1"}, Mistake{"--live-objects", "0"},
                    Mistake{"--live-objects", "99999999999999999999"},
                    Mistake{"--calls-in-flight", "many"}, Mistake{"--worker-threads", "0"},
                    Mistake{"--worker-threads", "65537"}, Mistake{"--queued-reply-mib", "0"},
                    Mistake{"--arenas", "0"}, Mistake{"--arena-mib", "0"},
                    Mistake{"--object-tokens", "0"}, Mistake{"--object-token-s", "0"},
                    Mistake{"--inherited-fd", "2"}, Mistake{"--inherited-fd", "-1"},
                    Mistake{"--launcher-pidfd", "x"}, Mistake{"--log-level", "loud"},
                    Mistake{"--log-file-mib", "0"}, Mistake{"--log-files", "0"},
                    Mistake{"--no-such-option", "1"}));

TEST(Options, TheStatusEndpointHasAddressesOfItsOwn) {
  const auto parsed =
      parse_with({"--status", "unix:/s", "--status=tcp:localhost:0", "--status-anywhere"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->status.addresses,
            (std::vector<Address>{{"/s"}, {.host = "localhost", .port = "0"}}));
  EXPECT_TRUE(parsed.options->status.is_anywhere);
  EXPECT_THAT(parse_with({"--status", "9100"}).text, HasSubstr("--status: '9100' is no address"));
  EXPECT_THAT(parse_with({"--status", "unix:/s", "--status", "ipc:///s"}).text,
              HasSubstr("--status unix:/s is given twice"));
  EXPECT_THAT(parse({"--status", "unix:/s"}).text, HasSubstr("nothing to serve"));
}

TEST(Options, AWordThatIsNoOptionIsAMistake) {
  EXPECT_EQ(parse_with({"unix:/b"}).exit_code, kExitUsage);
}

TEST(Options, WordsThatAreNotExpectedAreListedInTheirOrder) {
  EXPECT_THAT(parse_with({"--no-such-option", "1", "2"}).text,
              HasSubstr("not expected: --no-such-option 1 2\n"));
}

TEST(Options, ALevelThatThereIsNotIsToldThoseThatThereAre) {
  EXPECT_THAT(parse_with({"--log-level", "verbose"}).text,
              HasSubstr("--log-level: must be debug, info, warning, error or off, not 'verbose'"));
}

TEST(Options, ALevelMayBeInCapitals) {
  EXPECT_EQ(parse_with({"--log-level", "OFF"}).options->log.level, LogLevel::kOff);
}

TEST(Options, ExtensionsAreFilesForTheStartAndADirectoryForClients) {
  const auto parsed = parse({"--listen", "unix:/u", "--extension", "a.so", "--extension=b.so",
                             "--extension-dir", "/lib"});
  ASSERT_TRUE(parsed.options);
  EXPECT_EQ(parsed.options->extensions, (std::vector<std::string>{"a.so", "b.so"}));
  EXPECT_EQ(parsed.options->extension_dir, "/lib");
}

TEST(Options, AMistakenNumberIsToldItsRange) {
  EXPECT_THAT(parse_with({"--message-mib", "1.5"}).text,
              HasSubstr("--message-mib: '1.5' is not a whole number in 1..2048"));
  EXPECT_THAT(parse_with({"--drain-s", "5s"}).text,
              HasSubstr("--drain-s: '5s' is not a number in 0..86400"));
}

}  // namespace
}  // namespace cppipc::server::options_test
