#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_SUBMIT_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_SUBMIT_H

#include <cuda_runtime_api.h>

#include "runtime/state.h"

namespace emulator::runtime {

/// The stream of a call that issues work, or the error of the call: an unknown stream (reported), the default stream
/// while a blocking one captures, a capture that has become invalid.
cudaError_t find_issuing_stream(State& state, cudaStream_t handle, StreamObject** stream);

/// Puts an operation behind what the stream has: to be executed, or into the graph the stream captures. `may_overlap`:
/// a kernel that may start while the kernel before it runs.
void issue(State& state, StreamObject& stream, Graph::NodeKind kind, Operation operation, bool may_overlap = false);

/// An error for calls that are no stream work, allocations for one: a capture would not see them. The captures they
/// disturb become invalid. cudaSuccess where none goes on, or where the thread said it knows better.
cudaError_t refuse_in_capture(State& state);

/// The thread's cudaThreadExchangeStreamCaptureMode.
cudaStreamCaptureMode& capture_mode_of_thread();

}  // namespace emulator::runtime

#endif
