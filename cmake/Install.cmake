# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` installs: the headers, the library for clients (extensions need none), and
# the package by which find_package(cppipc) finds them.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH CPPIPC_SOURCE_DIR)

add_library(cppipc_extension_layer INTERFACE)
set_target_properties(cppipc_extension_layer PROPERTIES EXPORT_NAME extension)
target_include_directories(cppipc_extension_layer INTERFACE
  "$<BUILD_INTERFACE:${CPPIPC_SOURCE_DIR}/cppipc/include>"
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_compile_features(cppipc_extension_layer INTERFACE cxx_std_17)
install(TARGETS cppipc_extension_layer EXPORT cppipcTargets)

install(DIRECTORY "${CPPIPC_SOURCE_DIR}/cppipc/include/cppipc"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET cppipc_shared)  # not where the headers alone are installed
  set_target_properties(cppipc_shared PROPERTIES EXPORT_NAME cppipc)
  target_compile_features(cppipc_shared INTERFACE cxx_std_20)
  install(TARGETS cppipc_shared EXPORT cppipcTargets)
  install(TARGETS cppipc_tls LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
if(TARGET unity_server)
  install(TARGETS unity_server)
endif()

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/cppipc")
install(EXPORT cppipcTargets NAMESPACE cppipc:: DESTINATION "${package}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/cppipcConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/cppipcConfig.cmake" INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/cppipcConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_BINARY_DIR}/cppipcConfig.cmake"
  "${CMAKE_BINARY_DIR}/cppipcConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/CppipcExtension.cmake" DESTINATION "${package}")
