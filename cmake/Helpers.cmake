# SPDX-License-Identifier: Apache-2.0
include_guard()

# The sources of one folder, found again at each build, in OUT. A folder without any gets an
# empty source, so that its target exists.
function(cppipc_sources OUT FOLDER)
  file(GLOB found CONFIGURE_DEPENDS "${FOLDER}/*.cpp")
  if(NOT found)
    set(found "${CMAKE_BINARY_DIR}/empty.cpp")
    file(CONFIGURE OUTPUT "${found}" CONTENT "// An empty source for an empty folder.\n")
  endif()
  set(${OUT} "${found}" PARENT_SCOPE)
endfunction()

# Precompiles headers for TARGET, unless that is switched off.
function(cppipc_precompile TARGET)
  if(CPPIPC_PCH)
    target_precompile_headers(${TARGET} PRIVATE ${ARGN})
  endif()
endfunction()

# Lets TARGET use the precompiled headers of OTHER; both must have the same flags and definitions.
function(cppipc_reuse_precompiled TARGET OTHER)
  if(CPPIPC_PCH)
    target_precompile_headers(${TARGET} REUSE_FROM ${OTHER})
  endif()
endfunction()

set(CPPIPC_STANDARD_HEADERS
    <atomic> <chrono> <condition_variable> <cstdint> <functional> <map> <memory> <mutex> <optional>
    <span> <stdexcept> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
