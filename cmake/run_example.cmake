# SPDX-License-Identifier: BSL-1.0
# A script: runs PROGRAM and fails unless it ends with 0 and its last line matches EXPECTED.
# (ctest's own PASS_REGULAR_EXPRESSION would no longer look at the exit status.)
execute_process(COMMAND "${PROGRAM}" RESULT_VARIABLE status OUTPUT_VARIABLE output ECHO_OUTPUT_VARIABLE)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
if(NOT EXPECTED STREQUAL "")
  string(STRIP "${output}" output)
  string(REGEX REPLACE "^.*\n" "" last "${output}")
  if(NOT last MATCHES "${EXPECTED}")
    message(FATAL_ERROR "the last line is \"${last}\", expected: ${EXPECTED}")
  endif()
endif()
