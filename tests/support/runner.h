#ifndef ARLOSS_TESTS_RUNNER_H
#define ARLOSS_TESTS_RUNNER_H

#include <cstddef>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "support/case.h"
#include "support/guarded_buffer.h"

namespace support {

arloss_options_t make_options(arloss_algorithm_t algorithm, int num_threads = 1);

/// Owns a plan, or the status and message of its refusal.
class Plan {
 public:
  Plan(const arloss_problem_t& problem, const arloss_options_t& options);
  ~Plan() { arloss_plan_destroy(plan_); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  arloss_status_t status() const { return status_; }
  const std::string& message() const { return message_; }
  const arloss_plan_t* get() const { return plan_; }
  std::size_t state_bytes() const;
  std::size_t workspace_bytes() const;
  std::size_t sum_count() const;
  std::string description() const;
  /// What follows "name: " up to the end of its line in the description; empty where there is no such line.
  std::string described(const std::string& name) const;
  /// The chosen route's name.
  std::string route() const;

 private:
  arloss_plan_t* plan_ = nullptr;
  arloss_status_t status_;
  std::string message_;
};

/// The tensors of a call, from whatever holds a batch's.
template <class Holder>
arloss_tensors_t tensors_of(Holder& holder) {
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = holder.logits.data();
  io.labels = holder.labels.data();
  io.pixel_weights = reinterpret_cast<const float*>(holder.pixel_weights.data());
  io.loss = reinterpret_cast<float*>(holder.loss.data());
  io.grad_loss = reinterpret_cast<const float*>(holder.grad_loss.data());
  io.grad_logits = holder.grad_logits.data();
  return io;
}

/// Guarded copies of a batch's tensors, and outputs, state and workspace of exactly the size the plan asks for, all
/// bytes 0xff (NaN in every float dtype) but for a prior gradient. Where the batch is element-aligned, no tensor lies
/// better than its element needs, state and workspace no better than 16 bytes.
class Buffers {
 public:
  Buffers(const Plan& plan, const Batch& batch);

  arloss_tensors_t io();
  std::vector<float> loss_values() const;
  /// Red zones kept, inputs unchanged.
  void expect_guards_intact() const;
  /// No output written: loss, gradient and state still hold what they were filled with.
  void expect_outputs_untouched() const;

  GuardedBuffer logits, labels, pixel_weights, loss, grad_loss, grad_logits, state, workspace;

 private:
  std::vector<unsigned char> logits_before_, labels_before_, weights_before_, grad_loss_before_, gradient_before_;
};

arloss_status_t forward(const Plan& plan, Buffers& buffers);
arloss_status_t backward(const Plan& plan, Buffers& buffers);
arloss_status_t forward_backward(const Plan& plan, Buffers& buffers);
arloss_status_t accumulate(const Plan& plan, Buffers& buffers);
arloss_status_t finish(const Plan& plan, Buffers& buffers);

/// What a successful forward_backward wrote.
struct Outcome {
  std::vector<float> loss;
  std::vector<unsigned char> gradient_bytes;
  std::vector<double> gradient;  // [batch][classes][cells], whatever the layout

  /// The same bits?
  bool operator==(const Outcome& other) const;
};

Outcome read_outcome(const CaseSpec& spec, const Buffers& buffers);

/// forward_backward on fresh buffers, expected to succeed and to keep inside them.
Outcome run_forward_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch);
/// The same by forward, then backward with another workspace.
Outcome run_forward_then_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch);
/// Plan and forward_backward in one go.
Outcome run(const CaseSpec& spec, const Batch& batch, arloss_algorithm_t algorithm);

/// FACTORED where it is exact, and PAIRWISE.
std::vector<arloss_algorithm_t> algorithms_of(const CaseSpec& spec);
const char* name_of(arloss_algorithm_t algorithm);

}  // namespace support

#endif
