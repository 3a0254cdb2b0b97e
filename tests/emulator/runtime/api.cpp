#include "runtime/api.h"

#include <new>

#include "runtime/caller.h"
#include "runtime/exit.h"
#include "runtime/fault_handler.h"
#include "settings.h"

namespace emulator::runtime {
namespace {

struct Thread {
  const char* function = "";
  const void* return_address = nullptr;
  cudaError_t last_error = cudaSuccess;
  bool is_in_host_function = false;
};

thread_local Thread this_thread;

/// What registration must not do, because it runs in static constructors.
void ready_process(State& state) {
  static bool is_ready = false;
  if (is_ready) return;
  is_ready = true;
  state.streams.set_seed(settings().seed);
  state.streams.set_lazy(settings().is_lazy);
  install_fault_handler();
  install_exit_handler();
}

}  // namespace

ApiCall::ApiCall(const char* function, const void* return_address) {
  if (this_thread.is_in_host_function) return;
  lock_ = std::unique_lock<std::mutex>(State::get().mutex);
  this_thread.function = function;
  this_thread.return_address = return_address;
  ready_process(State::get());
}

ApiCall::~ApiCall() = default;

cudaError_t ApiCall::refusal(AfterFailure after_failure) const {
  if (!lock_) return cudaErrorNotPermitted;
  return after_failure == AfterFailure::kReturns ? State::get().sticky.load() : cudaSuccess;
}

cudaError_t ApiCall::end(cudaError_t error, AfterFailure after_failure) {
  if (lock_ && after_failure == AfterFailure::kCleans && State::get().sticky != cudaSuccess) {
    error = State::get().sticky;
  }
  if (error != cudaSuccess) this_thread.last_error = error;
  return error;
}

cudaError_t ApiCall::error_of_exception() {
  try {
    throw;
  } catch (const LaunchFailure&) {
    State& state = State::get();
    state.streams.abandon();
    state.sticky = cudaErrorLaunchFailure;
    return state.sticky;
  } catch (const std::bad_alloc&) {
    return cudaErrorMemoryAllocation;
  } catch (const std::exception& error) {
    return refuse(cudaErrorUnknown, error.what());
  }
}

const char* current_function() { return this_thread.function; }

cudaError_t refuse(cudaError_t error, const std::string& text, Kind kind) {
  Reports::get().add(kind, std::string(this_thread.function) + ": " + text + " (called at " +
                               caller_text(this_thread.return_address) + ")");
  return error;
}

cudaError_t last_error() { return this_thread.last_error; }

cudaError_t take_last_error() {
  const cudaError_t error = this_thread.last_error;
  // A failed launch stays: nothing but a reset of the device ends it.
  if (State::get().sticky == cudaSuccess) this_thread.last_error = cudaSuccess;
  return error;
}

void set_last_error(cudaError_t error) { this_thread.last_error = error; }

HostFunctionScope::HostFunctionScope() { this_thread.is_in_host_function = true; }
HostFunctionScope::~HostFunctionScope() { this_thread.is_in_host_function = false; }
bool is_in_host_function() { return this_thread.is_in_host_function; }

}  // namespace emulator::runtime
