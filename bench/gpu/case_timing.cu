#include "case_timing.h"

#include <memory>

#include "cuda/cache_flush.h"
#include "device_case.h"
#include "launch_gate.h"
#include "measured_device.h"

namespace bench {
namespace {

using Graphs = std::vector<std::unique_ptr<ReplayGraph>>;

/// Graphs of the first launches of a call, one more in each; the last holds them all.
Graphs capture_heads(const Stream& stream, const std::function<void()>& call, std::vector<std::string>& names) {
  Graphs graphs;
  for (int count = 1; graphs.empty() || graphs.size() < names.size(); ++count) {
    LaunchGate gate(count);
    graphs.push_back(std::make_unique<ReplayGraph>(stream, call));
    names = gate.names();
  }
  return graphs;
}

}  // namespace

CaseTiming time_case(const Case& timed, const HostBatch& batch, const TimingSettings& settings) {
  DeviceCase on_device(timed, batch);
  const std::size_t copy_bytes = static_cast<std::size_t>(timed.logits_bytes()) * 3 / 2 / 16 * 16;
  DeviceBytes source(copy_bytes), target(copy_bytes);
  CacheFlush flush(settings.flush_bytes);

  const Stream stream;
  CaseTiming timing;
  timing.loss = on_device.run_once(stream);
  const auto call_of = [&](RunCall call) -> std::function<void()> {
    return [&, call] { on_device.run(call, stream); };
  };
  const std::function<void()> forward_backward = call_of(arloss_forward_backward);

  std::vector<std::string> names;
  const Graphs heads = capture_heads(stream, forward_backward, names);
  const ReplayGraph forward_graph(stream, call_of(arloss_forward)), backward_graph(stream, call_of(run_backward));
  const ReplayGraph memcpy_graph(stream, [&] {
    check(cudaMemcpyAsync(data_of(target), data_of(source), copy_bytes, cudaMemcpyDeviceToDevice, stream.get()));
  });
  const ReplayGraph copy_graph(stream,
                               [&] { copy_by_kernel(data_of(target), data_of(source), copy_bytes, stream.get()); });
  std::vector<const ReplayGraph*> graphs = {&forward_graph, &backward_graph};
  for (const auto& head : heads) graphs.push_back(head.get());
  graphs.insert(graphs.end(), {&memcpy_graph, &copy_graph});
  const std::vector<Timing> timings = time_in_turn(graphs, settings.replays, std::ref(flush));
  timing.forward = timings[0];
  timing.backward = timings[1];
  timing.copy_kernel = timings.back();
  timing.memcpy = timings[timings.size() - 2];
  timing.forward_backward = timings[timings.size() - 3];
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double before = i == 0 ? 0 : timings[i + 1].median;
    timing.launches.push_back({names[i], timings[i + 2].median - before});
  }
  timing.state_bytes = on_device.state_bytes();
  timing.workspace_bytes = on_device.workspace_bytes();
  return timing;
}

}  // namespace bench
