# arloss_cuda_test(NAME name SOURCES source... [LIBRARIES target...] [SEEDS seed...] [ARCHITECTURES number...] [ANY_BITS]
#                  [TIMEOUT seconds] [THREADS n])
#
# A GoogleTest program that launches CUDA kernels, as several tests:
#   gpu.NAME               on the device; skipped, saying why, where there is none
#   emulated.NAME.seedK    the same binary on the emulator (docs/emulator.md), one test for each schedule seed K. Fails
#                          where the emulator reports anything, and where no kernel was launched
#   emulated.NAME.archA    the same with the schedule of the last seed on a device of each architecture A: devices differ in
#                          the shared memory that they have, and so in the kernels that run
#   emulated.NAME.bits     the bytes copied back from the device were the same for every seed; not with ANY_BITS, for programs
#                          whose kernels return what depends on the schedule
# The emulator is a shared library of the CUDA runtime's name, found first through LD_LIBRARY_PATH. Emulated tests carry
# the label `emulated`, the others `gpu`.
function(arloss_cuda_test)
  cmake_parse_arguments(PARSE_ARGV 0 test "ANY_BITS" "NAME;TIMEOUT;THREADS" "SOURCES;LIBRARIES;SEEDS;ARCHITECTURES")
  if(NOT DEFINED test_SEEDS)
    set(test_SEEDS 0 1 2 3 4 5 6 7)
    if(ARLOSS_SANITIZE)  # they look at the emulator, which two schedules take everywhere, in five times the time
      set(test_SEEDS 0 3)
    endif()
  elseif(ARLOSS_SANITIZE)
    list(GET test_SEEDS 0 test_SEEDS)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 300)
  endif()
  if(NOT test_THREADS)
    set(test_THREADS 1)
  endif()
  add_executable(${test_NAME} ${test_SOURCES})
  # PTX alone: the emulator runs it, and a device's driver compiles it. ptxas would take as long as all the rest.
  set_target_properties(${test_NAME} PROPERTIES CUDA_ARCHITECTURES 80-virtual)
  target_link_libraries(${test_NAME} PRIVATE ${test_LIBRARIES} arloss_cuda_test_main CUDA::cudart)
  # LD_LIBRARY_PATH comes before the new kind of run path, and after the old one.
  target_link_options(${test_NAME} PRIVATE "LINKER:--enable-new-dtags")
  arloss_enable_warnings(${test_NAME})
  arloss_enable_cuda_warnings(${test_NAME})

  add_test(NAME gpu.${test_NAME} COMMAND ${test_NAME})
  set_tests_properties(gpu.${test_NAME} PROPERTIES SKIP_RETURN_CODE 77 LABELS gpu TIMEOUT ${test_TIMEOUT})

  set(environment "ARLOSS_EMULATOR_REQUIRE_LAUNCH=1;ARLOSS_EMULATOR_THREADS=${test_THREADS}")
  set(twins "")
  set(digests "")
  foreach(seed IN LISTS test_SEEDS)
    set(twin emulated.${test_NAME}.seed${seed})
    set(digest ${CMAKE_CURRENT_BINARY_DIR}/${test_NAME}.seed${seed}.digest)
    add_test(NAME ${twin} COMMAND ${test_NAME})
    set_tests_properties(${twin} PROPERTIES
      FIXTURES_SETUP ${test_NAME}_digests
      ENVIRONMENT "ARLOSS_EMULATOR_SEED=${seed};ARLOSS_EMULATOR_DIGEST=${digest};${environment}")
    list(APPEND twins ${twin})
    list(APPEND digests ${digest})
  endforeach()
  foreach(architecture IN LISTS test_ARCHITECTURES)
    set(twin emulated.${test_NAME}.arch${architecture})
    add_test(NAME ${twin} COMMAND ${test_NAME})
    set_tests_properties(${twin} PROPERTIES
      ENVIRONMENT "ARLOSS_EMULATOR_SEED=${seed};ARLOSS_EMULATOR_ARCH=${architecture};${environment}")
    list(APPEND twins ${twin})
  endforeach()
  set_tests_properties(${twins} PROPERTIES
    LABELS emulated
    TIMEOUT ${test_TIMEOUT}
    COST 100  # the longest tests first
    ENVIRONMENT_MODIFICATION "LD_LIBRARY_PATH=path_list_prepend:$<TARGET_FILE_DIR:arloss_emulator_cudart>")
  add_dependencies(${test_NAME} arloss_emulator_cudart)

  list(LENGTH test_SEEDS num_seeds)
  if(num_seeds GREATER 1 AND NOT test_ANY_BITS)
    add_test(NAME emulated.${test_NAME}.bits
      COMMAND ${CMAKE_COMMAND} "-DFILES=${digests}" -P ${PROJECT_SOURCE_DIR}/cmake/CompareFiles.cmake)
    set_tests_properties(emulated.${test_NAME}.bits PROPERTIES LABELS emulated FIXTURES_REQUIRED ${test_NAME}_digests)
  endif()
endfunction()
