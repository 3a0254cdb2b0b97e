/// The loss as dlib loss layers (19.22 or newer) for networks with an output for each pixel. Header-only: link
/// arloss::arloss and dlib.
///
///     using net_type = arloss::dlib::loss_multiclass_log_and_affinity_per_pixel<SUBNET>;
///     arloss::dlib::Options options;
///     options.loss_weight = 0.5;
///     net_type net(arloss::dlib::loss_multiclass_log_and_affinity_per_pixel_{options});
///     dlib::dnn_trainer<net_type> trainer(net);
///
/// Labels are dlib's: matrix<uint16_t>, 65535 where a pixel is to be ignored. The loss is computed on the CPU; a dlib
/// with CUDA brings outputs and gradients there and back.
#ifndef ARLOSS_DLIB_H
#define ARLOSS_DLIB_H

#include <arloss/arloss.hpp>

#include <dlib/dnn.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace arloss::dlib {

/// The loss, and of arloss_options_t what a network does not say. The reduction is MEAN, as in dlib's own losses.
struct Options : LossOptions {
  arloss_algorithm_t algorithm = ARLOSS_ALGORITHM_AUTO;
  int num_threads = 0;  // 0: the processors the process may use. A matter of the machine: not serialised
};

using LabelMap = ::dlib::matrix<std::uint16_t>;

namespace detail {

/// Unless it is met, throws the parts of a message, joined.
template <class... Parts>
void require(bool is_met, const Parts&... parts) {
  if (is_met) return;
  std::ostringstream message;
  (message << ... << parts);
  throw Error(ARLOSS_STATUS_INVALID_ARGUMENT, message.str());
}

/// Where a member is serialised as an integer.
template <class Enum>
void deserialize_enum(Enum& value, std::istream& in) {
  std::int32_t number = 0;
  ::dlib::deserialize(number, in);
  value = static_cast<Enum>(number);
}

inline void serialize_options(const Options& options, std::ostream& out) {
  ::dlib::serialize(options.scales, out);
  ::dlib::serialize(options.scale_weights, out);
  ::dlib::serialize(static_cast<std::int32_t>(options.scale_mode), out);
  ::dlib::serialize(static_cast<std::int32_t>(options.penalty), out);
  ::dlib::serialize(options.penalty_param, out);
  ::dlib::serialize(static_cast<std::int32_t>(options.span), out);
  ::dlib::serialize(options.loss_weight, out);
  ::dlib::serialize(static_cast<std::int32_t>(options.algorithm), out);
}

inline void deserialize_options(Options& options, std::istream& in) {
  ::dlib::deserialize(options.scales, in);
  ::dlib::deserialize(options.scale_weights, in);
  deserialize_enum(options.scale_mode, in);
  deserialize_enum(options.penalty, in);
  ::dlib::deserialize(options.penalty_param, in);
  deserialize_enum(options.span, in);
  ::dlib::deserialize(options.loss_weight, in);
  deserialize_enum(options.algorithm, in);
}

inline arloss_problem_t problem_of(const ::dlib::tensor& output, const LabelMap& first_labels, const Options& options) {
  arloss_problem_t problem = arloss::problem();
  problem.batch = output.num_samples();
  problem.classes = output.k();
  problem.height = output.nr();
  problem.width = output.nc();
  problem.label_height = first_labels.nr();
  problem.label_width = first_labels.nc();
  problem.labels_dtype = ARLOSS_DTYPE_INT32;
  problem.ignore_index = ::dlib::loss_multiclass_log_per_pixel_::label_to_ignore;
  set_loss(problem, options);
  return problem;
}

/// The labels of a batch, side by side.
template <class LabelIterator>
void copy_labels(LabelIterator truth, const ::dlib::tensor& output, std::vector<std::int32_t>& labels) {
  const long nr = truth->nr(), nc = truth->nc();
  // Sizes of 0 would tell the library "as the grid".
  require(nr >= output.nr() && nc >= output.nc(), "labels are ", nr, " x ", nc,
          "; they must be as large as the network's output, ", output.nr(), " x ", output.nc(), ", or larger");
  labels.clear();
  for (long b = 0; b < output.num_samples(); ++b, ++truth) {
    require(truth->nr() == nr && truth->nc() == nc, "labels of image ", b, " are ", truth->nr(), " x ", truth->nc(),
            "; they must have the size of image 0's, ", nr, " x ", nc);
    labels.insert(labels.end(), truth->begin(), truth->end());
  }
}

/// Refuses labels at which dlib's own loss would throw its fatal_error, the second of which ends the program.
template <class LabelIterator>
void check_for_log_loss(LabelIterator truth, const ::dlib::tensor& output) {
  for (long b = 0; b < output.num_samples(); ++b, ++truth) {
    require(truth->nr() == output.nr() && truth->nc() == output.nc(), "labels of image ", b, " are ", truth->nr(),
            " x ", truth->nc(), "; they must be as large as the network's output, ", output.nr(), " x ", output.nc());
    for (const std::uint16_t label : *truth)
      require(label < output.k() || label == ::dlib::loss_multiclass_log_per_pixel_::label_to_ignore,
              "a label of image ", b, " is ", label, "; it must be from 0 to ", output.k() - 1, ", or label_to_ignore");
  }
}

/// Memory of the calls, kept from one to the next.
struct Memory {
  std::vector<std::int32_t> labels;
  std::vector<unsigned char> state, workspace;
};

/// Writes the gradient of sub's output, or adds it where `is_added`, and returns the loss. A plan on the CPU takes a
/// microsecond to make, so none is kept.
template <class LabelIterator, class Subnet>
double compute(const Options& options, bool is_added, LabelIterator truth, Subnet& sub, Memory& memory) {
  const ::dlib::tensor& output = sub.get_output();
  ::dlib::tensor& gradient = sub.get_gradient_input();
  require(sub.sample_expansion_factor() == 1, "sample_expansion_factor is ", sub.sample_expansion_factor(),
          "; it must be 1");
  copy_labels(truth, output, memory.labels);
  arloss_problem_t problem = problem_of(output, *truth, options);
  problem.accumulate_gradient = is_added ? 1 : 0;
  arloss_options_t run_options = arloss::options();
  run_options.algorithm = options.algorithm;
  run_options.num_threads = options.num_threads;
  const Plan plan(problem, run_options);
  memory.state.resize(plan.state_bytes());
  memory.workspace.resize(plan.workspace_bytes());

  float loss = 0;
  arloss_tensors_t io = arloss::tensors();
  io.logits = output.host();
  io.labels = memory.labels.data();
  io.loss = &loss;
  io.grad_logits = is_added ? gradient.host() : gradient.host_write_only();
  plan.forward_backward(
      io, {memory.state.data(), memory.state.size(), memory.workspace.data(), memory.workspace.size(), nullptr});
  return loss;
}

/// What the layers share: options, labels, their classes from outputs, and how they are written. A Layer has kName.
template <class Layer>
class PerPixelLoss {
 public:
  using training_label_type = LabelMap;
  using output_label_type = LabelMap;
  static constexpr std::uint16_t label_to_ignore = ::dlib::loss_multiclass_log_per_pixel_::label_to_ignore;

  PerPixelLoss() = default;
  explicit PerPixelLoss(const Options& options) : options_(options) {}

  const Options& options() const { return options_; }

  /// Each pixel's class of the largest output.
  template <class Subnet, class LabelIterator>
  static void to_label(const ::dlib::tensor& input, const Subnet& sub, LabelIterator iterator) {
    ::dlib::loss_multiclass_log_per_pixel_::to_label(input, sub, iterator);
  }

  friend void serialize(const Layer& layer, std::ostream& out) {
    ::dlib::serialize(std::string(Layer::kName) + "_", out);
    serialize_options(layer.options(), out);
  }

  friend void deserialize(Layer& layer, std::istream& in) {
    std::string version;
    ::dlib::deserialize(version, in);
    if (version != std::string(Layer::kName) + "_")
      throw ::dlib::serialization_error("Unexpected version '" + version +
                                        "' found while deserializing arloss::dlib::" + Layer::kName + "_.");
    deserialize_options(static_cast<PerPixelLoss&>(layer).options_, in);
  }

  friend std::ostream& operator<<(std::ostream& out, const Layer& layer) {
    return out << Layer::kName << " (loss_weight=" << layer.options().loss_weight << ")";
  }

  friend void to_xml(const Layer& layer, std::ostream& out) {
    out << "<" << Layer::kName << " loss_weight='" << layer.options().loss_weight << "'/>\n";
  }

 protected:
  Options options_;
  mutable Memory memory_;
};

}  // namespace detail

/// The Affinity Regression loss of arloss.h. It compares pixels and does not see the names of classes: a network that
/// is to name them needs the other layer below.
///
/// Labels may be finer than the output by any ratio: as large or larger along each axis, one size for the batch.
///
/// arloss::Error, with argument, value and rule: labels that are neither a class nor label_to_ignore, sizes, and what
/// arloss_plan_create refuses.
class loss_affinity_regression_ : public detail::PerPixelLoss<loss_affinity_regression_> {
 public:
  static constexpr const char* kName = "loss_affinity_regression";
  using PerPixelLoss::PerPixelLoss;

  template <class LabelIterator, class Subnet>
  double compute_loss_value_and_gradient(const ::dlib::tensor& /* input */, LabelIterator truth, Subnet& sub) const {
    return detail::compute(options_, /*is_added=*/false, truth, sub, memory_);
  }
};

template <class Subnet>
using loss_affinity_regression = ::dlib::add_loss_layer<loss_affinity_regression_, Subnet>;

/// dlib's loss_multiclass_log_per_pixel plus options.loss_weight times the Affinity Regression loss. Labels exactly as
/// large as the output, as the first demands. Errors as above.
class loss_multiclass_log_and_affinity_per_pixel_
    : public detail::PerPixelLoss<loss_multiclass_log_and_affinity_per_pixel_> {
 public:
  static constexpr const char* kName = "loss_multiclass_log_and_affinity_per_pixel";
  using PerPixelLoss::PerPixelLoss;

  template <class LabelIterator, class Subnet>
  double compute_loss_value_and_gradient(const ::dlib::tensor& input, LabelIterator truth, Subnet& sub) const {
    detail::check_for_log_loss(truth, sub.get_output());
    const double log_loss = log_loss_.compute_loss_value_and_gradient(input, truth, sub);
    return log_loss + detail::compute(options_, /*is_added=*/true, truth, sub, memory_);
  }

 private:
  ::dlib::loss_multiclass_log_per_pixel_ log_loss_;
};

template <class Subnet>
using loss_multiclass_log_and_affinity_per_pixel =
    ::dlib::add_loss_layer<loss_multiclass_log_and_affinity_per_pixel_, Subnet>;

}  // namespace arloss::dlib

#endif
