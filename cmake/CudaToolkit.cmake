# Says in one line what the CUDA part of the build will be.
find_package(CUDAToolkit 12.4 QUIET)
if(CUDAToolkit_FOUND)
  message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION} found; this version has no CUDA kernels yet: building the CPU backend only")
else()
  message(STATUS "CUDA toolkit (12.4 or newer) not found: building the CPU backend only")
endif()
