#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_MODULES_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_MODULES_H

#include <cuda_runtime_api.h>

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fatbin/fat_binary.h"
#include "machine/machine.h"

namespace emulator::runtime {

/// One fat binary: the device code of one translation unit. It is read and loaded at the first use of something in it.
struct Module {
  const void* fat_binary = nullptr;  // contents of .nv_fatbin
  std::vector<std::string> managed;  // names of its __managed__ variables, which are not supported

  bool is_read = false;
  std::vector<fatbin::Ptx> ptx;
  std::string unreadable;  // why, where the fat binary could not be read

  std::shared_ptr<Program> program;
  int architecture = 0;  // of the PTX that was loaded
  cudaError_t failure = cudaSuccess;
};

/// A __global__ function of the program.
struct Kernel {
  Module* module = nullptr;
  std::string name;  // mangled
  const Function* function = nullptr;
  KernelFacts facts{};
  int max_dynamic_shared = 0;  // bytes; what cudaFuncSetAttribute allowed
  int carveout = -1;           // cudaFuncAttributePreferredSharedMemoryCarveout: kept, without effect
};

/// A __device__ or __constant__ variable of the program.
struct Symbol {
  Module* module = nullptr;
  std::string name;
  std::size_t bytes = 0;
};

/// Everything the objects of the process registered in their static constructors. The same template in two
/// translation units is one host function and two device functions: the first stands for both.
class Modules {
 public:
  Module* add(const void* fat_binary);
  void remove(Module* module);
  Module* find(const void* handle);
  void add_kernel(Module* module, const void* host_function, const char* name);
  void add_symbol(Module* module, const void* host_variable, const char* name, std::size_t bytes);

  /// Loads what is needed. Fails with cudaErrorInvalidDeviceFunction, or with what loading failed with (reported).
  cudaError_t find_kernel(const void* host_function, Kernel** kernel);
  /// Fails with cudaErrorInvalidSymbol, or with what loading failed with (reported).
  cudaError_t find_symbol(const void* host_variable, DeviceVariable* variable);

  /// Compute capability times 10 of the device: what the settings say, else of the newest PTX there is.
  int architecture();

  /// Drops loaded programs: they are loaded anew, with their variables at their initial values, at the next use.
  void unload();

 private:
  void read(Module& module);
  cudaError_t load(Module& module);

  std::list<Module> modules_;  // pointers are handles
  std::unordered_map<const void*, Kernel> kernels_;
  std::unordered_map<const void*, Symbol> symbols_;
  int architecture_ = 0;  // 0: not known yet
};

}  // namespace emulator::runtime

#endif
