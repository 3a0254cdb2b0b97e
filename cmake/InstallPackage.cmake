# Installs the headers and both libraries, and describes them to CMake (find_package(arloss), targets arloss::arloss and
# arloss::arloss_static) and to pkg-config (arloss). The installed tree may be moved: nothing in it names its own place.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS arloss EXPORT arlossTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS arloss_static EXPORT arlossStaticTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/arloss TYPE INCLUDE FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES LICENSE TYPE DOC RENAME copyright)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/arloss)
foreach(targets arlossTargets arlossStaticTargets)
  install(EXPORT ${targets} NAMESPACE arloss:: DESTINATION ${package_dir})
endforeach()
configure_package_config_file(cmake/arlossConfig.cmake.in arlossConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a new minor version may break callers.
write_basic_package_version_file(arlossConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/arlossConfig.cmake ${PROJECT_BINARY_DIR}/arlossConfigVersion.cmake
        DESTINATION ${package_dir})

# The component torch: the operator and its module, two files to be copied where Python looks. Without ARLOSS_BUILD_TORCH
# they were built for the tests, and are installed only by name.
if(TARGET arloss_torch)
  set(torch_dir ${CMAKE_INSTALL_LIBDIR}/arloss)
  if(NOT ARLOSS_BUILD_TORCH)
    set(only_by_name EXCLUDE_FROM_ALL)
  endif()
  install(TARGETS arloss_torch LIBRARY DESTINATION ${torch_dir} COMPONENT torch ${only_by_name})
  install(FILES src/torch/arloss_torch.py DESTINATION ${torch_dir} COMPONENT torch ${only_by_name})
endif()

get_target_property(private_libraries arloss_static LINK_LIBRARIES)
list(TRANSFORM private_libraries REPLACE ".*::" "")
list(TRANSFORM private_libraries REPLACE "^([^/].*)" "-l\\1")  # the others are paths
list(JOIN private_libraries " " private_libraries)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir}
           OUTPUT_VARIABLE pkgconfig_to_prefix)
configure_file(cmake/arloss.pc.in arloss.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/arloss.pc DESTINATION ${pkgconfig_dir})
