# SPDX-License-Identifier: Apache-2.0
# The libraries that the system provides. docs/dependencies.md says what each one is for.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(CapnProto REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)

# Debian's libxxhash has no CMake package.
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(xxhash INTERFACE)
target_include_directories(xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
target_link_libraries(xxhash INTERFACE "${XXHASH_LIBRARY}")

# Nor has libsodium.
find_path(SODIUM_INCLUDE_DIR sodium.h REQUIRED)
find_library(SODIUM_LIBRARY sodium REQUIRED)
add_library(sodium INTERFACE)
target_include_directories(sodium SYSTEM INTERFACE "${SODIUM_INCLUDE_DIR}")
target_link_libraries(sodium INTERFACE "${SODIUM_LIBRARY}")

if(CPPIPC_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()
