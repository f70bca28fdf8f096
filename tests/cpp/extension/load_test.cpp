// SPDX-License-Identifier: Apache-2.0
// What loading an extension gives, and each way in which it fails.
#include "extension/built.h"
#include "support/error_of.h"
#include "values/calling.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iterator>

namespace cppipc::load_test {
namespace {

using test::built;
using test::call;
using test::error_of;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

// The kind and text of what load_extension() throws; the file is called FILE in it.
std::string failure(const std::filesystem::path& file) {
  const Error error = error_of([&] { (void)load_extension(file); });
  std::string text = std::string(name_of(error.kind())) + ": " + std::string(error.text());
  const std::string name = "'" + std::filesystem::absolute(file).string() + "'";
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name)) {
    text.replace(at, name.size(), "FILE");
  }
  return text;
}

class Mistake {
 public:
  explicit Mistake(const char* name) { ::setenv("MISTAKE", name, 1); }
  ~Mistake() { ::unsetenv("MISTAKE"); }
};

TEST(LoadExtension, TellsItsNameNamesAndDocumentation) {
  const auto extension = load_extension(built("square"));
  EXPECT_EQ(extension->name(), "square");
  EXPECT_EQ(extension->doc(), "Squares and their roots.");
  EXPECT_EQ(extension->path(), built("square").string());
  EXPECT_EQ(extension->content_hash().size(), 32u);
  const std::vector<std::string> expected = {"square.Accumulator", "square.square_all",
                                             "square.square_root", "square.squares",
                                             "square.sum_of"};
  EXPECT_EQ(extension->names(), expected);
}

TEST(LoadExtension, DescribesItAsARegistryWould) {
  const Description description = load_extension(built("square"))->registry().describe("1");
  ASSERT_EQ(description.types.size(), 1u);
  const TypeDescription& type = description.types[0];
  EXPECT_EQ(type.name, "square.Accumulator");
  EXPECT_EQ(type.doc, "Adds up.");
  ASSERT_TRUE(type.constructor);
  EXPECT_EQ(type.constructor->parameters[0].default_value, Variant(0.0));
  EXPECT_EQ(type.constructor->parameters[0].type, "float");
  EXPECT_EQ(type.constructor->result, "square.Accumulator");
  ASSERT_EQ(type.methods.size(), 3u);
  EXPECT_EQ(type.methods[1].parameters[0].type, "square.Accumulator");
  EXPECT_EQ(type.methods[2].result, "square.Accumulator | None");
  EXPECT_EQ(type.properties[0].type, "float");
  EXPECT_TRUE(type.properties[0].is_writable);
  const FunctionDescription& sum = description.functions.back();
  EXPECT_EQ(sum.name, "square.sum_of");
  EXPECT_EQ(sum.parameters.size(), 2u);
  EXPECT_EQ(sum.parameters[0].type, "Callable[[float], float]");
  EXPECT_EQ(sum.parameters[1].default_value, Variant(10));
  EXPECT_EQ(sum.doc, "The sum of f(0) to f(count - 1).");
}

TEST(LoadExtension, PlainCWillDo) {
  const auto extension = load_extension(built("plain"));
  EXPECT_EQ(call(extension->registry(), "plain.add_one", {{41}, {}}), Variant(42));
  EXPECT_EQ(test::refusal([&] { call(extension->registry(), "plain.nonsense"); }),
            "invalidArgument: plain.nonsense() result: kind 4711 is none that an extension can "
            "make");
  const std::string deep = test::refusal([&] { call(extension->registry(), "plain.deep"); });
  EXPECT_NE(deep.find("nested deeper than 1000 levels"), std::string::npos) << deep;
}

TEST(LoadExtension, AMissingFileIsAnInputOutputErrorWithErrno) {
  EXPECT_EQ(failure("/nonexistent/square.so"),
            "inputOutput: cannot open extension FILE: No such file or directory");
  const Error error = error_of([] { (void)load_extension("/nonexistent/square.so"); });
  EXPECT_EQ(error.error_number, ENOENT);
  EXPECT_EQ(failure("/tmp"), "inputOutput: cannot load FILE: Is a directory");
  EXPECT_EQ(failure("/dev/null"), "invalidArgument: FILE is no regular file");
}

TEST(LoadExtension, APipeIsRefusedAndNotWaitedFor) {
  const test::Folder folder;
  const auto pipe = folder.path() / "pipe.so";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(failure(pipe), "invalidArgument: FILE is no regular file");
}

TEST(LoadExtension, WhatIsNoLibraryIsRefused) {
  const test::Folder folder;
  const std::filesystem::path file = folder.path() / "square.so";
  write(file, "#!/bin/sh\necho no library\n");
  EXPECT_EQ(failure(file),
            "invalidArgument: FILE is not a shared library; build one with `python -m unity "
            "build`");
  write(file, "");
  EXPECT_NE(failure(file).find("is not a shared library"), std::string::npos);
  // Cut in the middle, as by a full disk or a linker that still writes.
  const std::string whole = bytes_of(built("square"));
  write(file, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(failure(file), "invalidArgument: FILE is cut off: it has " +
                               std::to_string(whole.size() / 2) +
                               " bytes, fewer than it needs; build it again");
  write(file, whole.substr(0, 100));
  EXPECT_NE(failure(file).find("is cut off: it has 100 bytes"), std::string::npos);
  EXPECT_EQ(failure(std::filesystem::path(kTestExtensions) / "square.o"),
            "invalidArgument: FILE is an object file or a program, not a shared library; link it "
            "with -shared");
}

TEST(LoadExtension, AnotherMachineIsNamed) {
  const test::Folder folder;
  const std::filesystem::path file = folder.path() / "square.so";
  std::string bytes = bytes_of(built("square"));
  bytes[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV);
  write(file, bytes);
  const std::string text = failure(file);
  EXPECT_EQ(text.rfind("invalidArgument: FILE is for RISC-V, and this process is for ", 0), 0u)
      << text;
}

TEST(LoadExtension, ALibraryWithoutAnEntryPointIsRefused) {
  EXPECT_EQ(failure(built("nothing")),
            "invalidArgument: FILE is no extension: it has no symbol cppipc_extension_entry; write "
            "CPPIPC_EXTENSION(name, m) in one of its sources");
}

TEST(LoadExtension, AnotherVersionOfTheBoundaryIsRefused) {
  EXPECT_EQ(failure(built("newer")),
            "notSupported: extension FILE was built for version 2 of the boundary, and this server "
            "has version 1; build it again with the headers of this server");
  EXPECT_EQ(failure(built("no_table")),
            "remote: extension FILE failed while it was loaded, without words");
}

TEST(LoadExtension, MissingSymbolsAndLibrariesAreNamed) {
  EXPECT_EQ(failure(built("missing_symbol")),
            "unknownName: cannot load FILE: undefined symbol: _Z16missing_functionv");
  EXPECT_EQ(failure(built("needs_gone")),
            "unknownName: cannot load FILE: libgone.so.7: cannot open shared object file: No such "
            "file or directory");
}

TEST(LoadExtension, AnExceptionOfTheEntryPointIsReported) {
  {
    const Mistake mistake("throws");
    EXPECT_EQ(failure(built("mistakes")),
              "remote: extension FILE failed while it was loaded: no licence found");
    const Error error = error_of([] { (void)load_extension(built("mistakes")); });
    EXPECT_EQ(error.thrown_type, "std::invalid_argument");
  }
  const Mistake mistake("throws int");
  EXPECT_EQ(failure(built("mistakes")),
            "remote: extension FILE failed while it was loaded: C++ exception of type int");
}

TEST(LoadExtension, MistakesInTheRegistrationAreNamed) {
  const std::map<std::string, std::string> texts = {
      {"bad name", "function name 'mistakes.no name' is not identifiers joined by dots"},
      {"keyword", "mistakes.f: parameter name 'class' is a keyword of Python"},
      {"same parameters", "mistakes.f: two parameters are named 'x'"},
      {"function twice", "mistakes.f is registered twice with the same parameter types"},
      {"type twice", "type 'B': C++ type (anonymous namespace)::Thing is registered already"},
      {"arg count", "mistakes.f: has 1 parameter but 0 arg()"},
      {"bad default",
       "mistakes.f: the default of parameter 'x' does not convert: x: expected int, got str"},
      {"unregistered",
       "mistakes.f: C++ type (anonymous namespace)::Unregistered is not registered"},
      {"base too late",
       "mistakes.Derived: its base (anonymous namespace)::Thing is not registered before it"},
      {"member twice", "mistakes.Thing has a method 'f' already"},
  };
  for (const auto& [name, text] : texts) {
    const Mistake mistake(name.c_str());
    EXPECT_EQ(failure(built("mistakes")), "toolkit: extension FILE: " + text) << name;
  }
  // Nothing of that is in the way of a load that succeeds: here of a copy with other bytes, as one
  // that is loaded is not asked again.
  const test::Folder folder;
  write(folder.path() / "mistakes.so", bytes_of(built("mistakes")) + "more");
  EXPECT_TRUE(load_extension(folder.path() / "mistakes.so")->names().empty());
}

TEST(LoadExtension, ItsSymbolsAreNobodyElses) {
  (void)load_extension(built("gcc20debug"));  // which hides nothing
  EXPECT_EQ(::dlsym(RTLD_DEFAULT, CPPIPC_ENTRY_NAME), nullptr);
}

}  // namespace
}  // namespace cppipc::load_test
