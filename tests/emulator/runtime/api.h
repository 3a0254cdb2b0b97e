#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_API_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_API_H

#include <cuda_runtime_api.h>

#include <mutex>
#include <string>

#include "report.h"
#include "runtime/state.h"

namespace emulator::runtime {

/// What a call does after a launch has failed.
enum class AfterFailure {
  kReturns,  // the launch's error, nothing else
  kCleans,   // its work all the same, so that memory and handles come back; then returns that error
  kWorks,    // its work: the call does not need the device
};

/// A call of an entry point: holds the lock, readies the process at the first call, keeps the last error.
class ApiCall {
 public:
  ApiCall(const char* function, const void* return_address);
  ~ApiCall();
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

  /// Why the body must not run: inside of a host function, or after a failed launch.
  cudaError_t refusal(AfterFailure after_failure) const;
  /// Keeps the error of the body, and returns what the entry point returns.
  cudaError_t end(cudaError_t error, AfterFailure after_failure);
  /// To be called in a handler of any exception: the error it stands for.
  cudaError_t error_of_exception();

 private:
  std::unique_lock<std::mutex> lock_;
};

/// The body of an entry point, called by nothing else (it takes the entry point's name and caller from the compiler).
/// One body runs at a time; exceptions become errors.
template <AfterFailure kAfterFailure = AfterFailure::kReturns, class Body>
cudaError_t api(Body&& body, const char* function = __builtin_FUNCTION(),
                const void* return_address = __builtin_return_address(0)) {
  ApiCall call(function, return_address);
  cudaError_t error = call.refusal(kAfterFailure);
  if (error == cudaSuccess) {
    try {
      error = body(State::get());
    } catch (...) {
      error = call.error_of_exception();
    }
  }
  return call.end(error, kAfterFailure);
}

/// Name of the entry point this thread is in: lives as long as the process.
const char* current_function();
/// Adds "cudaMemcpy: text (called at main.cpp:12)" and returns the error.
cudaError_t refuse(cudaError_t error, const std::string& text, Kind kind = Kind::kApi);

cudaError_t last_error();
/// Returns the calling thread's last error and forgets it.
cudaError_t take_last_error();
void set_last_error(cudaError_t error);

/// While it lives the thread runs a host function of the program, in which the API may not be called.
class HostFunctionScope {
 public:
  HostFunctionScope();
  ~HostFunctionScope();
  HostFunctionScope(const HostFunctionScope&) = delete;
  HostFunctionScope& operator=(const HostFunctionScope&) = delete;
};
bool is_in_host_function();

}  // namespace emulator::runtime

#endif
