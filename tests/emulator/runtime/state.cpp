#include "runtime/state.h"

namespace emulator::runtime {
namespace {

/// The stream cudaStreamPerThread stands for in this thread. It is left behind when the thread ends: its work goes on.
StreamObject* stream_of_thread(State& state) {
  thread_local cudaStream_t handle = nullptr;
  StreamObject* stream = handle ? state.stream_handles.find(handle) : nullptr;
  if (stream) return stream;
  auto made = std::make_unique<StreamObject>();
  made->index = state.streams.open(true);
  made->id = ++state.num_streams;
  stream = made.get();
  handle = state.stream_handles.add(std::move(made));
  return stream;
}

}  // namespace

State& State::get() {
  static auto* const state = new State;
  return *state;
}

StreamObject* find_stream(cudaStream_t handle) {
  State& state = State::get();
  if (!handle || handle == cudaStreamLegacy) return &state.legacy;
  if (handle == cudaStreamPerThread) return stream_of_thread(state);
  return state.stream_handles.find(handle);
}

}  // namespace emulator::runtime
