// What the host code nvcc generates calls by itself: static constructors announce fat binaries, kernels and variables,
// and kernel<<<...>>> passes its configuration through here. The toolkit's headers declare these functions to nvcc
// only.
#include <cuda_runtime_api.h>
#include <fatbinary_section.h>

#include <string>
#include <vector>

#include "runtime/api.h"
#include "runtime/kernel_launch.h"
#include "runtime/unsupported.h"

using namespace emulator::runtime;

namespace {

struct CallConfiguration {
  dim3 grid, block;
  std::size_t dynamic_shared_bytes;
  cudaStream_t stream;
};

thread_local std::vector<CallConfiguration> call_configurations;

Module* module_of(void** handle) { return State::get().modules.find(handle); }

}  // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  const auto* const fat_binary = static_cast<const __fatBinC_Wrapper_t*>(wrapper);
  if (fat_binary->magic != FATBINC_MAGIC) stop_unsupported("a fat binary of an unknown kind");
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return reinterpret_cast<void**>(state.modules.add(fat_binary->data));
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void** handle) {
  if (is_in_host_function()) return;
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (Module* const module = module_of(handle)) state.modules.remove(module);
}

void __cudaRegisterFunction(void** handle, const char* host_function, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (Module* const module = module_of(handle)) state.modules.add_kernel(module, host_function, name);
}

void __cudaRegisterVar(void** handle, char* host_variable, char*, const char* name, int, std::size_t bytes, int, int) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (Module* const module = module_of(handle)) state.modules.add_symbol(module, host_variable, name, bytes);
}

void __cudaRegisterManagedVar(void** handle, void**, char*, const char* name, int, std::size_t, int, int) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (Module* const module = module_of(handle)) module->managed.emplace_back(name);
}

/// Called before host code reads or writes a __managed__ variable.
char __cudaInitModule(void** handle) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  const Module* const module = module_of(handle);
  if (module && !module->managed.empty()) stop_unsupported("the __managed__ variable " + module->managed.front());
  return 1;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t dynamic_shared_bytes, CUstream_st* stream) {
  call_configurations.push_back({grid, block, dynamic_shared_bytes, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* dynamic_shared_bytes, void* stream) {
  if (call_configurations.empty()) return cudaErrorMissingConfiguration;
  const CallConfiguration top = call_configurations.back();
  call_configurations.pop_back();
  *grid = top.grid;
  *block = top.block;
  *dynamic_shared_bytes = top.dynamic_shared_bytes;
  *static_cast<cudaStream_t*>(stream) = top.stream;
  return cudaSuccess;
}

/// A kernel's handle is its host function.
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host_function) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void*>(host_function));
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t dynamic_shared_bytes, cudaStream_t stream) {
  return api(
      [&](State& state) {
        return launch_kernel(state, kernel, {grid, block, dynamic_shared_bytes, stream}, arguments);
      },
      "kernel<<<...>>>");
}

}  // extern "C"
