# Sets ARLOSS_EXAMPLES_CUDA: are there CUDA examples? As the library's build has decided; elsewhere where there is an nvcc.
if(DEFINED ARLOSS_HAS_CUDA)
  set(ARLOSS_EXAMPLES_CUDA ${ARLOSS_HAS_CUDA})
else()
  include(CheckLanguage)
  check_language(CUDA)
  set(ARLOSS_EXAMPLES_CUDA OFF)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(ARLOSS_EXAMPLES_CUDA ON)
  endif()
endif()

# PTX, for any device from compute capability 8.0 on; the runtime as a shared library, as arloss has it.
function(arloss_example_cuda target)
  set_target_properties(${target} PROPERTIES
    CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_ARCHITECTURES 80-virtual CUDA_RUNTIME_LIBRARY Shared)
endfunction()
