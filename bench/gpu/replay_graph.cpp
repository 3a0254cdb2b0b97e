#include "replay_graph.h"

#include <algorithm>

namespace bench {
namespace {

struct Replay {
  Event start, end;
};

Timing summarise(std::vector<double> microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  const std::size_t last = microseconds.size() - 1;
  return {microseconds[last / 2], microseconds[last / 10], microseconds[last - last / 10]};
}

}  // namespace

ReplayGraph::ReplayGraph(const Stream& stream, const std::function<void()>& call) : stream_(stream.get()) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  try {
    call();
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

std::vector<Timing> time_in_turn(const std::vector<const ReplayGraph*>& graphs, const Replays& replays,
                                 const std::function<void(cudaStream_t)>& before_each) {
  const auto warm_ups = static_cast<std::size_t>(replays.warm_ups), timed = static_cast<std::size_t>(replays.timed);
  std::vector<std::vector<Replay>> rows(graphs.size());
  for (std::vector<Replay>& row : rows) row = std::vector<Replay>(timed);
  for (std::size_t r = 0; r < warm_ups + timed; ++r) {
    for (std::size_t g = 0; g < graphs.size(); ++g) {
      const cudaStream_t stream = graphs[g]->stream();
      before_each(stream);
      if (r >= warm_ups) rows[g][r - warm_ups].start.record(stream);
      graphs[g]->launch();
      if (r >= warm_ups) rows[g][r - warm_ups].end.record(stream);
    }
  }
  check(cudaDeviceSynchronize());
  std::vector<Timing> timings;
  for (const std::vector<Replay>& row : rows) {
    std::vector<double> microseconds;
    for (const Replay& replay : row) microseconds.push_back(1e3 * replay.end.milliseconds_since(replay.start));
    timings.push_back(summarise(microseconds));
  }
  return timings;
}

double seconds_of(const Stream& stream, const Replays& replays, const std::function<void()>& call) {
  const ReplayGraph graph(stream, call);
  return 1e-6 * time_in_turn({&graph}, replays, [](cudaStream_t) {})[0].median;
}

}  // namespace bench
