#ifndef ARLOSS_BENCH_REPLAY_GRAPH_H
#define ARLOSS_BENCH_REPLAY_GRAPH_H

#include <cuda_runtime_api.h>

#include <functional>
#include <vector>

namespace bench {

/// Throws std::runtime_error with the CUDA error's name.
void check(cudaError_t error);

/// A stream of its own.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// The work of `num_calls` calls as one CUDA graph: call(index) puts its work on the stream.
class ReplayGraph {
 public:
  ReplayGraph(const Stream& stream, int num_calls, const std::function<void(int)>& call);
  ~ReplayGraph();
  ReplayGraph(const ReplayGraph&) = delete;
  ReplayGraph& operator=(const ReplayGraph&) = delete;
  void launch() const { check(cudaGraphLaunch(exec_, stream_)); }
  cudaStream_t stream() const { return stream_; }
  int num_calls() const { return num_calls_; }

 private:
  cudaStream_t stream_;
  int num_calls_;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

/// Microseconds of one call, over the replays of a graph: the median and the deciles at both ends.
struct Timing {
  double median = 0, low = 0, high = 0;
};

/// Replays the graphs in turn, so that all see the same clocks, and returns one Timing for each. A replay's time is
/// divided by its calls: several in a row leave no gap in which the device waits for the host.
std::vector<Timing> time_in_turn(const std::vector<const ReplayGraph*>& graphs, int num_replays);

}  // namespace bench

#endif
