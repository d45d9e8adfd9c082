# SPDX-License-Identifier: BSL-1.0
# Used by the build and, installed, by tandemConfig.cmake: one place for versions and package names.

# Looks for what tandem::tandem links; <out> gets one sentence for each thing that is missing.
function(tandem_find_dependencies out)
  set(missing)

  # The config file first: newer CMake has no FindBoost. Some header-only installs have no config.
  find_package(Boost 1.81 QUIET CONFIG)
  if(NOT Boost_FOUND)
    find_package(Boost 1.81 QUIET MODULE)
  endif()
  if(NOT Boost_FOUND OR NOT TARGET Boost::headers)
    list(APPEND missing
      "Boost 1.81 or newer (Debian 12: libboost1.81-dev, later: libboost-dev)")
  endif()

  find_package(TBB 2021.8 QUIET CONFIG)
  if(NOT TBB_FOUND OR NOT TARGET TBB::tbb)
    list(APPEND missing "oneTBB 2021.8 or newer (Debian: libtbb-dev)")
  endif()

  find_package(ZLIB QUIET)
  if(NOT ZLIB_FOUND OR NOT TARGET ZLIB::ZLIB)
    list(APPEND missing "zlib (Debian: zlib1g-dev)")
  endif()

  set(${out} "${missing}" PARENT_SCOPE)
endfunction()
