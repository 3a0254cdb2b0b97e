# The install component gpu_bundle: the GPU test programs, the timings, the library and every shared library they need beside
# them, in one folder that runs wherever there is a driver and a C library no older than this machine's.
#   cmake --install build/gpu --component gpu_bundle --prefix build/gpu/bundle --strip

# The programs behind the tests gpu.NAME of a directory and those below it.
function(arloss_list_gpu_programs directory result)
  get_property(tests DIRECTORY ${directory} PROPERTY TESTS)
  list(FILTER tests INCLUDE REGEX "^gpu\\.")
  list(TRANSFORM tests REPLACE "^gpu\\." "")
  get_property(subdirectories DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS subdirectories)
    arloss_list_gpu_programs(${subdirectory} more)
    list(APPEND tests ${more})
  endforeach()
  set(${result} ${tests} PARENT_SCOPE)
endfunction()

arloss_list_gpu_programs(${PROJECT_SOURCE_DIR} gpu_tests)
# A library of the project's own is not among the dependencies that CMake finds.
set(bundled arloss arloss_row_sums gpu_bench ${gpu_tests})
add_custom_target(arloss_gpu_bundle DEPENDS ${bundled} arloss_spill_check)
set_target_properties(${bundled} PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ${bundled} RUNTIME_DEPENDENCY_SET gpu_bundle_libraries
  RUNTIME DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL
  LIBRARY DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL NAMELINK_SKIP)
# Not the C library's parts: they belong to the target's loader.
install(RUNTIME_DEPENDENCY_SET gpu_bundle_libraries
  PRE_EXCLUDE_REGEXES "^(ld-linux.*|lib(c|m|dl|rt|pthread))\\.so"
  LIBRARY DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL)
install(PROGRAMS bench/gpu/gpu.sh RENAME gpu DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_BINARY_DIR}/registers.md DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL)
list(JOIN gpu_tests "\n" gpu_test_lines)
file(WRITE ${PROJECT_BINARY_DIR}/gpu_tests.txt "${gpu_test_lines}\n")
install(FILES ${PROJECT_BINARY_DIR}/gpu_tests.txt DESTINATION . COMPONENT gpu_bundle EXCLUDE_FROM_ALL)
