# The target package: the installed tree as a .tar.gz and, where the prefix is /usr and so the library's folder Debian's own,
# as a .deb too (preset package).
set(CPACK_GENERATOR TGZ)
find_program(ARLOSS_DPKG_SHLIBDEPS dpkg-shlibdeps)
if(ARLOSS_DPKG_SHLIBDEPS AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  list(APPEND CPACK_GENERATOR DEB)
endif()
set(CPACK_PACKAGE_VENDOR "the arloss authors")
set(CPACK_PACKAGE_CONTACT "the arloss authors <arloss@arloss.invalid>" CACHE STRING "Maintainer of the packages")
set(CPACK_PACKAGE_DESCRIPTION "Logits and an integer label map in, loss and gradient out, on the CPU or on a CUDA device. Every pair of pixels
counts, and the squared loss takes time linear in their number. This package has the shared and the static library, the
headers for C and C++, the CMake package and the pkg-config file.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libhwy-dev)  # who links the static library links Highway
include(CPack)
