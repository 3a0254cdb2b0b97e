#include "trainer.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include "augmentation.h"
#include "progress_bar.h"
#include "stopwatch.h"

namespace camvid {
namespace {

constexpr double kWeightDecay = 0.01;
constexpr double kRateWarmUp = 1;  // epochs

/// Of the highest rate: up along a line over the first epoch, then down along half a cosine to 0.
double relative_rate(double epoch, double num_epochs) {
  const double pi = std::acos(-1.0);
  if (epoch < kRateWarmUp) return epoch / kRateWarmUp;
  return 0.5 * (1 + std::cos(pi * (epoch - kRateWarmUp) / std::max(1.0, num_epochs - kRateWarmUp)));
}

UNet seeded_network(std::uint32_t seed) {
  torch::manual_seed(seed);
  return UNet();
}

/// Fisher and Yates: std::shuffle differs from library to library.
std::vector<std::int64_t> shuffled(std::int64_t count, std::mt19937& random) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  for (std::size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[random() % i]);
  return indices;
}

std::mt19937 epoch_generator(std::uint32_t seed, std::int64_t epoch) {
  std::seed_seq sequence{seed, static_cast<std::uint32_t>(epoch)};
  return std::mt19937(sequence);
}

/// Sums over the steps of an epoch.
struct EpochSums {
  double num_images = 0, cross_entropy = 0, affinity = 0;
  double data_seconds = 0, step_seconds = 0, cross_entropy_seconds = 0, affinity_seconds = 0;

  nlohmann::json record() const {
    return {{"cross_entropy", cross_entropy / num_images},
            {"ar_loss", affinity_seconds > 0 ? nlohmann::json(affinity / num_images) : nlohmann::json()},
            {"seconds",
             {{"data", data_seconds},
              {"step", step_seconds},
              {"cross_entropy", cross_entropy_seconds},
              {"ar_loss", affinity_seconds}}}};
  }
};

std::string loss_note(const EpochSums& sums) {
  char text[80];
  std::snprintf(text, sizeof text, "cross-entropy %.3f  AR loss %.4f", sums.cross_entropy / sums.num_images,
                sums.affinity / sums.num_images);
  return text;
}

}  // namespace

Trainer::Trainer(const Settings& settings, const Samples& training)
    : network(seeded_network(settings.seed)),
      optimizer(network->parameters(), torch::optim::AdamWOptions(settings.learning_rate).weight_decay(kWeightDecay)),
      settings_(settings),
      training_(training),
      loss_(settings, training) {}

std::int64_t Trainer::steps_per_epoch() const { return (training_.size() + settings_.batch - 1) / settings_.batch; }

Trainer::StepRecord Trainer::run_step(const torch::Tensor& images, const torch::Tensor& labels, std::int64_t step) {
  const Stopwatch stopwatch;
  // In the middle of the step, so that the first has a rate, too.
  const double epoch = (static_cast<double>(step) + 0.5) / static_cast<double>(steps_per_epoch());
  const double rate = settings_.learning_rate * relative_rate(epoch, static_cast<double>(settings_.epochs));
  for (torch::optim::OptimizerParamGroup& group : optimizer.param_groups()) group.options().set_lr(rate);

  const torch::Tensor logits = network->forward(images);
  StepRecord record{loss_.cross_entropy(logits, labels), {}, 0};
  torch::Tensor gradient = record.cross_entropy.gradient;
  if (settings_.loss_weight > 0) {
    const double warmth = settings_.warm_up > 0 ? std::min(1.0, epoch / settings_.warm_up) : 1;
    record.affinity = loss_.affinity(logits, labels, warmth * settings_.loss_weight);
    gradient = gradient + record.affinity.gradient;
  }
  optimizer.zero_grad();
  logits.backward(gradient);
  optimizer.step();
  record.seconds = stopwatch.seconds();
  return record;
}

std::optional<nlohmann::json> Trainer::run_epoch(std::int64_t epoch) {
  std::mt19937 random = epoch_generator(settings_.seed, epoch);
  const std::vector<std::int64_t> order = shuffled(training_.size(), random);
  const std::int64_t num_steps = steps_per_epoch();
  const ProgressBar bar("epoch " + std::to_string(epoch + 1) + "/" + std::to_string(settings_.epochs), num_steps);
  network->train();
  EpochSums sums;
  for (std::int64_t step = 0; step < num_steps; ++step) {
    if (settings_.max_steps > 0 && steps_taken_ == settings_.max_steps) return std::nullopt;
    const auto first = order.begin() + step * settings_.batch;
    const auto last = order.end() - first < settings_.batch ? order.end() : first + settings_.batch;
    const Stopwatch stopwatch;
    const auto [images, labels] = augmented_batch(training_, {first, last}, random);
    sums.data_seconds += stopwatch.seconds();

    const StepRecord record = run_step(images, labels, epoch * num_steps + step);
    ++steps_taken_;
    const auto num_images = static_cast<double>(last - first);
    sums.num_images += num_images;
    sums.cross_entropy += num_images * record.cross_entropy.value;
    sums.affinity += num_images * record.affinity.value;
    sums.step_seconds += record.seconds;
    sums.cross_entropy_seconds += record.cross_entropy.seconds;
    sums.affinity_seconds += record.affinity.seconds;
    bar.show(step + 1, loss_note(sums));
  }
  bar.clear();
  return sums.record();
}

}  // namespace camvid
