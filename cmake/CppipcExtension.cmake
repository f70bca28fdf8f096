# SPDX-License-Identifier: Apache-2.0
include_guard()

# cppipc_add_extension(NAME SOURCE...): the target NAME builds the extension NAME.so.
function(cppipc_add_extension NAME)
  add_library(${NAME} MODULE ${ARGN})
  target_link_libraries(${NAME} PRIVATE cppipc::extension)
  set_target_properties(${NAME} PROPERTIES
    PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
