#include "replay_graph.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

class Event {
 public:
  Event() { check(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t stream) const { check(cudaEventRecord(event_, stream)); }
  double milliseconds_since(const Event& start) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

struct Replay {
  Event start, end;
};

Timing summarise(std::vector<double> microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  const std::size_t last = microseconds.size() - 1;
  return {microseconds[last / 2], microseconds[last / 10], microseconds[last - last / 10]};
}

}  // namespace

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorName(error));
}

ReplayGraph::ReplayGraph(const Stream& stream, int num_calls, const std::function<void(int)>& call)
    : stream_(stream.get()), num_calls_(num_calls) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  try {
    for (int i = 0; i < num_calls; ++i) call(i);
  } catch (...) {
    cudaStreamEndCapture(stream_, &graph_);
    cudaGraphDestroy(graph_);
    throw;
  }
  check(cudaStreamEndCapture(stream_, &graph_));
  check(cudaGraphInstantiate(&exec_, graph_, 0));
}

ReplayGraph::~ReplayGraph() {
  cudaGraphExecDestroy(exec_);
  cudaGraphDestroy(graph_);
}

std::vector<Timing> time_in_turn(const std::vector<const ReplayGraph*>& graphs, int num_replays) {
  constexpr int kWarmUps = 3;  // chosen: the first uploads the graph, the clocks rise under the others
  for (int r = 0; r < kWarmUps; ++r) {
    for (const ReplayGraph* const graph : graphs) graph->launch();
  }
  std::vector<std::vector<Replay>> replays(graphs.size());
  for (std::vector<Replay>& row : replays) row = std::vector<Replay>(static_cast<std::size_t>(num_replays));
  for (std::size_t r = 0; r < static_cast<std::size_t>(num_replays); ++r) {
    for (std::size_t g = 0; g < graphs.size(); ++g) {
      replays[g][r].start.record(graphs[g]->stream());
      graphs[g]->launch();
      replays[g][r].end.record(graphs[g]->stream());
    }
  }
  check(cudaDeviceSynchronize());
  std::vector<Timing> timings;
  for (std::size_t g = 0; g < graphs.size(); ++g) {
    std::vector<double> microseconds;
    for (const Replay& replay : replays[g]) {
      microseconds.push_back(1e3 * replay.end.milliseconds_since(replay.start) / graphs[g]->num_calls());
    }
    timings.push_back(summarise(microseconds));
  }
  return timings;
}

}  // namespace bench
