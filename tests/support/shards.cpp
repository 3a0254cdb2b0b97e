#include "support/shards.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::ScaleMode;

/// The part of [batch][planes][height][width] values that a shard holds. `height` and `first` in rows of these values.
template <class T>
std::vector<T> part_of(const std::vector<T>& values, const Shard& shard, std::int64_t planes, std::int64_t whole_height,
                       std::int64_t first, std::int64_t height, std::int64_t width) {
  std::vector<T> part;
  if (values.empty()) return part;
  for (std::int64_t b = 0; b < shard.spec.problem.batch; ++b)
    for (std::int64_t c = 0; c < planes; ++c) {
      const auto row = values.begin() + (((shard.first_image + b) * planes + c) * whole_height + first) * width;
      part.insert(part.end(), row, row + height * width);
    }
  return part;
}

}  // namespace

Shard make_shard(const CaseSpec& whole, std::int64_t first_image, std::int64_t batch, std::int64_t first_row,
                 std::int64_t height) {
  Shard shard{first_image, first_row, whole};
  const std::int64_t ratio = whole.problem.label_height / whole.problem.height;
  shard.spec.problem.batch = batch;
  shard.spec.problem.height = height;
  shard.spec.problem.label_height = height * ratio;
  return shard;
}

std::vector<double> logits_of(const CaseSpec& whole, const Shard& shard, const std::vector<double>& values) {
  const oracle::Problem& p = whole.problem;
  return part_of(values, shard, p.classes, p.height, shard.first_row, shard.spec.problem.height, p.width);
}

oracle::Inputs inputs_of(const CaseSpec& whole, const Shard& shard, const oracle::Inputs& inputs) {
  const oracle::Problem& p = whole.problem;
  const std::int64_t ratio = p.label_height / p.height;
  oracle::Inputs part;
  part.logits = logits_of(whole, shard, inputs.logits);
  part.labels = part_of(inputs.labels, shard, 1, p.label_height, shard.first_row * ratio,
                        shard.spec.problem.label_height, p.label_width);
  part.pixel_weights =
      part_of(inputs.pixel_weights, shard, 1, p.height, shard.first_row, shard.spec.problem.height, p.width);
  part.grad_loss = inputs.grad_loss;
  return part;
}

std::vector<CaseSpec> factorable_kinds(std::int64_t batch) {
  std::vector<CaseSpec> kinds;
  for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
    for (const bool is_hard : {false, true})
      for (const Penalty penalty : {Penalty::kSquared, Penalty::kHuber, Penalty::kAbsolute}) {
        CaseSpec spec = plain_spec(batch, 6, 16, 11);
        spec.problem.scale_mode = mode;
        spec.problem.penalty = penalty;
        if (penalty == Penalty::kHuber) spec.problem.penalty_param = 1.25;
        if (!is_hard) {
          set_label_grid(spec, 48, 33);
          spec.problem.scales = {1, 2, 4};
        }
        spec.weights = Weights::kModerate;
        spec.regime = kinds.size() % 2 == 0 ? Regime::kTrainedLike : Regime::kRandom;
        spec.layout = kinds.size() % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
        spec.seed = kinds.size();
        if (spec.is_factorable()) kinds.push_back(spec);
      }
  return kinds;
}

}  // namespace support
