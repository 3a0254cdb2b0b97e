#ifndef ARLOSS_TESTS_DEVICE_RUNNER_H
#define ARLOSS_TESTS_DEVICE_RUNNER_H

#include <cuda_runtime.h>

#include <functional>
#include <memory>
#include <vector>

#include "arloss/arloss.h"
#include "support/case.h"
#include "support/device_memory.h"
#include "support/runner.h"

namespace support {

/// Options of a plan on the current CUDA device.
arloss_options_t make_cuda_options(arloss_algorithm_t algorithm = ARLOSS_ALGORITHM_FACTORED);
/// What the spec says of CUDA plans.
arloss_options_t make_cuda_options(const CaseSpec& spec);

/// A stream that neither waits for the default stream nor makes it wait.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  void synchronize() const { check(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A batch's tensors on the device, and outputs, state and workspace of exactly the size the plan asks for, guarded and
/// poisoned but for a prior gradient. As `Buffers`: where the batch is element-aligned, no tensor lies better than its
/// element needs, state and workspace no better than 16 bytes. Ready for any stream once constructed; what is read back
/// is what the streams the host has waited for have written.
class DeviceBuffers {
 public:
  DeviceBuffers(const Plan& plan, const Batch& batch);

  arloss_tensors_t io() const;
  unsigned char* workspace_data() const { return bare_workspace_ ? bare_workspace_->data() + 16 : workspace.data(); }
  /// From now on a workspace that was never written, without guards: whoever checks accesses reports what is read there
  /// before it is written, and what lies beside it.
  void use_bare_workspace();
  /// The same plan's next batch; waits until it lies there.
  void assign_inputs(const Batch& batch);

  Outcome read(const CaseSpec& spec) const;
  /// Guard bands kept, inputs unchanged.
  void expect_guards_intact() const;
  /// Loss, gradient and state as they were at first.
  void expect_outputs_untouched() const;

  DeviceInput<unsigned char> logits, labels, pixel_weights, grad_loss;
  DeviceOutput<unsigned char> loss, grad_logits, state, workspace;

 private:
  Batch held_;
  std::unique_ptr<DeviceMemory> bare_workspace_;
};

arloss_status_t forward(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream);
arloss_status_t backward(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream);
arloss_status_t forward_backward(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream);
arloss_status_t accumulate(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream);
arloss_status_t finish(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream);

/// forward_backward on fresh buffers, expected to succeed and to keep inside them.
Outcome run_forward_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream);
/// The same by forward, then backward, each with a workspace that was never written.
Outcome run_forward_then_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream);
/// The same by accumulate, finish and backward.
Outcome run_accumulate_then_finish(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream);
/// Plan and forward_backward in one go, on the default stream.
Outcome run_on_device(const CaseSpec& spec, const Batch& batch);

/// Calls `body` with a CUDA plan of the problem.
void with_cuda_plan(const CaseSpec& spec, const std::function<void(const Plan&)>& body);

/// forward_backward within the contract, and the same bits by forward + backward.
void expect_accurate_on_device(const Case& test);

/// forward_backward as the CPU backend has it, of float32 logits and a mean over all images.
void expect_agreement_with_cpu(const CaseSpec& spec, const oracle::Inputs& inputs);

/// Loss exactly 0, gradient 0 or as good as.
void expect_nothing(const CaseSpec& spec, const oracle::Inputs& inputs);

}  // namespace support

#endif
