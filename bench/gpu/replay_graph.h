#ifndef ARLOSS_BENCH_REPLAY_GRAPH_H
#define ARLOSS_BENCH_REPLAY_GRAPH_H

#include <functional>
#include <vector>

#include "cuda/cuda_stream.h"

namespace bench {

/// Work as a CUDA graph: `call` puts it on the stream.
class ReplayGraph {
 public:
  ReplayGraph(const Stream& stream, const std::function<void()>& call);
  ~ReplayGraph();
  ReplayGraph(const ReplayGraph&) = delete;
  ReplayGraph& operator=(const ReplayGraph&) = delete;
  void launch() const { check(cudaGraphLaunch(exec_, stream_)); }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

/// Microseconds of a replay, by the device's clock: the median and the deciles at both ends.
struct Timing {
  double median = 0, low = 0, high = 0;
};

struct Replays {
  int warm_ups, timed;
};

/// Replays the graphs in turn, so that all see the same clocks, and returns one Timing for each. What `before_each`
/// puts on the stream runs before every replay, untimed; the host runs ahead meanwhile.
std::vector<Timing> time_in_turn(const std::vector<const ReplayGraph*>& graphs, const Replays& replays,
                                 const std::function<void(cudaStream_t)>& before_each);

/// Seconds of what `call` puts on the stream: the median.
double seconds_of(const Stream& stream, const Replays& replays, const std::function<void()>& call);

}  // namespace bench

#endif
