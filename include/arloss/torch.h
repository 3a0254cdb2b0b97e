/// The loss as a function of LibTorch tensors (1.13 or newer; the tests have passed on the CPU with 1.13 and 2.15),
/// with its gradient. Header-only: link arloss::arloss and LibTorch.
///
///     arloss::torch::Options options;
///     options.loss_weight = 0.5;
///     auto loss = torch::nn::functional::cross_entropy(logits, labels);
///     loss = loss + arloss::torch::ar_loss(logits, labels, options);
///     loss.backward();
///
/// ARLOSS_TORCH_CUDA is 1 where CUDA tensors are taken, which needs a LibTorch with CUDA and the toolkit's headers, and
/// is found out here unless the build defines it; elsewhere they are refused. With a LibTorch for the CPU, as Debian's,
/// the tests can compile that path but not run it.
#ifndef ARLOSS_TORCH_H
#define ARLOSS_TORCH_H

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <arloss/arloss.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

// CPU builds of LibTorch install headers of c10/cuda too, but not this one, which a CUDA build generates.
#ifndef ARLOSS_TORCH_CUDA
#if __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime_api.h>)
#define ARLOSS_TORCH_CUDA 1
#else
#define ARLOSS_TORCH_CUDA 0
#endif
#endif
#if ARLOSS_TORCH_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

namespace arloss::torch {

/// The loss, and of arloss_problem_t and arloss_options_t what else the tensors do not say.
struct Options : LossOptions {
  bool has_ignore_index = true;
  std::int64_t ignore_index = 255;  // that of LibTorch's cross_entropy is -100
  arloss_reduction_t reduction = ARLOSS_REDUCTION_MEAN;

  /// Undefined: 1. Otherwise float32, [B, H, W] or [B, D, H, W] as the logits' grid, on the logits' device. A constant:
  /// refused where it requires grad.
  at::Tensor pixel_weights;

  arloss_algorithm_t algorithm = ARLOSS_ALGORITHM_AUTO;
  bool exact = false;
  int num_threads = 0;  // CPU; 0: at::get_num_threads()
};

namespace detail {

using ::torch::autograd::AutogradContext;
using ::torch::autograd::Function;
using ::torch::autograd::variable_list;

/// Calls of the library, whose refusals become LibTorch's.
template <class Call>
auto translate_errors(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const Error& error) {
    C10_THROW_ERROR(Error, std::string("ar_loss: ") + error.what());
  }
}

inline arloss_dtype_t logits_dtype(const at::Tensor& logits) {
  switch (logits.scalar_type()) {
    case at::kFloat: return ARLOSS_DTYPE_FLOAT32;
    case at::kHalf: return ARLOSS_DTYPE_FLOAT16;
    case at::kBFloat16: return ARLOSS_DTYPE_BFLOAT16;
    default:
      C10_THROW_ERROR(Error,
                      c10::str("ar_loss: logits are ", logits.scalar_type(), "; they must be Float, Half or BFloat16"));
  }
}

inline arloss_dtype_t labels_dtype(const at::Tensor& labels) {
  switch (labels.scalar_type()) {
    case at::kByte: return ARLOSS_DTYPE_UINT8;
    case at::kInt: return ARLOSS_DTYPE_INT32;
    case at::kLong: return ARLOSS_DTYPE_INT64;
    default:
      C10_THROW_ERROR(Error,
                      c10::str("ar_loss: labels are ", labels.scalar_type(), "; they must be Byte, Int or Long"));
  }
}

inline void check_dense(const char* name, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.layout() == at::kStrided, "ar_loss: ", name, " have layout ", tensor.layout(),
              "; it must be Strided");
}

inline void check_logits(const at::Tensor& logits) {
  TORCH_CHECK(logits.defined(), "ar_loss: logits are undefined");
  TORCH_CHECK(logits.dim() == 4 || logits.dim() == 5, "ar_loss: logits have shape ", logits.sizes(),
              "; it must be [B, C, H, W] or [B, C, D, H, W]");
  check_dense("logits", logits);
  TORCH_CHECK(logits.is_cpu() || logits.is_cuda(), "ar_loss: logits are on ", logits.device(),
              "; they must be on a CPU or CUDA device");
  TORCH_CHECK(logits.is_cpu() || ARLOSS_TORCH_CUDA, "ar_loss: logits are on ", logits.device(),
              "; this program was compiled without ARLOSS_TORCH_CUDA (arloss/torch.h)");
}

inline void check_device(const char* name, const at::Tensor& tensor, const at::Tensor& logits) {
  TORCH_CHECK(tensor.device() == logits.device(), "ar_loss: ", name, " are on ", tensor.device(),
              "; they must be on the logits' device, ", logits.device());
}

/// Sizes below the grid's are refused here: 0 would tell the library "as the grid".
inline void check_labels(const at::Tensor& labels, const at::Tensor& logits) {
  TORCH_CHECK(labels.defined(), "ar_loss: labels are undefined");
  check_device("labels", labels, logits);
  check_dense("labels", labels);
  bool is_fine = labels.dim() == logits.dim() - 1 && labels.size(0) == logits.size(0);
  for (std::int64_t axis = 1; is_fine && axis < labels.dim(); ++axis)
    is_fine = labels.size(axis) >= logits.size(axis + 1);
  TORCH_CHECK(is_fine, "ar_loss: labels have shape ", labels.sizes(), "; for logits of shape ", logits.sizes(),
              " it must be ",
              logits.dim() == 4 ? "[B, h, w] with h >= H and w >= W" : "[B, d, h, w] with d >= D, h >= H and w >= W");
}

inline void check_pixel_weights(const at::Tensor& weights, const at::Tensor& logits) {
  if (!weights.defined()) return;
  check_device("pixel_weights", weights, logits);
  check_dense("pixel_weights", weights);
  TORCH_CHECK(weights.scalar_type() == at::kFloat, "ar_loss: pixel_weights are ", weights.scalar_type(),
              "; they must be Float");
  std::vector<std::int64_t> grid = logits.sizes().vec();
  grid.erase(grid.begin() + 1);
  TORCH_CHECK(weights.sizes() == at::IntArrayRef(grid), "ar_loss: pixel_weights have shape ", weights.sizes(),
              "; it must be that of the logits' grid, ", at::IntArrayRef(grid));
  TORCH_CHECK(!(at::GradMode::is_enabled() && weights.requires_grad()),
              "ar_loss: pixel_weights require grad, which the loss does not give them; pass pixel_weights.detach()");
}

/// The order of the axes that the library is given: the logits' own where they are dense in one it knows.
inline at::MemoryFormat format_of(const at::Tensor& logits) {
  return logits.is_contiguous() ? at::MemoryFormat::Contiguous : logits.suggest_memory_format();
}

inline arloss_problem_t problem_of(const at::Tensor& logits, const at::Tensor& labels, const Options& options) {
  const bool has_depth = logits.dim() == 5;
  arloss_problem_t problem = arloss::problem();
  problem.batch = logits.size(0);
  problem.classes = logits.size(1);
  problem.depth = has_depth ? logits.size(2) : 1;
  problem.height = logits.size(-2);
  problem.width = logits.size(-1);
  problem.label_depth = has_depth ? labels.size(1) : 1;
  problem.label_height = labels.size(-2);
  problem.label_width = labels.size(-1);
  problem.logits_dtype = logits_dtype(logits);
  problem.logits_layout = format_of(logits) == at::MemoryFormat::Contiguous ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  problem.labels_dtype = labels_dtype(labels);
  problem.has_ignore_index = options.has_ignore_index ? 1 : 0;
  problem.ignore_index = options.ignore_index;
  problem.reduction = options.reduction;
  translate_errors([&] { set_loss(problem, options); });
  return problem;
}

inline arloss_options_t run_options_of(const at::Tensor& logits, const Options& options) {
  arloss_options_t run_options = arloss::options();
  run_options.device = logits.is_cuda() ? ARLOSS_DEVICE_CUDA : ARLOSS_DEVICE_CPU;
  run_options.device_index = logits.device().index();
  run_options.algorithm = options.algorithm;
  run_options.exact = options.exact ? 1 : 0;
  run_options.num_threads = options.num_threads == 0 ? at::get_num_threads() : options.num_threads;
  return run_options;
}

/// A plan that a graph can hold on to.
struct SharedPlan : ::torch::CustomClassHolder, Plan {
  using Plan::Plan;
};

/// The thread's plan for a problem, kept because making one on CUDA asks the driver for the device's properties. On the
/// CPU it would take a microsecond: 0.1 % of a call on 128 x 256 cells of 19 classes, 5 % of one on 16 x 16.
inline c10::intrusive_ptr<SharedPlan> find_plan(const arloss_problem_t& problem, const arloss_options_t& options) {
  struct Entry {
    arloss_problem_t problem;
    arloss_options_t options;
    c10::intrusive_ptr<SharedPlan> plan;
  };
  constexpr std::size_t kMaxPlans = 16;  // chosen: the shapes of a training by several crops
  thread_local std::vector<Entry> plans;
  // As bytes: where only padding differs a plan is made once more.
  const auto found = std::find_if(plans.begin(), plans.end(), [&](const Entry& entry) {
    return std::memcmp(&entry.problem, &problem, sizeof problem) == 0 &&
           std::memcmp(&entry.options, &options, sizeof options) == 0;
  });
  if (found != plans.end()) return found->plan;
  auto plan = translate_errors([&] { return c10::make_intrusive<SharedPlan>(problem, options); });
  if (plans.size() == kMaxPlans) plans.erase(plans.begin());
  plans.push_back({problem, options, plan});
  return plan;
}

inline arloss_stream_t current_stream(const at::Tensor& logits) {
#if ARLOSS_TORCH_CUDA
  if (logits.is_cuda()) return c10::cuda::getCurrentCUDAStream(logits.device().index()).stream();
#endif
  static_cast<void>(logits);
  return nullptr;
}

inline at::Tensor bytes_like(const at::Tensor& logits, std::size_t count) {
  return at::empty({static_cast<std::int64_t>(count)}, logits.options().dtype(at::kByte));
}

/// Elements as they are to be read: a view may be dense but have its sign to be applied yet.
inline at::Tensor dense(const at::Tensor& tensor, at::MemoryFormat format = at::MemoryFormat::Contiguous) {
  return tensor.resolve_neg().contiguous(format);
}

/// Dense tensors of one batch, their plan and the state between forward and backward.
struct Batch {
  Batch(c10::intrusive_ptr<SharedPlan> shared_plan, const at::Tensor& any_logits, const at::Tensor& any_labels,
        const at::Tensor& any_weights, at::Tensor any_state)
      : plan(std::move(shared_plan)),
        logits(dense(any_logits, format_of(any_logits))),
        labels(dense(any_labels)),
        pixel_weights(any_weights.defined() ? dense(any_weights) : any_weights),
        state(std::move(any_state)) {}

  arloss_tensors_t io() const {
    arloss_tensors_t tensors = arloss::tensors();
    tensors.logits = logits.data_ptr();
    tensors.labels = labels.data_ptr();
    if (pixel_weights.defined()) tensors.pixel_weights = pixel_weights.data_ptr<float>();
    return tensors;
  }

  /// On the current stream of the logits' device, in scratch of LibTorch's allocator, which gives memory again only to
  /// what comes later on that stream.
  void run(void (Plan::*call)(const arloss_tensors_t&, const Buffers&) const, const arloss_tensors_t& io) const {
    const c10::DeviceGuard guard(logits.device());
    const at::Tensor workspace = bytes_like(logits, plan->workspace_bytes());
    const Buffers buffers{state.data_ptr(), static_cast<std::size_t>(state.numel()), workspace.data_ptr(),
                          static_cast<std::size_t>(workspace.numel()), current_stream(logits)};
    translate_errors([&] { (plan.get()->*call)(io, buffers); });
  }

  c10::intrusive_ptr<SharedPlan> plan;
  at::Tensor logits, labels, pixel_weights, state;
};

/// d loss / d logits as a function of its own, of all that a second derivative could be asked for: it refuses it.
struct Gradient : Function<Gradient> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& grad_loss, const at::Tensor& /* logits */,
                            const Batch& batch) {
    const at::Tensor dense_grad_loss = dense(grad_loss);
    at::Tensor grad_logits = at::empty_like(batch.logits);
    arloss_tensors_t io = batch.io();
    io.grad_loss = dense_grad_loss.data_ptr<float>();
    io.grad_logits = grad_logits.data_ptr();
    batch.run(&Plan::backward, io);
    return grad_logits;
  }

  static variable_list backward(AutogradContext*, const variable_list&) {
    C10_THROW_ERROR(Error, "ar_loss: its gradient was differentiated; it can be differentiated only once");
  }
};

/// Forward keeps the library's state, O(C^2) an image; backward runs the library's with the incoming gradient. To call
/// forward_backward at once and scale its gradient later would be wrong for Half, where a gradient of order 1 / N
/// underflows before the scale of AMP reaches it, and would hold as much as the logits from forward to backward. It
/// would save little: 1.21 instead of 1.30 ms on 128 x 256 cells of 19 classes with labels four times finer (one
/// thread, AVX-512), nothing with labels at the grid; a pairwise plan pays three tenths.
struct Loss : Function<Loss> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& logits, const at::Tensor& labels,
                            const Options& options) {
    auto plan = find_plan(problem_of(logits, labels, options), run_options_of(logits, options));
    at::Tensor state = bytes_like(logits, plan->state_bytes());
    const Batch batch(plan, logits, labels, options.pixel_weights, state);
    const std::vector<std::int64_t> shape(options.reduction == ARLOSS_REDUCTION_NONE ? 1 : 0, logits.size(0));
    at::Tensor loss = at::empty(shape, logits.options().dtype(at::kFloat));
    arloss_tensors_t io = batch.io();
    io.loss = loss.data_ptr<float>();
    batch.run(&Plan::forward, io);
    context->save_for_backward({logits, labels, options.pixel_weights, state});
    context->saved_data["plan"] = c10::IValue::make_capsule(std::move(plan));
    return loss;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grad_losses) {
    const variable_list saved = context->get_saved_variables();
    const Batch batch(c10::static_intrusive_pointer_cast<SharedPlan>(context->saved_data["plan"].toCapsule()), saved[0],
                      saved[1], saved[2], saved[3]);
    return {Gradient::apply(grad_losses[0], saved[0], batch), at::Tensor(), at::Tensor()};
  }
};

}  // namespace detail

/// The Affinity Regression loss of arloss.h, differentiable in the logits.
///
/// logits   [B, C, H, W] or [B, C, D, H, W]; Float, Half or BFloat16; on a CPU or CUDA device. Contiguous and
///          channels_last are read as they are, other strides copied. Never cast, under autocast neither.
/// labels   [B, h, w] or [B, d, h, w]; Byte, Int or Long; on the logits' device. As fine as the grid or finer by any
///          ratio: h >= H.
/// returns  Float on that device, a scalar or, for reduction NONE, [B].
///
/// The gradient has the logits' dtype and, where they were not copied, strides. It is rounded once, after the incoming
/// gradient was multiplied in: scale that one for Half, as AMP does. Backward reads logits, labels and weights again
/// and refuses those that were changed in place. A second derivative is refused.
///
/// CUDA: on the current stream of the logits' device, without waiting for it.
///
/// c10::Error, with argument, value and rule: shapes, dtypes, devices, and what arloss_plan_create refuses; on the CPU
/// labels that are neither a class nor the ignore index, and weights that are negative or not finite. On CUDA those two
/// make NaN of loss and gradient.
inline at::Tensor ar_loss(const at::Tensor& logits, const at::Tensor& labels, const Options& options = {}) {
  detail::check_logits(logits);
  detail::check_labels(labels, logits);
  detail::check_pixel_weights(options.pixel_weights, logits);
  return detail::Loss::apply(logits, labels, options);
}

}  // namespace arloss::torch

#endif
