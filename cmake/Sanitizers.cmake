# ARLOSS_SANITIZE applies to every target, tests and examples included: a sanitizer sees only code built with it.
if(ARLOSS_SANITIZE STREQUAL "address")
  # Not for CUDA sources: nvcc does not know the options.
  add_compile_options(
    "$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=address,undefined;-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
  add_link_options(-fsanitize=address,undefined)
elseif(ARLOSS_SANITIZE STREQUAL "thread")
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "ARLOSS_SANITIZE=thread needs clang: its OpenMP runtime tells ThreadSanitizer of its barriers "
                        "(through libarcher), gcc's does not and gives false reports")
  endif()
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  # libarcher lies beside LLVM's OpenMP runtime, PREFIX/lib, two levels above clang's resources PREFIX/lib/clang/N. Linked
  # in, the runtime finds it without any environment variable; TSAN_OPTIONS=ignore_noninstrumented_modules=1 is still needed.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-resource-dir OUTPUT_VARIABLE clang_resources
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  find_library(ARLOSS_ARCHER_LIBRARY archer HINTS ${clang_resources}/../.. REQUIRED)
  cmake_path(GET ARLOSS_ARCHER_LIBRARY PARENT_PATH archer_dir)
  add_link_options("LINKER:--push-state,--no-as-needed,${ARLOSS_ARCHER_LIBRARY},--pop-state,-rpath,${archer_dir}")
elseif(ARLOSS_SANITIZE)
  message(FATAL_ERROR "ARLOSS_SANITIZE is '${ARLOSS_SANITIZE}'; it may be empty, address or thread")
endif()
