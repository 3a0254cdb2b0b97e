/// arloss/dlib.h: values and gradients against the oracle, against dlib's own loss and as difference quotients through
/// a network; what dlib asks of a loss layer, and what is refused.
#include "arloss/dlib.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine_case.h"
#include "support/tolerance.h"

namespace support {
namespace {

using arloss::dlib::LabelMap;
using arloss::dlib::loss_affinity_regression_;
using arloss::dlib::loss_multiclass_log_and_affinity_per_pixel_;
using arloss::dlib::Options;
using LogLoss = dlib::loss_multiclass_log_per_pixel_;
using LabelMaps = std::vector<LabelMap>;

constexpr std::int64_t kIgnored = loss_affinity_regression_::label_to_ignore;

/// The last layer of a network as a loss layer sees it.
struct Subnet {
  dlib::resizable_tensor output, gradient;

  const dlib::tensor& get_output() const { return output; }
  dlib::tensor& get_gradient_input() { return gradient; }
  static unsigned int sample_expansion_factor() { return 1; }
};

Subnet subnet_of(const CaseSpec& spec, const oracle::Inputs& inputs) {
  const oracle::Problem& p = spec.problem;
  Subnet sub;
  sub.output.set_size(p.batch, p.classes, p.height, p.width);
  std::transform(inputs.logits.begin(), inputs.logits.end(), sub.output.host(),
                 [](double logit) { return static_cast<float>(logit); });
  sub.gradient.copy_size(sub.output);
  sub.gradient = 0;
  return sub;
}

LabelMaps labels_of(const CaseSpec& spec, const oracle::Inputs& inputs) {
  const oracle::Problem& p = spec.problem;
  LabelMaps labels(static_cast<std::size_t>(p.batch), LabelMap(p.label_height, p.label_width));
  auto label = inputs.labels.begin();
  for (LabelMap& map : labels)
    for (std::uint16_t& value : map) value = static_cast<std::uint16_t>(*label++);
  return labels;
}

Options options_of(const CaseSpec& spec) {
  Options options;
  static_cast<arloss::LossOptions&>(options) = loss_options_of(spec);
  options.num_threads = spec.num_threads;
  return options;
}

/// What of a case dlib can ask for.
CaseSpec as_dlib_has_it(CaseSpec spec) {
  spec.logits_dtype = ARLOSS_DTYPE_FLOAT32;
  spec.labels_dtype = ARLOSS_DTYPE_INT32;
  spec.layout = ARLOSS_LAYOUT_NCHW;
  spec.weights = Weights::kNone;
  spec.has_grad_loss = spec.accumulates = false;
  spec.problem.has_ignore_index = true;
  spec.problem.ignore_index = kIgnored;
  spec.problem.reduction = oracle::Reduction::kMean;
  return spec;
}

CaseSpec joined_spec() {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  spec.problem.loss_weight = 0.3;
  return as_dlib_has_it(spec);
}

/// A case's network and labels, ready for a layer.
struct Call {
  explicit Call(const CaseSpec& spec) : Call(spec, draw_inputs(spec)) {}
  Call(const CaseSpec& spec, const oracle::Inputs& inputs)
      : sub(subnet_of(spec, inputs)), labels(labels_of(spec, inputs)), options(options_of(spec)) {}

  template <class Layer>
  double loss_of(const Layer& layer) {
    return layer.compute_loss_value_and_gradient(sub.output, labels.begin(), sub);
  }
  double loss() { return loss_of(loss_affinity_regression_(options)); }
  std::vector<double> gradient() const { return {sub.gradient.begin(), sub.gradient.end()}; }

  Subnet sub;
  LabelMaps labels;
  Options options;
};

Outcome outcome_of(const CaseSpec& spec, const oracle::Inputs& inputs) {
  Call call(spec, inputs);
  Outcome outcome;
  outcome.loss.push_back(static_cast<float>(call.loss()));
  outcome.gradient = call.gradient();
  return outcome;
}

/// Every penalty with every scale mode and span, on labels finer than the output.
TEST(Dlib, LossAndGradientAreWithinTheContract) {
  for (const oracle::Penalty penalty : oracle::kPenalties)
    for (const oracle::ScaleMode mode :
         {oracle::ScaleMode::kBlend, oracle::ScaleMode::kSeparate, oracle::ScaleMode::kPyramid})
      for (const oracle::Span span : {oracle::Span::kImage, oracle::Span::kBatch}) {
        CaseSpec spec = as_dlib_has_it(fine_spec());
        spec.problem.penalty = penalty;
        spec.problem.scale_mode = mode;
        spec.problem.span = span;
        const Case test = build_case(spec);
        expect_accurate(test, outcome_of(test.spec, test.inputs), "dlib");
      }
}

/// All else that a case has, in the library's bits.
TEST(Dlib, OptionsReachTheLibrary) {
  for (const CaseSpec& mixed : mixed_list()) {
    if (mixed.problem.depth > 1 || mixed.problem.label_depth > 1) continue;
    const CaseSpec spec = as_dlib_has_it(mixed);
    const oracle::Inputs inputs = draw_inputs(spec);
    const Outcome expected = run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO);
    const Outcome outcome = outcome_of(spec, inputs);
    EXPECT_EQ(outcome.loss, expected.loss) << describe(spec);
    EXPECT_TRUE(outcome.gradient == expected.gradient) << describe(spec);
  }
}

TEST(Dlib, DefaultsAreTheLibrarys) {
  const Call call(joined_spec());
  const arloss_problem_t expected = arloss::problem();
  const arloss_problem_t problem = arloss::dlib::detail::problem_of(call.sub.output, call.labels[0], Options());
  EXPECT_EQ(problem.num_scales, expected.num_scales);
  EXPECT_EQ(problem.scales[0], expected.scales[0]);
  EXPECT_EQ(problem.scale_mode, expected.scale_mode);
  EXPECT_EQ(problem.penalty, expected.penalty);
  EXPECT_EQ(problem.penalty_param, expected.penalty_param);
  EXPECT_EQ(problem.reduction, expected.reduction);
  EXPECT_EQ(problem.span, expected.span);
  EXPECT_EQ(problem.loss_weight, expected.loss_weight);
  EXPECT_EQ(Options().algorithm, arloss::options().algorithm);
  EXPECT_EQ(Options().num_threads, arloss::options().num_threads);
}

/// dlib's log loss plus the oracle's.
TEST(Dlib, JoinsTheLogLoss) {
  const Case test = build_case(joined_spec());
  Call call(test.spec, test.inputs), log_call(test.spec, test.inputs);
  const double log_loss = log_call.loss_of(LogLoss());
  const double loss = call.loss_of(loss_multiclass_log_and_affinity_per_pixel_(call.options));
  EXPECT_NEAR(loss - log_loss, test.expected.loss[0], loss_bounds(test)[0]);

  std::vector<double> expected = log_call.gradient();
  const double log_norm = norm(expected);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += test.expected.grad[i];
  EXPECT_LE(distance(call.gradient(), expected), gradient_bound(test) + 1e-7 * log_norm);  // one rounding of the sum
}

/// A call leaves nothing behind that the next one sees: larger, smaller and other problems in turn, on copies too.
TEST(Dlib, LayersAreUsedAgain) {
  Call large(as_dlib_has_it(plain_spec(3, 7, 9, 11))), small(as_dlib_has_it(plain_spec(1, 2, 3, 3)));
  const double large_loss = large.loss(), small_loss = small.loss();
  const loss_affinity_regression_ layer;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(large.loss_of(layer), large_loss);
    EXPECT_EQ(small.loss_of(layer), small_loss);
    EXPECT_EQ(large.loss_of(loss_affinity_regression_(layer)), large_loss);
  }
}

/// A network of 2-channel pictures and `Loss`.
template <template <class> class Loss>
using SmallNet = Loss<dlib::con<3, 1, 1, 1, 1, dlib::tag1<dlib::input<std::array<dlib::matrix<float>, 2>>>>>;

using Pictures = std::vector<std::array<dlib::matrix<float>, 2>>;

Pictures draw_pictures(long batch, long nr, long nc) {
  dlib::rand random(5);
  Pictures pictures(static_cast<std::size_t>(batch));
  for (auto& picture : pictures)
    for (auto& channel : picture)
      channel = dlib::matrix_cast<float>(dlib::gaussian_randm(nr, nc, random.get_random_32bit_number()));
  return pictures;
}

LabelMaps draw_label_maps(long batch, long nr, long nc) {
  LabelMaps labels(static_cast<std::size_t>(batch), LabelMap(nr, nc));
  for (long b = 0; b < batch; ++b)
    for (long r = 0; r < nr; ++r)
      for (long c = 0; c < nc; ++c)
        labels[static_cast<std::size_t>(b)](r, c) = static_cast<std::uint16_t>((r / 2 + c / 2 + b) % 3);
  labels[0](0, 0) = static_cast<std::uint16_t>(kIgnored);
  return labels;
}

/// Central differences by the filter's and the bias's parameters: float32 losses near 1 lie 1.2e-7 apart and carry some
/// roundings more, with steps of 1/64 either side 4e-6 for one; the curvature left out adds h^2 / 6 = 4e-5 of a third
/// derivative of order 1.
template <class Net>
void expect_difference_quotients(Net& net) {
  constexpr float kStep = 0x1p-6f;
  const Pictures pictures = draw_pictures(2, 6, 5);
  const LabelMaps labels = draw_label_maps(2, 6, 5);
  dlib::resizable_tensor input;
  net.to_tensor(pictures.begin(), pictures.end(), input);
  net.compute_parameter_gradients(input, labels.begin());
  auto& layer = dlib::layer<1>(net);
  const dlib::tensor& parameter_gradient = layer.get_parameter_gradient();
  const std::vector<float> gradient(parameter_gradient.begin(), parameter_gradient.end());
  dlib::tensor& parameters = layer.layer_details().get_layer_params();
  ASSERT_EQ(parameters.size(), gradient.size());
  double square = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float at = parameters.host()[i];
    const auto loss_at = [&](float value) {
      parameters.host()[i] = value;
      return net.compute_loss(input, labels.begin());
    };
    const double quotient = (loss_at(at + kStep) - loss_at(at - kStep)) / (2 * kStep);
    parameters.host()[i] = at;
    EXPECT_NEAR(quotient, gradient[i], 5e-5) << i;
    square += quotient * quotient;
  }
  EXPECT_GT(square, 1e-4);
}

TEST(Dlib, GradientIsTheDifferenceQuotient) {
  SmallNet<arloss::dlib::loss_affinity_regression> net;
  expect_difference_quotients(net);
}

TEST(Dlib, JoinedGradientIsTheDifferenceQuotient) {
  Options options;
  options.scales = {1, 2};
  SmallNet<arloss::dlib::loss_multiclass_log_and_affinity_per_pixel> net(
      loss_multiclass_log_and_affinity_per_pixel_{options});
  expect_difference_quotients(net);
}

TEST(Dlib, OutputsAreTheLargestClass) {
  SmallNet<arloss::dlib::loss_affinity_regression> net;
  const Pictures pictures = draw_pictures(2, 6, 5);
  const LabelMaps found = net(pictures);
  const dlib::tensor& output = dlib::layer<1>(net).get_output();
  ASSERT_EQ(found.size(), pictures.size());
  for (long b = 0; b < output.num_samples(); ++b)
    for (long r = 0; r < output.nr(); ++r)
      for (long c = 0; c < output.nc(); ++c) {
        const auto value = [&](long k) { return output.host()[dlib::tensor_index(output, b, k, r, c)]; };
        for (long k = 0; k < output.k(); ++k) EXPECT_GE(value(found[static_cast<std::size_t>(b)](r, c)), value(k));
      }
}

template <template <class> class Loss, class Layer>
void expect_round_trip() {
  Options options;
  options.scales = {1, 2, 5};
  options.scale_weights = {0.5f, 0.25f, 0.25f};
  options.scale_mode = ARLOSS_SCALES_SEPARATE;
  options.penalty = ARLOSS_PENALTY_HUBER;
  options.penalty_param = 0.25f;
  options.span = ARLOSS_SPAN_BATCH;
  options.loss_weight = 0.75f;
  options.algorithm = ARLOSS_ALGORITHM_PAIRWISE;
  SmallNet<Loss> net{Layer(options)};
  const Pictures pictures = draw_pictures(2, 6, 5);
  const LabelMaps labels = draw_label_maps(2, 6, 5);
  dlib::resizable_tensor input;
  net.to_tensor(pictures.begin(), pictures.end(), input);
  const double loss = net.compute_loss(input, labels.begin());

  std::stringstream stream;
  serialize(net, stream);
  SmallNet<Loss> restored;
  deserialize(restored, stream);
  const Options& found = restored.loss_details().options();
  EXPECT_EQ(found.scales, options.scales);
  EXPECT_EQ(found.scale_weights, options.scale_weights);
  EXPECT_EQ(found.scale_mode, options.scale_mode);
  EXPECT_EQ(found.penalty, options.penalty);
  EXPECT_EQ(found.penalty_param, options.penalty_param);
  EXPECT_EQ(found.span, options.span);
  EXPECT_EQ(found.loss_weight, options.loss_weight);
  EXPECT_EQ(found.algorithm, options.algorithm);
  EXPECT_EQ(restored.compute_loss(input, labels.begin()), loss);
  const SmallNet<Loss> copy = net;
  EXPECT_EQ(SmallNet<Loss>(copy).compute_loss(input, labels.begin()), loss);

  std::ostringstream text, xml;
  text << net.loss_details();
  to_xml(net.loss_details(), xml);
  EXPECT_EQ(text.str(), std::string(Layer::kName) + " (loss_weight=0.75)");
  EXPECT_EQ(xml.str(), "<" + std::string(Layer::kName) + " loss_weight='0.75'/>\n");
}

TEST(Dlib, NetworksAreSerialised) {
  expect_round_trip<arloss::dlib::loss_affinity_regression, loss_affinity_regression_>();
  expect_round_trip<arloss::dlib::loss_multiclass_log_and_affinity_per_pixel,
                    loss_multiclass_log_and_affinity_per_pixel_>();
}

TEST(Dlib, AnotherLayersFileIsRefused) {
  std::stringstream stream;
  serialize(LogLoss(), stream);
  loss_affinity_regression_ layer;
  EXPECT_THROW(deserialize(layer, stream), dlib::serialization_error);
}

/// Expects an arloss::Error of a layer whose message has all of `words`, and a gradient that nothing was written to.
template <class Layer>
void expect_layer_refuses(const CaseSpec& spec, const std::function<void(Call&)>& spoil,
                          const std::vector<std::string>& words) {
  Call call(spec);
  spoil(call);
  try {
    call.loss_of(Layer(call.options));
    ADD_FAILURE() << "not refused; expected '" << words.front() << "'";
  } catch (const arloss::Error& error) {
    for (const std::string& word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
          << "'" << word << "' is not in: " << error.what();
  }
  for (const double value : call.gradient()) ASSERT_EQ(value, 0);
}

void expect_refused(const std::function<void(Call&)>& spoil, const std::vector<std::string>& words) {
  expect_layer_refuses<loss_affinity_regression_>(as_dlib_has_it(fine_spec()), spoil, words);
}

TEST(Dlib, WrongLabelsAreRefused) {
  expect_refused([](Call& call) { call.labels[1](2, 3) = 5; }, {"labels[228]", "is 5", "0 to 4"});
  expect_refused([](Call& call) { call.labels[1].set_size(14, 15); }, {"image 1 are 14 x 15", "13 x 15"});
  for (LabelMap small : {LabelMap(5, 15), LabelMap(13, 6), LabelMap()}) {
    small = 0;
    const std::string size = std::to_string(small.nr()) + " x " + std::to_string(small.nc());
    expect_refused([&](Call& call) { call.labels.assign(2, small); },
                   {"labels are " + size, "as large as the network's output, 6 x 7"});
  }
}

/// By the library's exception, before dlib's loss comes to them.
TEST(Dlib, WrongLabelsOfJoinedLossesAreRefused) {
  using Layer = loss_multiclass_log_and_affinity_per_pixel_;
  for (const auto& [nr, nc] : {std::pair(5, 7), std::pair(6, 8), std::pair(12, 14)})
    expect_layer_refuses<Layer>(joined_spec(), [nr = nr, nc = nc](Call& call) { call.labels[1].set_size(nr, nc); },
                                {"image 1 are " + std::to_string(nr) + " x " + std::to_string(nc), "6 x 7"});
  expect_layer_refuses<Layer>(joined_spec(), [](Call& call) { call.labels[1](2, 3) = 5; }, {"image 1 is 5", "0 to 4"});
}

TEST(Dlib, WrongOptionsAreRefused) {
  expect_refused([](Call& call) { call.options.scales.clear(); }, {"num_scales is 0"});
  expect_refused([](Call& call) { call.options.scales.assign(9, 1); }, {"scales has 9", "8 or fewer"});
  expect_refused([](Call& call) { call.options.scale_weights = {1}; }, {"scale_weights has 1", "as scales, 2"});
  expect_refused([](Call& call) { call.options.loss_weight = -1; }, {"loss_weight is -1"});
  expect_refused([](Call& call) { call.options.num_threads = -1; }, {"num_threads is -1"});
  expect_refused(
      [](Call& call) {
        call.options.penalty = ARLOSS_PENALTY_LOG_COSH;
        call.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
      },
      {"LOG_COSH"});
}

}  // namespace
}  // namespace support
