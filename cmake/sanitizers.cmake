# SPDX-License-Identifier: BSL-1.0
# TANDEM_SANITIZE applies to everything compiled in this project's folders, and to nothing else.
if(NOT TANDEM_SANITIZE STREQUAL "")
  string(REPLACE "," ";" tandem_sanitizers "${TANDEM_SANITIZE}")
  foreach(sanitizer IN LISTS tandem_sanitizers)
    if(NOT sanitizer MATCHES "^(address|undefined|thread)$")
      message(FATAL_ERROR "tandem: TANDEM_SANITIZE is \"${TANDEM_SANITIZE}\" and \"${sanitizer}\" is not known; "
        "use address, undefined, thread, or a comma-separated combination such as address,undefined")
    endif()
  endforeach()
  if("address" IN_LIST tandem_sanitizers AND "thread" IN_LIST tandem_sanitizers)
    message(FATAL_ERROR "tandem: TANDEM_SANITIZE is \"${TANDEM_SANITIZE}\"; "
      "address and thread exclude each other, use two build folders")
  endif()
  add_compile_options(-fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TANDEM_SANITIZE})
endif()
