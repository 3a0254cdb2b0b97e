#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_STATE_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_STATE_H

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "memory/lanes.h"
#include "runtime/digest.h"
#include "runtime/graph.h"
#include "runtime/handles.h"
#include "runtime/host_memory.h"
#include "runtime/modules.h"
#include "runtime/streams.h"

namespace emulator::runtime {

struct GraphObject {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<cudaGraphNode_t> node_handles;  // of the first nodes; the others have none yet
  std::vector<cudaGraphNode_t> dependencies;  // what cudaStreamGetCaptureInfo points to
};

struct GraphNodeObject {
  cudaGraph_t graph;
  std::uint32_t index;
};

/// An instantiated graph.
struct GraphExec {
  GraphPlan plan;
  std::vector<Streams::Index> lanes;
  std::shared_ptr<const Marker> last_launch;
};

struct StreamObject;

/// What goes on between cudaStreamBeginCapture and cudaStreamEndCapture.
struct Capture {
  std::uint64_t id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  const StreamObject* origin = nullptr;
  cudaGraph_t handle = nullptr;
  std::shared_ptr<Graph> graph;
  bool is_invalid = false;
  bool has_ended = false;
};

/// Where a stream or an event stands in a capture: the nodes its next node comes after.
struct CapturePoint {
  std::shared_ptr<Capture> capture;
  std::vector<std::uint32_t> nodes;
  std::uint32_t kernel = Step::kNone;  // of a stream: its last node, where that is a kernel
};

struct StreamObject {
  Streams::Index index = 0;
  std::uint64_t id = 0;
  unsigned flags = 0;
  int priority = 0;
  bool is_blocking = true;
  CapturePoint point;
};

struct EventObject {
  unsigned flags = 0;
  std::shared_ptr<const Marker> marker;  // null: not recorded
  CapturePoint point;                    // recorded while capturing
};

/// Everything the runtime knows. One object, which is never destroyed: programs call the runtime from static
/// constructors and destructors. All but `mutex` is used with the mutex held.
struct State {
  static State& get();

  std::mutex mutex;
  /// What a failed launch left behind: returned by every later call. Written with the mutex held.
  std::atomic<cudaError_t> sticky{cudaSuccess};

  Modules modules;
  Streams streams;
  std::uint64_t num_streams = 0;  // so far: ids
  StreamObject legacy;
  Handles<StreamObject, cudaStream_t> stream_handles;
  Handles<EventObject, cudaEvent_t> event_handles;
  Handles<GraphObject, cudaGraph_t> graph_handles;
  Handles<GraphNodeObject, cudaGraphNode_t> node_handles;
  Handles<GraphExec, cudaGraphExec_t> exec_handles;
  std::vector<std::shared_ptr<Capture>> captures;  // those that go on
  std::uint64_t num_captures = 0;                  // so far: ids

  HostMemory host_memory;
  std::map<Address, bool> allocations;  // of cudaMalloc and the like; true: cudaFreeAsync waits in a stream
  std::uint64_t num_allocations = 0;    // so far: labels
  std::map<cudaLimit, std::size_t> limits;
  unsigned device_flags = cudaDeviceScheduleAuto;

  std::uint64_t num_launches = 0;
  Digest digest;
};

/// The stream a handle stands for; null where there is none. The calling thread's own one is made at its first use.
StreamObject* find_stream(cudaStream_t handle);

}  // namespace emulator::runtime

#endif
