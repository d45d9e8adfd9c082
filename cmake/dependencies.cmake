# SPDX-License-Identifier: BSL-1.0
# Used by the build and, installed, by tandemConfig.cmake: one place for versions and package names.

# Looks for what a component links besides other components; <out> gets one sentence for each thing that is missing.
function(tandem_find_dependencies component out)
  set(missing)

  if(component STREQUAL "tls")
    find_package(OpenSSL 3 QUIET)
    if(NOT OPENSSL_FOUND OR NOT TARGET OpenSSL::SSL)
      list(APPEND missing "OpenSSL 3 or newer (Debian: libssl-dev)")
    endif()
  elseif(component STREQUAL "json")
    find_package(nlohmann_json 3.10 QUIET CONFIG)
    if(NOT nlohmann_json_FOUND OR NOT TARGET nlohmann_json::nlohmann_json)
      list(APPEND missing "nlohmann json 3.10 or newer (Debian: nlohmann-json3-dev)")
    endif()
  elseif(NOT component STREQUAL "core")
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
  endif()

  set(${out} "${missing}" PARENT_SCOPE)
endfunction()
