# Decides whether the CUDA kernels are built, says so in one line, and prepares the language for them. Sets ARLOSS_HAS_CUDA.
set(ARLOSS_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO (where a CUDA toolkit is found), ON or OFF")
set_property(CACHE ARLOSS_CUDA PROPERTY STRINGS AUTO ON OFF)
set(ARLOSS_CUDA_ARCHITECTURES "" CACHE STRING
    "CUDA architectures to build for where CMAKE_CUDA_ARCHITECTURES is not set, in its words; empty: every generation nvcc knows; 80-virtual is enough for the emulator")

# Why this build has no CUDA kernels; empty where it can have them.
function(arloss_find_cuda_obstacle result)
  set(${result} "" PARENT_SCOPE)
  if(ARLOSS_CUDA STREQUAL "OFF")
    set(${result} "CUDA kernels are switched off" PARENT_SCOPE)
    return()
  endif()
  if(ARLOSS_SANITIZE STREQUAL "thread")
    set(${result} "CUDA kernels are not built under ThreadSanitizer" PARENT_SCOPE)
    return()
  endif()
  find_package(CUDAToolkit 12.4 QUIET)
  if(NOT CUDAToolkit_FOUND)
    set(${result} "CUDA toolkit (12.4 or newer) not found" PARENT_SCOPE)
    return()
  endif()
  if(CUDAToolkit_NVCC_EXECUTABLE AND NOT DEFINED ENV{CUDACXX})
    set(ENV{CUDACXX} ${CUDAToolkit_NVCC_EXECUTABLE})  # an nvcc outside PATH, for this run of CMake
  endif()
  if(NOT CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX})
    set(ENV{CUDAHOSTCXX} ${CMAKE_CXX_COMPILER})
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    unset(CMAKE_CUDA_COMPILER CACHE)
    set(${result} "CUDA toolkit ${CUDAToolkit_VERSION} found, but its nvcc does not work with this host compiler" PARENT_SCOPE)
  endif()
endfunction()

# Machine code of each generation that this nvcc knows, PTX of the oldest for the devices between, of the newest for those to come.
function(arloss_list_cuda_architectures result)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-code OUTPUT_VARIABLE known COMMAND_ERROR_IS_FATAL ANY)
  set(architectures "")
  foreach(generation 80 86 89 90 100 120)
    if(known MATCHES "sm_${generation}[^0-9]")
      list(APPEND architectures ${generation}-real)
      set(newest ${generation})
    endif()
  endforeach()
  set(${result} ${architectures} 80-virtual ${newest}-virtual PARENT_SCOPE)
endfunction()

# The flag by which this nvcc leaves device code uncompressed; empty where it has none.
function(arloss_find_uncompressed_flag result)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
  foreach(flag "--no-compress" "--compress-mode=none")
    string(REGEX REPLACE "=.*" "" name ${flag})
    if(help MATCHES "\n${name} ")
      set(${result} ${flag} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

# arloss_enable_cuda_warnings(target): arloss_enable_warnings for the host side of a target's CUDA sources.
function(arloss_enable_cuda_warnings target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow,-Wconversion,-Wno-sign-conversion>")
endfunction()

# arloss_check_spills(target): keeps what ptxas says of an object library's kernels, and makes arloss_spill_check fail where
# one spills registers and kernels/allowed_spills.txt does not say why. It writes registers.md, the table of registers, and is
# part of this project's build wherever machine code is.
function(arloss_check_spills target)
  if(NOT CMAKE_CUDA_ARCHITECTURES MATCHES "real|[0-9](;|$)|all|native")
    return()
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-Xptxas=-v>")
  set_property(TARGET ${target} PROPERTY
    CUDA_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/keep_ptxas_report.sh ${CMAKE_CUDA_COMPILER_LAUNCHER})
  set(script ${PROJECT_SOURCE_DIR}/cmake/CheckSpills.cmake)
  set(allowed ${PROJECT_SOURCE_DIR}/kernels/allowed_spills.txt)
  set(table ${PROJECT_BINARY_DIR}/registers.md)
  add_custom_command(OUTPUT ${table}
    COMMAND ${CMAKE_COMMAND} "-DOBJECTS=$<TARGET_OBJECTS:${target}>" -DALLOWED=${allowed} -DTABLE=${table} -P ${script}
    DEPENDS ${target} $<TARGET_OBJECTS:${target}> ${script} ${allowed}
    COMMENT "Looking for register spills"
    VERBATIM)
  if(PROJECT_IS_TOP_LEVEL)
    set(all ALL)
  endif()
  add_custom_target(arloss_spill_check ${all} DEPENDS ${table})
endfunction()

arloss_find_cuda_obstacle(cuda_obstacle)
if(cuda_obstacle AND ARLOSS_CUDA STREQUAL "ON")
  message(FATAL_ERROR "ARLOSS_CUDA is ON, but: ${cuda_obstacle}")
elseif(cuda_obstacle)
  set(ARLOSS_HAS_CUDA OFF)
  message(STATUS "${cuda_obstacle}: building the CPU backend only")
  return()
endif()

set(ARLOSS_HAS_CUDA ON)
find_package(CUDAToolkit 12.4 REQUIRED)
if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  if(ARLOSS_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${ARLOSS_CUDA_ARCHITECTURES})
  elseif(ARLOSS_SANITIZE)
    set(CMAKE_CUDA_ARCHITECTURES 80-virtual)  # what the emulator runs; machine code would take minutes to build
  else()
    arloss_list_cuda_architectures(CMAKE_CUDA_ARCHITECTURES)
  endif()
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
# Source lines for profilers and for the emulator's reports, which cost no speed; nothing to unpack when a process starts, but
# in a bundle, which would be three times as large.
set(uncompressed "")
if(NOT ARLOSS_GPU_BUNDLE)
  arloss_find_uncompressed_flag(uncompressed)
endif()
string(APPEND CMAKE_CUDA_FLAGS " -lineinfo ${uncompressed}")
list(JOIN CMAKE_CUDA_ARCHITECTURES ", " architectures)
message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION} found: building the CUDA kernels for ${architectures}")
