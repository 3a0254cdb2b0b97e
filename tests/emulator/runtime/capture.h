#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_CAPTURE_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_CAPTURE_H

#include <cuda_runtime_api.h>

#include "runtime/state.h"

namespace emulator::runtime {

cudaError_t begin_capture(State& state, cudaStream_t handle, cudaStreamCaptureMode mode);
/// The graph's handle goes to the caller; after an error there is none.
cudaError_t end_capture(State& state, cudaStream_t handle, cudaGraph_t* graph);

/// An event recorded in a stream, whether it captures or not.
void record_event(State& state, StreamObject& stream, EventObject& event);
/// A stream that waits for an event: within a capture, or as a join of the stream to the event's capture.
cudaError_t wait_event(State& state, StreamObject& stream, const EventObject& event);

/// cudaErrorStreamCaptureUnsupported where the stream captures, whose capture becomes invalid: there is no work to wait
/// for. For the default stream where a blocking stream captures.
cudaError_t refuse_waiting(State& state, StreamObject& stream);
/// The same for an event a capture recorded: cudaErrorCapturedEvent.
cudaError_t refuse_waiting(const EventObject& event);

/// A capture that loses a stream can never be ended.
void forget_stream(State& state, StreamObject& stream);

/// Handles of a graph's nodes, in their order; made where there are none.
const std::vector<cudaGraphNode_t>& node_handles(State& state, cudaGraph_t handle, GraphObject& graph);
void destroy_graph(State& state, cudaGraph_t handle);

}  // namespace emulator::runtime

#endif
