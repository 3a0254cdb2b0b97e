#include "runtime/modules.h"

#include <algorithm>
#include <exception>

#include "report.h"
#include "runtime/caller.h"
#include "runtime/device_facts.h"
#include "runtime/unsupported.h"
#include "settings.h"

namespace emulator::runtime {
namespace {

// What a device without any code of the process would be: the oldest with cp.async and bf16 matrix products.
constexpr int kDefaultArchitecture = 80;

template <class Map>
void erase_of(Map& map, const Module* module) {
  for (auto entry = map.begin(); entry != map.end();) {
    entry = entry->second.module == module ? map.erase(entry) : std::next(entry);
  }
}

}  // namespace

Module* Modules::add(const void* fat_binary) {
  modules_.emplace_back();
  modules_.back().fat_binary = fat_binary;
  architecture_ = 0;
  return &modules_.back();
}

void Modules::remove(Module* module) {
  erase_of(kernels_, module);
  erase_of(symbols_, module);
  modules_.remove_if([&](const Module& other) { return &other == module; });
}

Module* Modules::find(const void* handle) {
  const auto found =
      std::find_if(modules_.begin(), modules_.end(), [&](const Module& module) { return &module == handle; });
  return found == modules_.end() ? nullptr : &*found;
}

void Modules::add_kernel(Module* module, const void* host_function, const char* name) {
  Kernel kernel;
  kernel.module = module;
  kernel.name = name;
  kernels_.emplace(host_function, std::move(kernel));
}

void Modules::add_symbol(Module* module, const void* host_variable, const char* name, std::size_t bytes) {
  symbols_.emplace(host_variable, Symbol{module, name, bytes});
}

void Modules::read(Module& module) {
  if (module.is_read) return;
  module.is_read = true;
  try {
    module.ptx = fatbin::read_ptx(module.fat_binary);
  } catch (const fatbin::FormatError& error) {
    module.unreadable = error.what();
  }
}

cudaError_t Modules::load(Module& module) {
  if (module.program || module.failure != cudaSuccess) return module.failure;
  if (!module.managed.empty()) stop_unsupported("the __managed__ variable " + readable_name(module.managed.front()));
  read(module);
  try {
    if (!module.unreadable.empty()) throw fatbin::FormatError(module.unreadable);
    const fatbin::Ptx& chosen = fatbin::choose(module.ptx, settings().architecture);
    module.program = load_program(chosen.text);
    module.architecture = chosen.architecture;
  } catch (const fatbin::FormatError& error) {
    module.failure = cudaErrorNoKernelImageForDevice;
    Reports::get().add(Kind::kUnsupported, std::string("device code cannot be run: ") + error.what());
  } catch (const std::exception& error) {
    module.failure = cudaErrorInvalidPtx;
    Reports::get().add(Kind::kUnsupported, std::string("PTX cannot be loaded: ") + error.what());
  }
  return module.failure;
}

cudaError_t Modules::find_kernel(const void* host_function, Kernel** kernel) {
  const auto found = kernels_.find(host_function);
  if (found == kernels_.end()) return cudaErrorInvalidDeviceFunction;
  Kernel& entry = found->second;
  if (!entry.function) {
    if (const cudaError_t error = load(*entry.module); error != cudaSuccess) return error;
    entry.function = emulator::find_kernel(*entry.module->program, entry.name);
    if (!entry.function) return cudaErrorInvalidDeviceFunction;
    entry.facts = kernel_facts(*entry.function);
    const int left = static_cast<int>(DeviceFacts::kSharedPerBlock) - static_cast<int>(entry.facts.static_shared_bytes);
    entry.max_dynamic_shared = std::max(left, 0);
  }
  *kernel = &entry;
  return cudaSuccess;
}

cudaError_t Modules::find_symbol(const void* host_variable, DeviceVariable* variable) {
  const auto found = symbols_.find(host_variable);
  if (found == symbols_.end()) return cudaErrorInvalidSymbol;
  const Symbol& symbol = found->second;
  if (const cudaError_t error = load(*symbol.module); error != cudaSuccess) return error;
  *variable = find_variable(*symbol.module->program, symbol.name);
  return variable->address == 0 ? cudaErrorInvalidSymbol : cudaSuccess;
}

int Modules::architecture() {
  if (settings().architecture != 0) return settings().architecture;
  if (architecture_ != 0) return architecture_;
  architecture_ = kDefaultArchitecture;
  int newest = 0;
  for (Module& module : modules_) {
    read(module);
    for (const fatbin::Ptx& entry : module.ptx) newest = std::max(newest, entry.architecture);
  }
  if (newest != 0) architecture_ = newest;
  return architecture_;
}

void Modules::unload() {
  for (Module& module : modules_) {
    module.program.reset();
    module.failure = cudaSuccess;
  }
  for (auto& entry : kernels_) entry.second.function = nullptr;
}

}  // namespace emulator::runtime
