# Installs the headers and the library, and describes them to CMake (find_package(arloss), target arloss::arloss) and to
# pkg-config (arloss). The installed tree may be moved: nothing in it names its own place.
include(CMakePackageConfigHelpers)

install(TARGETS arloss EXPORT arlossTargets)
install(DIRECTORY include/arloss TYPE INCLUDE FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/arloss)
install(EXPORT arlossTargets NAMESPACE arloss:: FILE arlossTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/arlossConfig.cmake.in arlossConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a new minor version may break callers.
write_basic_package_version_file(arlossConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/arlossConfig.cmake ${PROJECT_BINARY_DIR}/arlossConfigVersion.cmake
        DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir}
           OUTPUT_VARIABLE pkgconfig_to_prefix)
configure_file(cmake/arloss.pc.in arloss.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/arloss.pc DESTINATION ${pkgconfig_dir})
