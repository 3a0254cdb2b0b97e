#include "training.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace demo {
namespace {

/// Adam (Kingma and Ba, 2015), its step shrinking to zero along a half cosine. Of use here because the mean over all
/// pairs makes a gradient of about 1 / num_cells per logit, and Adam's step does not depend on the gradient's size.
class Adam {
 public:
  Adam(size_t size, int64_t num_steps) : mean_(size), square_(size), num_steps_(num_steps) {}

  void step(const std::vector<float> &gradient, std::vector<float> &values) {
    ++step_;
    const double t = static_cast<double>(step_), n = static_cast<double>(num_steps_);
    const double rate = kRate * 0.5 * (1 + std::cos(kPi * (t - 1) / n));
    const auto scale =
        static_cast<float>(rate * std::sqrt(1 - std::pow(kSquareDecay, t)) / (1 - std::pow(kMeanDecay, t)));
    for (size_t e = 0; e < values.size(); ++e) {
      mean_[e] = kMeanDecay * mean_[e] + (1 - kMeanDecay) * gradient[e];
      square_[e] = kSquareDecay * square_[e] + (1 - kSquareDecay) * gradient[e] * gradient[e];
      values[e] -= scale * mean_[e] / (std::sqrt(square_[e]) + kTiny);
    }
  }

 private:
  static constexpr double kPi = 3.14159265358979323846;
  static constexpr double kRate = 0.3;  // logits move by at most about this much per step
  static constexpr float kMeanDecay = 0.9f, kSquareDecay = 0.99f;
  static constexpr float kTiny = 1e-12f;  // far below 1 / num_cells; a gradient of exactly 0 gives a step of 0

  std::vector<float> mean_, square_;
  int64_t num_steps_, step_ = 0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Descent descend(AffinityLoss &loss, std::vector<float> &logits, int64_t num_steps, const Progress &progress) {
  using Clock = std::chrono::steady_clock;
  std::vector<float> gradient(logits.size());
  std::vector<double> call_ms;
  const auto timed_loss = [&] {
    const Clock::time_point start = Clock::now();
    const float value = loss.loss_and_gradient(logits, gradient);
    call_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    return static_cast<double>(value);
  };

  Descent descent;
  Adam adam(logits.size(), num_steps);
  for (int64_t step = 1; step <= num_steps; ++step) {
    const double value = timed_loss();
    if (step == 1) descent.loss_before = value;
    adam.step(gradient, logits);
    progress(step, value);
  }
  descent.loss_after = timed_loss();
  descent.median_call_ms = median(call_ms);
  descent.num_calls = static_cast<int64_t>(call_ms.size());
  return descent;
}

}  // namespace demo
