#include "pair_timing.h"

#include <algorithm>
#include <climits>
#include <stdexcept>

#include "cuda/cache_flush.h"
#include "device_case.h"
#include "kernels/pair/difference_kernels.cuh"
#include "launch_gate.h"
#include "penalty_operations.h"

namespace bench {
namespace {

using arloss::kernels::PairExtents;
using arloss::kernels::PairWork;

// Chosen: all cases within a minute, though the longest call takes a second by estimate.
constexpr double kMicrosecondsPerCase = 5e5;
constexpr int kLeastReplays = 3;

/// The place of the launch that visits the pairs.
int find_pair_launch(const std::vector<std::string>& names) {
  const auto is_it = [](const std::string& name) {
    return name.rfind("pair_kernel", 0) == 0 || name.rfind("difference_kernel", 0) == 0;
  };
  const auto found = std::find_if(names.begin(), names.end(), is_it);
  if (found == names.end()) throw std::runtime_error("no launch visits the pairs");
  return static_cast<int>(found - names.begin());
}

PairWork work_of(const PairCase& timed, bool is_product) {
  const Case& its = timed.timed;
  const PairExtents extents = {its.workload.batch, timed.rows_of_a_group(), its.workload.image.classes};
  const auto num_scales = static_cast<int>(its.scales.size());
  const std::vector<double> omega(its.scales.size(), 1.0 / num_scales);
  const auto operations = penalty_operations(its.penalty, timed.is_hard());
  if (!is_product)
    return difference_work(extents, arloss::kernels::DifferenceTile::kStripRows, num_scales, false, operations,
                           timed.has_gradient);
  const bool has_two_terms = its.is_exact || its.penalty == ARLOSS_PENALTY_CROSS_ENTROPY;
  const bool looks_up = !has_two_terms && timed.is_hard() && arloss::kernels::pair_shape(extents.classes).looks_up();
  const auto features = arloss::kernels::pair_features(num_scales, omega.data(), false, has_two_terms, looks_up);
  return product_work(extents, features, operations, timed.has_gradient);
}

Replays fitting_replays(const ReplayGraph& graph, const Replays& most) {
  const double microseconds = time_in_turn({&graph}, {0, 1}, [](cudaStream_t) {})[0].median;
  // The call, and its head that ends with the pairs.
  const auto fitting = static_cast<int>(std::min(kMicrosecondsPerCase / (2 * microseconds), 1e6));
  return {0, std::min(most.timed, std::max(fitting, kLeastReplays))};
}

}  // namespace

PairTiming time_pairs(const PairCase& timed, const HostBatch& batch, const TimingSettings& settings) {
  DeviceCase on_device(timed.timed, batch);
  CacheFlush flush(settings.flush_bytes);
  const Stream stream;
  PairTiming timing{};
  timing.loss = on_device.run_once(stream);
  const std::function<void()> call = [&] {
    on_device.run(timed.has_gradient ? arloss_forward_backward : arloss_forward, stream);
  };
  const auto capture = [&](int num_launches, std::vector<std::string>& names) {
    LaunchGate gate(num_launches);
    auto graph = std::make_unique<ReplayGraph>(stream, call);
    names = gate.names();
    return graph;
  };
  std::vector<std::string> names;
  const auto whole = capture(INT_MAX, names);
  const int launch = find_pair_launch(names);
  timing.kernel = names[static_cast<std::size_t>(launch)];
  const auto before = capture(launch, names), through = capture(launch + 1, names);
  const Replays replays = fitting_replays(*whole, settings.replays);
  const std::vector<Timing> timings =
      time_in_turn({whole.get(), before.get(), through.get()}, replays, std::ref(flush));
  timing.call = timings[0];
  timing.kernel_microseconds = timings[2].median - timings[1].median;
  timing.work = work_of(timed, timing.kernel.rfind("pair_kernel", 0) == 0);
  timing.num_replays = replays.timed;
  return timing;
}

}  // namespace bench
