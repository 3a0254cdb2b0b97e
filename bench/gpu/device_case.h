#ifndef ARLOSS_BENCH_DEVICE_CASE_H
#define ARLOSS_BENCH_DEVICE_CASE_H

#include <thrust/device_vector.h>

#include "library_calls.h"
#include "replay_graph.h"
#include "workloads.h"

namespace bench {

using DeviceBytes = thrust::device_vector<unsigned char>;
inline void* data_of(DeviceBytes& bytes) { return thrust::raw_pointer_cast(bytes.data()); }

/// A case on the current device: its plan, its tensors, and what its calls need besides. Throws Unsupported, or
/// std::runtime_error for everything else that goes wrong.
class DeviceCase {
 public:
  DeviceCase(const Case& timed, const HostBatch& batch);

  void run(RunCall call, const Stream& stream);
  /// Loss and gradient, not captured: what a first call loads is loaded. Returns the loss, which is finite or an error.
  float run_once(const Stream& stream);

  std::size_t state_bytes() const { return state_.size(); }
  std::size_t workspace_bytes() const { return workspace_.size(); }

 private:
  Plan plan_;
  DeviceBytes logits_, labels_, gradient_, state_, workspace_;
  thrust::device_vector<float> loss_;
};

}  // namespace bench

#endif
