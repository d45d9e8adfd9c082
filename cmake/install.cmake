# SPDX-License-Identifier: BSL-1.0
# Nothing installed depends on the architecture: headers, CMake files, one pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tandem_cmake_dir "${CMAKE_INSTALL_DATADIR}/cmake/tandem")

# One export per component: find_package(tandem COMPONENTS core) defines no target that names Boost.
foreach(component target IN ZIP_LISTS tandem_components tandem_targets)
  install(TARGETS ${target} EXPORT tandem-${component} FILE_SET HEADERS)
  install(EXPORT tandem-${component} NAMESPACE tandem:: DESTINATION "${tandem_cmake_dir}"
          FILE tandemTargets-${component}.cmake)
endforeach()

configure_package_config_file(cmake/tandemConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/tandemConfig.cmake"
  INSTALL_DESTINATION "${tandem_cmake_dir}" NO_SET_AND_CHECK_MACRO)
# While the major version is 0, a new minor version may break.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/tandemConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/tandemConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/tandemConfigVersion.cmake"
  cmake/dependencies.cmake cmake/trampoline.cmake cmake/http_compiled.cmake
  DESTINATION "${tandem_cmake_dir}")

if(NOT TANDEM_CORE_ONLY)
  configure_file(cmake/tandem.pc.in "${CMAKE_CURRENT_BINARY_DIR}/tandem.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/tandem.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
endif()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/tandem")
