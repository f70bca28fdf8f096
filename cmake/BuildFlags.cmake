# SPDX-License-Identifier: Apache-2.0
# Language, optimisation, warnings, sanitizers and the compiler cache: the same for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug or RelWithDebInfo" FORCE)
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

# -fPIC for executables as well: all objects may go into libcppipc.so, and precompiled headers can
# be shared between libraries and tests.
add_compile_options(-fPIC -Wall -Wextra)
# Calls within libcppipc.so may be inlined; nobody replaces single functions of it.
add_compile_options(-fno-semantic-interposition)
# No path of the checkout gets into a binary, so builds of two clones are equal.
add_compile_options("-ffile-prefix-map=${CMAKE_BINARY_DIR}=build"
                    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
add_link_options(-Wl,--as-needed)

if(CPPIPC_SANITIZE)
  list(JOIN CPPIPC_SANITIZE "," sanitizers)
  add_compile_options("-fsanitize=${sanitizers}" -O1 -g1 -fno-omit-frame-pointer)
  add_link_options("-fsanitize=${sanitizers}")
  if("undefined" IN_LIST CPPIPC_SANITIZE)
    # Three checks are left out that cost a quarter of the compile time: AddressSanitizer reports
    # the same mistakes.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=null,object-size,vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # known to be wrong in sanitized code
    if("address" IN_LIST CPPIPC_SANITIZE)
      # Checks by call instead of inline: a little slower to run, a fifth faster to compile.
      add_compile_options("SHELL:--param asan-instrumentation-with-call-threshold=0")
    endif()
  endif()
endif()

# Sources of one target that are compiled together share what they include and instantiate. They
# also share their unnamed namespaces, so names have to be unique in a folder; the namespace of a
# test is named after its file. The more at once, the less time all of them take, and the more it
# takes after a change of one.
if(CPPIPC_UNITY GREATER 1)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE ${CPPIPC_UNITY})
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes a source for a header there, whose unnamed namespace would be a mistake.
  add_compile_options(-Wno-subobject-linkage)
endif()

if(CPPIPC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage for everything, main() for the targets
endif()

# ccache, told enough to hit for a clone in another place and through precompiled headers.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      /usr/bin/env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=true
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${CCACHE_PROGRAM}")
endif()
if(CPPIPC_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Without it ccache cannot see through a precompiled header.
  add_compile_options(-fpch-preprocess)
endif()
