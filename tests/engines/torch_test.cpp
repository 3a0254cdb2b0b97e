/// arloss/torch.h: values and gradients against the oracle for all that a tensor can be, what autograd asks of a
/// function, and what is refused.
#include "arloss/torch.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/version.h>

#include <cmath>
#include <cstdint>
#include <ostream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "engine_case.h"
#include "support/tolerance.h"

namespace support {
namespace {

using arloss::torch::ar_loss;
using arloss::torch::Options;

/// How the logits of a test lie in memory.
enum class Strides { kContiguous, kChannelsLast, kSliced, kSlicedChannelsLast, kTransposed };
const char* const kStrideNames[] = {"contiguous", "channels_last", "sliced", "sliced_channels_last", "transposed"};

at::ScalarType scalar_type(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_FLOAT32: return at::kFloat;
    case ARLOSS_DTYPE_FLOAT16: return at::kHalf;
    case ARLOSS_DTYPE_BFLOAT16: return at::kBFloat16;
    case ARLOSS_DTYPE_UINT8: return at::kByte;
    case ARLOSS_DTYPE_INT32: return at::kInt;
    default: return at::kLong;
  }
}

template <class Value>
at::Tensor tensor_of(const std::vector<Value>& values, const std::vector<std::int64_t>& shape, at::ScalarType dtype) {
  return torch::tensor(at::ArrayRef<Value>(values)).to(dtype).reshape(shape);
}

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.contiguous(tensor.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast);
}

/// The middle of a wider tensor.
at::Tensor sliced(const at::Tensor& tensor) {
  return at::constant_pad_nd(tensor, {1, 2}).narrow(-1, 1, tensor.size(-1));
}

at::Tensor with_strides(const at::Tensor& tensor, Strides strides) {
  switch (strides) {
    case Strides::kContiguous: return tensor.contiguous();
    case Strides::kChannelsLast: return channels_last(tensor);
    case Strides::kSliced: return sliced(tensor);
    case Strides::kSlicedChannelsLast: return sliced(channels_last(tensor));
    case Strides::kTransposed: return tensor.transpose(-1, -2).contiguous().transpose(-1, -2);
  }
  return tensor;
}

bool is_volume(const CaseSpec& spec) { return spec.problem.label_depth > 1; }

/// [batch][before...][depth?][height][width]
std::vector<std::int64_t> shape_of(const CaseSpec& spec, std::vector<std::int64_t> before, std::int64_t depth,
                                   std::int64_t height, std::int64_t width) {
  before.insert(before.begin(), spec.problem.batch);
  if (is_volume(spec)) before.push_back(depth);
  before.insert(before.end(), {height, width});
  return before;
}

struct Tensors {
  at::Tensor logits, labels, pixel_weights;
};

/// A leaf that requires grad, labels and weights.
Tensors tensors_of(const CaseSpec& spec, const oracle::Inputs& inputs, Strides strides,
                   const at::Device& device = at::kCPU) {
  const oracle::Problem& p = spec.problem;
  Tensors tensors;
  tensors.logits =
      tensor_of(inputs.logits, shape_of(spec, {p.classes}, p.depth, p.height, p.width), scalar_type(spec.logits_dtype));
  tensors.logits = with_strides(tensors.logits.to(device), strides).detach().requires_grad_();
  tensors.labels = tensor_of(inputs.labels, shape_of(spec, {}, p.label_depth, p.label_height, p.label_width),
                             scalar_type(spec.labels_dtype))
                       .to(device);
  if (strides != Strides::kContiguous) tensors.labels = sliced(tensors.labels);
  if (!inputs.pixel_weights.empty())
    tensors.pixel_weights =
        tensor_of(inputs.pixel_weights, shape_of(spec, {}, p.depth, p.height, p.width), at::kFloat).to(device);
  return tensors;
}

Options options_of(const CaseSpec& spec, const at::Tensor& pixel_weights = {}) {
  const arloss_problem_t problem = api_problem(spec);
  Options options;
  static_cast<arloss::LossOptions&>(options) = loss_options_of(spec);
  options.has_ignore_index = problem.has_ignore_index != 0;
  options.ignore_index = problem.ignore_index;
  options.reduction = problem.reduction;
  options.pixel_weights = pixel_weights;
  options.num_threads = spec.num_threads;
  return options;
}

at::Tensor gradient_of(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& grad_loss = {}) {
  return torch::autograd::grad({loss}, {logits}, {grad_loss.defined() ? grad_loss : at::ones_like(loss)})[0];
}

Outcome outcome_of(const at::Tensor& loss, const at::Tensor& gradient) {
  Outcome outcome;
  for (const double value : values_of(loss)) outcome.loss.push_back(static_cast<float>(value));
  outcome.gradient = values_of(gradient);
  return outcome;
}

/// Loss and gradient within the accuracy contract, in the dtypes promised.
void expect_accurate_tensors(const Case& test, Strides strides, const at::Device& device = at::kCPU) {
  SCOPED_TRACE(describe(test.spec) + ", " + kStrideNames[static_cast<int>(strides)]);
  const Tensors tensors = tensors_of(test.spec, test.inputs, strides, device);
  const at::Tensor loss = ar_loss(tensors.logits, tensors.labels, options_of(test.spec, tensors.pixel_weights));
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.dim(), test.spec.problem.reduction == oracle::Reduction::kNone ? 1 : 0);
  at::Tensor grad_loss;
  if (!test.inputs.grad_loss.empty())
    grad_loss = tensor_of(test.inputs.grad_loss, loss.sizes().vec(), at::kFloat).to(device);
  const at::Tensor gradient = gradient_of(loss, tensors.logits, grad_loss);
  EXPECT_EQ(gradient.scalar_type(), tensors.logits.scalar_type());
  expect_accurate(test, outcome_of(loss, gradient), "torch");
}

CaseSpec volume_spec() {
  CaseSpec spec = fine_spec();
  spec.problem.depth = 3;
  spec.problem.label_depth = 4;
  return spec;
}

/// A case's tensors and options, ready for one call.
struct Call {
  explicit Call(const CaseSpec& spec = fine_spec())
      : tensors(tensors_of(spec, draw_inputs(spec), Strides::kContiguous)),
        options(options_of(spec, tensors.pixel_weights)) {}

  at::Tensor loss() const { return ar_loss(tensors.logits, tensors.labels, options); }

  Tensors tensors;
  Options options;
};

/// Expects a c10::Error whose message has all of `words`.
template <class Function>
void expect_refused(Function call, const std::vector<std::string>& words) {
  try {
    call();
    ADD_FAILURE() << "not refused; expected '" << words.front() << "'";
  } catch (const c10::Error& error) {
    for (const std::string& word : words)
      EXPECT_NE(error.msg().find(word), std::string::npos) << "'" << word << "' is not in: " << error.msg();
  }
}

using Kind = std::tuple<arloss_dtype_t, arloss_dtype_t, Strides>;

class TorchTensors : public ::testing::TestWithParam<Kind> {};

TEST_P(TorchTensors, AreWithinTheContract) {
  for (CaseSpec spec : {fine_spec(), volume_spec()}) {
    spec.logits_dtype = std::get<0>(GetParam());
    spec.labels_dtype = std::get<1>(GetParam());
    expect_accurate_tensors(build_case(spec), std::get<2>(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Torch, TorchTensors,
    ::testing::Combine(::testing::Values(ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16),
                       ::testing::Values(ARLOSS_DTYPE_UINT8, ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64),
                       ::testing::Values(Strides::kContiguous, Strides::kChannelsLast, Strides::kSliced,
                                         Strides::kSlicedChannelsLast, Strides::kTransposed)));

/// Every option: penalties, scale modes, reductions with their upstream gradients, spans, weights, ignore indices.
TEST(Torch, OptionsAreWithinTheContract) {
  const std::vector<CaseSpec> list = mixed_list();
  for (std::size_t i = 0; i < list.size(); i += 2) {  // half of them has each option, too
    CaseSpec spec = list[i];
    spec.accumulates = false;
    expect_accurate_tensors(build_case(spec),
                            spec.layout == ARLOSS_LAYOUT_NHWC ? Strides::kChannelsLast : Strides::kContiguous);
  }
}

TEST(Torch, DefaultsAreTheLibrarys) {
  CaseSpec spec = plain_spec(1, 3, 4, 4);
  Call call(spec);
  const arloss_problem_t expected = arloss::problem();
  const arloss_problem_t problem =
      arloss::torch::detail::problem_of(call.tensors.logits, call.tensors.labels, Options());
  EXPECT_EQ(problem.num_scales, expected.num_scales);
  EXPECT_EQ(problem.scales[0], expected.scales[0]);
  EXPECT_EQ(problem.scale_mode, expected.scale_mode);
  EXPECT_EQ(problem.penalty, expected.penalty);
  EXPECT_EQ(problem.penalty_param, expected.penalty_param);
  EXPECT_EQ(problem.has_ignore_index, expected.has_ignore_index);
  EXPECT_EQ(problem.ignore_index, expected.ignore_index);
  EXPECT_EQ(problem.reduction, expected.reduction);
  EXPECT_EQ(problem.span, expected.span);
  EXPECT_EQ(problem.loss_weight, expected.loss_weight);
  const arloss_options_t run_options = arloss::torch::detail::run_options_of(call.tensors.logits, Options());
  EXPECT_EQ(run_options.algorithm, arloss::options().algorithm);
  EXPECT_EQ(run_options.exact, arloss::options().exact);
  EXPECT_EQ(run_options.num_threads, at::get_num_threads());
}

TEST(Torch, GradientHasTheStridesOfDenseLogits) {
  for (const CaseSpec& spec : {fine_spec(), volume_spec()})
    for (const Strides strides : {Strides::kContiguous, Strides::kChannelsLast}) {
      const Tensors tensors = tensors_of(spec, draw_inputs(spec), strides);
      const at::Tensor gradient = gradient_of(ar_loss(tensors.logits, tensors.labels), tensors.logits);
      EXPECT_EQ(gradient.strides(), tensors.logits.strides());
    }
}

/// The sum over images of a vector loss has an expanded upstream gradient, of stride 0.
TEST(Torch, VectorLossIsSummed) {
  CaseSpec spec = fine_spec();
  spec.problem.reduction = oracle::Reduction::kNone;
  const Case test = build_case(spec);
  const Tensors tensors = tensors_of(spec, test.inputs, Strides::kContiguous);
  const at::Tensor loss = ar_loss(tensors.logits, tensors.labels, options_of(spec));
  expect_accurate(test, outcome_of(loss, gradient_of(loss.sum(), tensors.logits)), "torch");
}

/// Views that are dense, but whose sign LibTorch has yet to apply.
TEST(Torch, LazySignsAreApplied) {
  CaseSpec spec = fine_spec();
  spec.weights = Weights::kModerate;
  Call call(spec);
  const at::Tensor& logits = call.tensors.logits;
  const at::Tensor loss = call.loss();
  EXPECT_TRUE(at::equal(gradient_of(call.loss(), logits, at::_neg_view(at::ones({}))), -gradient_of(loss, logits)));
  call.options.pixel_weights = at::_neg_view(-call.options.pixel_weights);
  EXPECT_TRUE(at::equal(ar_loss(at::_neg_view(-logits), call.tensors.labels, call.options), loss));
}

/// cross_entropy + 0.3 ar_loss against cross-entropy in float64 and the oracle.
TEST(Torch, JoinsAnotherLoss) {
  constexpr double kShare = 0.3;
  const Case test = build_case(plain_spec(2, 5, 6, 7));
  CaseSpec spec = test.spec;
  spec.labels_dtype = ARLOSS_DTYPE_INT64;
  const Tensors tensors = tensors_of(spec, test.inputs, Strides::kContiguous);
  const auto cross_entropy = [&](const at::Tensor& logits) {
    return at::cross_entropy_loss(logits, tensors.labels, {}, at::Reduction::Mean, 255);
  };
  (cross_entropy(tensors.logits) + kShare * ar_loss(tensors.logits, tensors.labels)).backward();

  const at::Tensor exact_logits = tensors.logits.detach().to(at::kDouble).requires_grad_();
  std::vector<double> expected = values_of(gradient_of(cross_entropy(exact_logits), exact_logits));
  const double cross_entropy_norm = norm(expected);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += kShare * test.expected.grad[i];
  // Sum and softmax of LibTorch in float32: a few roundings of 6e-8 each.
  EXPECT_LE(distance(values_of(tensors.logits.grad()), expected),
            kShare * gradient_bound(test) + 1e-6 * cross_entropy_norm);
}

TEST(Torch, BackwardAddsToTheGradient) {
  const Call call;
  const at::Tensor loss = call.loss();
  loss.backward({}, /*retain_graph=*/true);
  const at::Tensor once = call.tensors.logits.grad().clone();
  loss.backward();
  EXPECT_TRUE(at::equal(call.tensors.logits.grad(), 2 * once));
}

/// The scale of AMP is in the gradient before it is rounded to Half: unscaled its elements, 1e-5, would be subnormal
/// and off by 1.8e-3, six times the bound.
TEST(Torch, HalfGradientIsScaledBeforeItIsRounded) {
  CaseSpec spec = plain_spec(1, 5, 64, 64);
  spec.logits_dtype = ARLOSS_DTYPE_FLOAT16;
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.grad_loss = {65536};
  const Case test = build_case(spec, inputs);
  ASSERT_LT(norm(test.expected.grad) / 65536 / std::sqrt(static_cast<double>(test.expected.grad.size())), 0x1p-14);
  expect_accurate_tensors(test, Strides::kContiguous);
}

/// Central differences of a float32 loss near 0.2, whose numbers lie 1.5e-8 apart: with steps of 1/32 either side that
/// is 2.4e-7 for each rounding, and the curvature left out adds h^2 / 6 = 1.6e-4 of a third derivative that is of the
/// order of the gradient, 1e-2.
TEST(Torch, GradientIsTheDifferenceQuotient) {
  constexpr float kStep = 0x1p-5f;
  const Call call(plain_spec(1, 3, 4, 4));
  const std::vector<double> gradient = values_of(gradient_of(call.loss(), call.tensors.logits));
  EXPECT_GT(norm(gradient), 1e-2);
  const torch::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < call.tensors.logits.numel(); ++i) {
    const auto loss_at = [&](float offset) {
      at::Tensor moved = call.tensors.logits.clone();
      moved.view(-1)[i] += offset;
      return ar_loss(moved, call.tensors.labels, call.options).item<double>();
    };
    EXPECT_NEAR((loss_at(kStep) - loss_at(-kStep)) / (2 * kStep), gradient[static_cast<std::size_t>(i)], 3e-6) << i;
  }
}

TEST(Torch, WithoutGradTheLossIsTheSame) {
  const Call call;
  const at::Tensor with_grad = call.loss();
  EXPECT_TRUE(with_grad.requires_grad());
  {
    const torch::NoGradGuard no_grad;
    const at::Tensor loss = call.loss();
    EXPECT_FALSE(loss.requires_grad());
    EXPECT_TRUE(at::equal(loss, with_grad));
  }
  const at::Tensor detached = ar_loss(call.tensors.logits.detach(), call.tensors.labels, call.options);
  EXPECT_FALSE(detached.requires_grad());
  EXPECT_TRUE(at::equal(detached, with_grad));
}

void set_cpu_autocast(bool is_enabled) {
#if TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR >= 204
  at::autocast::set_autocast_enabled(at::kCPU, is_enabled);
#else
  at::autocast::set_cpu_enabled(is_enabled);
#endif
}

TEST(Torch, AutocastCastsNothing) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_BFLOAT16}) {
    CaseSpec spec = fine_spec();
    spec.logits_dtype = dtype;
    const Call call(spec);
    const at::Tensor loss = call.loss();
    const at::Tensor gradient = gradient_of(loss, call.tensors.logits);
    set_cpu_autocast(true);
    const at::Tensor cast_loss = call.loss();
    set_cpu_autocast(false);
    EXPECT_EQ(cast_loss.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(cast_loss, loss));
    EXPECT_TRUE(at::equal(gradient_of(cast_loss, call.tensors.logits), gradient));
  }
}

/// More shapes than a thread keeps plans for, twice, on two threads; backward on another than forward.
TEST(Torch, PlansAreKeptPerThread) {
  std::vector<Call> calls;
  for (std::int64_t width = 3; width < 24; ++width) calls.emplace_back(plain_spec(1, 3, 4, width));
  const auto losses = [&calls] {
    std::vector<at::Tensor> values;
    for (int round = 0; round < 2; ++round)
      for (const Call& call : calls) values.push_back(call.loss());
    return values;
  };
  std::vector<at::Tensor> elsewhere;
  std::thread([&] { elsewhere = losses(); }).join();
  const std::vector<at::Tensor> here = losses();
  for (std::size_t i = 0; i < here.size(); ++i) {
    const at::Tensor& logits = calls[i % calls.size()].tensors.logits;
    EXPECT_TRUE(at::equal(elsewhere[i], here[i]));
    EXPECT_TRUE(at::equal(gradient_of(elsewhere[i], logits), gradient_of(here[i], logits)));
  }
}

TEST(Torch, SecondDerivativeIsRefused) {
  const Call call;
  const at::Tensor plain = gradient_of(call.loss(), call.tensors.logits);
  const at::Tensor gradient = torch::autograd::grad({call.loss()}, {call.tensors.logits}, {}, /*retain_graph=*/true,
                                                    /*create_graph=*/true)[0];
  EXPECT_TRUE(at::equal(gradient, plain));
  expect_refused([&] { gradient.square().sum().backward(); }, {"ar_loss", "differentiated only once"});
}

TEST(Torch, TensorsChangedInPlaceAreRefused) {
  for (at::Tensor Tensors::*const changed : {&Tensors::logits, &Tensors::labels, &Tensors::pixel_weights}) {
    CaseSpec spec = fine_spec();
    spec.weights = Weights::kModerate;
    const Call call(spec);
    const at::Tensor loss = call.loss();
    {
      const torch::NoGradGuard no_grad;
      (call.tensors.*changed).mul_(1);
    }
    expect_refused([&] { loss.backward(); }, {"modified by an inplace operation"});
  }
}

/// Where LibTorch and the library have CUDA.
TEST(Torch, CudaTensors) {
  if (!ARLOSS_TORCH_CUDA || !at::hasCUDA() || arloss_device_available(ARLOSS_DEVICE_CUDA) == 0)
    GTEST_SKIP() << "no device, or a LibTorch or library without CUDA";
  for (CaseSpec spec : {fine_spec(), volume_spec()})
    for (const Strides strides : {Strides::kContiguous, Strides::kChannelsLast, Strides::kSliced})
      for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
        spec.logits_dtype = dtype;
        spec.weights = Weights::kModerate;
        spec.has_grad_loss = true;
        expect_accurate_tensors(build_case(spec), strides, at::kCUDA);
      }
  const Call call;
  const at::Tensor logits = call.tensors.logits.detach().to(at::kCUDA);
  expect_refused([&] { ar_loss(logits, call.tensors.labels); }, {"labels are on cpu"});
  const at::Tensor invalid = at::full_like(call.tensors.labels, 5).to(at::kCUDA);
  EXPECT_TRUE(std::isnan(ar_loss(logits, invalid).item<float>()));
}

TEST(Torch, WrongLogitsAreRefused) {
  const Call call;
  const at::Tensor& labels = call.tensors.labels;
  const at::Tensor& logits = call.tensors.logits;
  expect_refused([&] { ar_loss({}, labels); }, {"logits are undefined"});
  expect_refused([&] { ar_loss(logits[0], labels); }, {"logits have shape [5, 6, 7]", "[B, C, H, W]"});
  expect_refused([&] { ar_loss(logits.to(at::kDouble), labels); }, {"logits are Double", "Float, Half or BFloat16"});
  expect_refused([&] { ar_loss(logits.to(at::kMeta), labels); }, {"logits are on meta", "CPU or CUDA"});
  expect_refused([&] { ar_loss(logits.detach().to_sparse(), labels); }, {"logits have layout Sparse", "Strided"});
  expect_refused([&] { ar_loss(logits.slice(0, 0, 0), labels.slice(0, 0, 0)); }, {"batch is 0"});
}

TEST(Torch, WrongLabelsAreRefused) {
  const Call call;
  const at::Tensor& labels = call.tensors.labels;
  const auto refuse = [&](const at::Tensor& wrong, const std::vector<std::string>& words) {
    expect_refused([&] { ar_loss(call.tensors.logits, wrong, call.options); }, words);
  };
  refuse({}, {"labels are undefined"});
  refuse(labels.to(at::kFloat), {"labels are Float", "Byte, Int or Long"});
  refuse(labels.to(at::kMeta), {"labels are on meta", "the logits' device, cpu"});
  refuse(labels.to_sparse(), {"labels have layout Sparse"});
  refuse(labels.unsqueeze(1), {"labels have shape [2, 1, 13, 15]", "[2, 5, 6, 7]", "[B, h, w]"});
  refuse(labels.slice(0, 0, 1), {"labels have shape [1, 13, 15]"});
  refuse(labels.slice(1, 0, 5), {"labels have shape [2, 5, 15]", "h >= H"});
  refuse(labels.slice(2, 0, 0), {"labels have shape [2, 13, 0]"});
  at::Tensor invalid = labels.clone();
  invalid[1][2][3] = 5;
  refuse(invalid, {"ar_loss", "labels[228]", "is 5", "0 to 4"});
}

TEST(Torch, WrongPixelWeightsAreRefused) {
  Call call;
  const auto refuse = [&](const at::Tensor& wrong, const std::vector<std::string>& words) {
    call.options.pixel_weights = wrong;
    expect_refused([&] { call.loss(); }, words);
  };
  const at::Tensor weights = at::ones({2, 6, 7});
  refuse(weights.to(at::kDouble), {"pixel_weights are Double", "Float"});
  refuse(weights.to(at::kMeta), {"pixel_weights are on meta"});
  refuse(weights.to_sparse(), {"pixel_weights have layout Sparse"});
  refuse(at::ones({2, 13, 15}), {"pixel_weights have shape [2, 13, 15]", "[2, 6, 7]"});
  refuse(weights.clone().requires_grad_(), {"pixel_weights require grad", "detach()"});
  refuse(-weights, {"pixel_weights[0]", "-1"});
}

TEST(Torch, WrongOptionsAreRefused) {
  const auto refuse = [](void (*spoil)(Options&), const std::vector<std::string>& words) {
    Call call;
    spoil(call.options);
    expect_refused([&] { call.loss(); }, words);
  };
  refuse([](Options& options) { options.scales = {}; }, {"num_scales is 0"});
  refuse([](Options& options) { options.scales.assign(9, 1); }, {"scales has 9", "8 or fewer"});
  refuse([](Options& options) { options.scale_weights = {1}; }, {"scale_weights has 1", "as scales, 2"});
  refuse([](Options& options) { options.loss_weight = -1; }, {"loss_weight is -1"});
  refuse([](Options& options) { options.num_threads = -1; }, {"num_threads is -1"});
  refuse(
      [](Options& options) {
        options.penalty = ARLOSS_PENALTY_LOG_COSH;
        options.algorithm = ARLOSS_ALGORITHM_FACTORED;
      },
      {"LOG_COSH"});
}

}  // namespace
}  // namespace support
