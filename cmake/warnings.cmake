# SPDX-License-Identifier: BSL-1.0
# Warnings of our own programs. Never part of what consumers link.
add_library(tandem_warnings INTERFACE)
target_compile_options(tandem_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(TANDEM_WERROR)
  target_compile_options(tandem_warnings INTERFACE -Werror)
endif()
