# SPDX-License-Identifier: BSL-1.0
# Used by the build and, installed, by tandemConfig.cmake.

# Makes tandem::http_compiled: the HTTP client compiled once, into a static library, and declared only in the files
# of those who link it. Compiled by who uses it, with his own flags, so that the package stays independent of both.
function(tandem_add_http_compiled tandem)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/tandem_http_compiled.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include <tandem/http/src.hpp>\n")
  add_library(tandem_http_compiled STATIC EXCLUDE_FROM_ALL "${source}")
  target_link_libraries(tandem_http_compiled PUBLIC ${tandem})
  target_compile_definitions(tandem_http_compiled PUBLIC TANDEM_SEPARATE_COMPILATION)
  set_target_properties(tandem_http_compiled PROPERTIES CXX_SCAN_FOR_MODULES OFF)
  add_library(tandem::http_compiled ALIAS tandem_http_compiled)
endfunction()
