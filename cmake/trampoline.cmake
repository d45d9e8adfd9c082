# SPDX-License-Identifier: BSL-1.0
# Used by the build and, installed, by tandemConfig.cmake in the consumer's configuration.
#
# GCC makes symmetric transfer a tail call only from -O2 on. Below it a loop of awaits overflows the
# stack, and no macro tells -O1 from -O2: so the flags are read here, and a configuration without
# -O2, -O3, -Os or -Ofast gets TANDEM_TRAMPOLINE=1 (see base/config.hpp, which decides when the
# macro is not defined). Options added per target are not seen; too low a guess costs two
# nanoseconds per await. The variable TANDEM_TRAMPOLINE (0 or 1) overrides the guess.

# Sets <out> to whether the flags of one configuration end in a level that does tail calls.
function(tandem_flags_transfer out configuration)
  string(TOUPPER "${configuration}" upper)
  string(REGEX MATCHALL "(^| )-O[a-z0-9]*" levels " ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${upper}}")
  set(${out} FALSE PARENT_SCOPE)
  if(levels)
    list(GET levels -1 last)
    if(last MATCHES "-O(2|3|s|fast)$")
      set(${out} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(tandem_select_transfer target)
  if(DEFINED TANDEM_TRAMPOLINE)
    target_compile_definitions(${target} INTERFACE
      "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:TANDEM_TRAMPOLINE=${TANDEM_TRAMPOLINE}>>")
    return()
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  get_property(multi GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT multi)
    tandem_flags_transfer(transfer "${CMAKE_BUILD_TYPE}")
    if(NOT transfer)
      target_compile_definitions(${target} INTERFACE
        "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:TANDEM_TRAMPOLINE=1>>")
    endif()
    return()
  endif()
  foreach(configuration IN LISTS CMAKE_CONFIGURATION_TYPES)
    tandem_flags_transfer(transfer "${configuration}")
    if(NOT transfer)
      target_compile_definitions(${target} INTERFACE
        "$<BUILD_INTERFACE:$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:${configuration}>>:TANDEM_TRAMPOLINE=1>>")
    endif()
  endforeach()
endfunction()
