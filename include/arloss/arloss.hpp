/// arloss.h for C++17: a plan that ends itself, exceptions for statuses, sizes by value. Header-only, with nothing
/// behind it but the C calls; what they promise and refuse is said in arloss.h and holds here.
///
///     arloss_problem_t problem = arloss::problem();
///     problem.classes = 19;  problem.height = 128;  problem.width = 256;
///     const arloss::Plan plan(problem);
///     std::vector<char> state(plan.state_bytes()), workspace(plan.workspace_bytes());
///     arloss_tensors_t io = arloss::tensors();
///     io.logits = logits;  io.labels = labels;  io.loss = &loss;  io.grad_logits = grad;
///     plan.forward_backward(io, {state.data(), state.size(), workspace.data(), workspace.size()});
#ifndef ARLOSS_ARLOSS_HPP
#define ARLOSS_ARLOSS_HPP

#if __cplusplus < 201703L
#error "arloss.hpp needs C++17 or newer (-std=c++17); arloss.h is C and takes any C++"
#endif

#include <arloss/arloss.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace arloss {

/// A call that failed; what() is its message: field, value and rule.
class Error : public std::runtime_error {
 public:
  Error(arloss_status_t status, const std::string& message) : std::runtime_error(message), status_(status) {}

  arloss_status_t status() const noexcept { return status_; }

 private:
  arloss_status_t status_;
};

/// Throws what a C call on this thread has just returned, unless that is SUCCESS.
inline void throw_on_failure(arloss_status_t status) {
  if (status != ARLOSS_STATUS_SUCCESS) throw Error(status, arloss_last_message());
}

/// The defaults of a problem, of options and of tensors. classes, height and width have none and must be set.
inline arloss_problem_t problem() {
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  return problem;
}

inline arloss_options_t options() {
  arloss_options_t options;
  arloss_options_init(&options);
  return options;
}

inline arloss_tensors_t tensors() {
  arloss_tensors_t tensors{};
  tensors.struct_size = sizeof tensors;
  return tensors;
}

/// The loss itself, as adapters to engines take it: fields of arloss_problem_t under the same names and with the same
/// defaults, meanings and refusals.
struct LossOptions {
  std::vector<std::int32_t> scales = {1};
  std::vector<float> scale_weights;  // one for each scale; empty: equal
  arloss_scale_mode_t scale_mode = ARLOSS_SCALES_BLEND;
  arloss_penalty_t penalty = ARLOSS_PENALTY_SQUARED;
  float penalty_param = 0;  // 0: the penalty's default
  arloss_span_t span = ARLOSS_SPAN_IMAGE;
  float loss_weight = 1;
};

/// Writes them into a problem. Error: more scales than a problem holds, or not a weight for each.
inline void set_loss(arloss_problem_t& problem, const LossOptions& options) {
  const auto require_count = [](const char* field, std::size_t count, bool is_met, const std::string& rule) {
    if (!is_met)
      throw Error(ARLOSS_STATUS_INVALID_ARGUMENT,
                  std::string(field) + " has " + std::to_string(count) + " entries; it must have " + rule);
  };
  const std::size_t num_scales = options.scales.size(), num_weights = options.scale_weights.size();
  require_count("scales", num_scales, num_scales <= ARLOSS_MAX_SCALES, std::to_string(ARLOSS_MAX_SCALES) + " or fewer");
  require_count("scale_weights", num_weights, num_weights == 0 || num_weights == num_scales,
                "none or, as scales, " + std::to_string(num_scales));
  problem.num_scales = static_cast<std::int32_t>(num_scales);
  std::copy(options.scales.begin(), options.scales.end(), problem.scales);
  std::copy(options.scale_weights.begin(), options.scale_weights.end(), problem.scale_weights);
  problem.scale_mode = options.scale_mode;
  problem.penalty = options.penalty;
  problem.penalty_param = options.penalty_param;
  problem.span = options.span;
  problem.loss_weight = options.loss_weight;
}

/// The caller's memory of one run call, in the plan's memory space and aligned to 16 bytes, and its stream. A pointer
/// may be NULL where the plan asks for no bytes or the call takes no such buffer.
struct Buffers {
  void* state = nullptr;
  std::size_t state_bytes = 0;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
  arloss_stream_t stream = nullptr;  // a cudaStream_t; ignored on the CPU
};

/// A checked and routed problem. Move-only; one that was moved from holds no plan, and its calls throw. Run calls are
/// const and may run at once on any threads and streams, each with its own buffers. Every member throws Error where
/// the C call it names fails; the tensors that a call needs, and where they lie, are listed at arloss_tensors_t.
class Plan {
 public:
  /// arloss_plan_create: both structs are copied.
  explicit Plan(const arloss_problem_t& problem, const arloss_options_t& options = arloss::options()) {
    arloss_plan_t* plan = nullptr;
    throw_on_failure(arloss_plan_create(&plan, &problem, &options));
    plan_.reset(plan);
  }

  /// For C calls; the plan keeps it. NULL after a move.
  const arloss_plan_t* get() const noexcept { return plan_.get(); }

  /// arloss_plan_state_bytes, arloss_plan_workspace_bytes: what Buffers has to hold. arloss_plan_sum_count: factored
  /// plans only.
  std::size_t state_bytes() const { return ask(arloss_plan_state_bytes); }
  std::size_t workspace_bytes() const { return ask(arloss_plan_workspace_bytes); }
  std::size_t sum_count() const { return ask(arloss_plan_sum_count); }

  /// arloss_plan_describe: several lines for a person.
  std::string describe() const {
    std::size_t needed = 0;
    throw_on_failure(arloss_plan_describe(get(), nullptr, 0, &needed));
    std::string text(needed, '\0');
    throw_on_failure(arloss_plan_describe(get(), text.data(), text.size(), &needed));
    text.resize(needed - 1);
    return text;
  }

  /// arloss_forward: the loss, and the state for backward.
  void forward(const arloss_tensors_t& io, const Buffers& buffers) const { run(arloss_forward, io, buffers); }

  /// arloss_backward: grad_loss * d loss / d logits from the state of that batch's forward, which is only read.
  void backward(const arloss_tensors_t& io, const Buffers& buffers) const { run(arloss_backward, io, buffers); }

  /// arloss_forward_backward: the bits of both.
  void forward_backward(const arloss_tensors_t& io, const Buffers& buffers) const {
    run(arloss_forward_backward, io, buffers);
  }

  /// arloss_accumulate: this shard's sums into the state. Factored plans only.
  void accumulate(const arloss_tensors_t& io, const Buffers& buffers) const { run(arloss_accumulate, io, buffers); }

  /// arloss_finish: from the sums in the state to the loss and the rest of the state; takes no workspace. Factored
  /// plans only.
  void finish(const arloss_tensors_t& io, const Buffers& buffers) const {
    throw_on_failure(arloss_finish(get(), &io, buffers.state, buffers.state_bytes, buffers.stream));
  }

  /// arloss_affinity_rows: out is [num_rows][N]; it, rows_image and rows_cell are in the plan's memory space. Takes no
  /// state, as the two below.
  void affinity_rows(const arloss_tensors_t& io, arloss_affinity_t which, const std::int64_t* rows_image,
                     const std::int64_t* rows_cell, std::int64_t num_rows, float* out, const Buffers& buffers) const {
    throw_on_failure(arloss_affinity_rows(get(), &io, which, rows_image, rows_cell, num_rows, out, buffers.workspace,
                                          buffers.workspace_bytes, buffers.stream));
  }

  /// arloss_label_distribution: out is [batch][N][classes], in the plan's memory space.
  void label_distribution(const arloss_tensors_t& io, std::int32_t scale_index, float* out,
                          const Buffers& buffers) const {
    throw_on_failure(arloss_label_distribution(get(), &io, scale_index, out, buffers.workspace, buffers.workspace_bytes,
                                               buffers.stream));
  }

  /// arloss_check: what is wrong with the inputs; faults it finds are no failure. Blocks until done.
  arloss_report_t check(const arloss_tensors_t& io, const Buffers& buffers) const {
    arloss_report_t report{};
    report.struct_size = sizeof report;
    throw_on_failure(arloss_check(get(), &io, &report, buffers.workspace, buffers.workspace_bytes, buffers.stream));
    return report;
  }

 private:
  struct Destroy {
    void operator()(arloss_plan_t* plan) const noexcept { arloss_plan_destroy(plan); }
  };

  std::size_t ask(arloss_status_t (*question)(const arloss_plan_t*, std::size_t*)) const {
    std::size_t answer = 0;
    throw_on_failure(question(get(), &answer));
    return answer;
  }

  template <class Call>
  void run(Call call, const arloss_tensors_t& io, const Buffers& buffers) const {
    throw_on_failure(call(get(), &io, buffers.state, buffers.state_bytes, buffers.workspace, buffers.workspace_bytes,
                          buffers.stream));
  }

  std::unique_ptr<arloss_plan_t, Destroy> plan_;
};

}  // namespace arloss

#endif
