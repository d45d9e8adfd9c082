# SPDX-License-Identifier: BSL-1.0
include_guard()

# The program of one suite, bench_<name>: always optimised, whatever the configuration says.
function(tandem_add_benchmark name)
  find_package(nlohmann_json QUIET)
  if(NOT nlohmann_json_FOUND)
    message(FATAL_ERROR "tandem: the benchmarks write JSON and need nlohmann_json (Debian: "
      "nlohmann-json3-dev); or set TANDEM_BUILD_BENCHMARKS to OFF")
  endif()
  add_executable(bench_${name} ${ARGN} "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/allocations.cpp")
  target_include_directories(bench_${name} PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..")
  target_compile_options(bench_${name} PRIVATE -O2)
  target_compile_definitions(bench_${name} PRIVATE NDEBUG BENCH_FLAGS="-O2 -DNDEBUG")
  target_link_libraries(bench_${name} PRIVATE tandem::tandem nlohmann_json::nlohmann_json tandem_warnings)
endfunction()
