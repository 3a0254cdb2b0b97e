// The rivals that compute the same loss, held against the library.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "materialised.h"
#include "rivals.h"
#include "textbook_factored.h"
#include "workload_data.h"

namespace bench {
namespace {

constexpr double kTolerance = 1e-3;  // of the loss, and of the gradient's norm

/// Of |a - b| / |b|.
double relative_distance(const AlignedMemory<float>& a, const float* b) {
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    distance += difference * difference;
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(distance / norm);
}

template <typename Rival>
class LossRival final : public TimedCall {
 public:
  LossRival(const CaseSettings& settings, Rival rival, double extra_bytes)
      : settings_(settings),
        data_(data_of(settings.workload)),
        rival_(std::move(rival)),
        extra_bytes_(extra_bytes),
        gradient_(data_.logits.size()) {}

  void check() override {
    const std::shared_ptr<PreparedCase> reference = prepare(settings_);
    reference->set_logits(data_.random_logits.data());
    reference->run(arloss_forward_backward);
    reference->set_logits(data_.logits.data());
    poison();
    loss_ = rival_.run(data_.random_logits.data(), data_.labels.data(), gradient_.data());
    const double loss_error = std::fabs(loss_ / static_cast<double>(reference->loss()) - 1);
    const double gradient_error = relative_distance(gradient_, reference->gradient());
    if (!(loss_error <= kTolerance) || !(gradient_error <= kTolerance))
      throw std::runtime_error("differs from the library: loss by " + std::to_string(loss_error) + ", gradient by " +
                               std::to_string(gradient_error));
  }
  void poison() override {
    loss_ = NAN;
    std::fill(gradient_.begin(), gradient_.end(), NAN);
  }
  void run() override { loss_ = rival_.run(data_.logits.data(), data_.labels.data(), gradient_.data()); }
  bool has_worked() const override {
    return std::isfinite(loss_) &&
           std::none_of(gradient_.begin(), gradient_.end(), [](float g) { return std::isnan(g); }) &&
           std::any_of(gradient_.begin(), gradient_.end(), [](float g) { return g != 0; });
  }
  CallCost cost() const override {
    const double logits_bytes = static_cast<double>(settings_.logits_bytes());
    return {static_cast<double>(settings_.workload.batch * settings_.workload.cells()),
            3 * logits_bytes + 2 * extra_bytes_ + static_cast<double>(data_.labels.size()), rival_.flops(),
            extra_bytes_};
  }

 private:
  CaseSettings settings_;
  const WorkloadData& data_;
  Rival rival_;
  double extra_bytes_;
  AlignedMemory<float> gradient_;
  float loss_ = 0;
};

}  // namespace

std::unique_ptr<TimedCall> make_materialised(const CaseSettings& s) {
  const PairPenalty penalty = s.penalty == ARLOSS_PENALTY_HUBER ? PairPenalty::kHuber : PairPenalty::kSquared;
  return std::make_unique<LossRival<Materialised>>(
      s, Materialised(s.workload, s.scales, penalty, s.penalty_param, s.num_threads), materialised_bytes(s));
}

double materialised_bytes(const CaseSettings& s) { return Materialised::needed_bytes(s.workload, s.scales.size()); }

double factored_bytes(const CaseSettings& s) {
  return static_cast<double>(s.logits_bytes()) * static_cast<double>(1 + s.scales.size());
}

namespace {

std::unique_ptr<TimedCall> make_in_chunks(const CaseSettings& s, ChunkSize size) {
  TextbookFactored rival(s.workload, s.scales, s.num_threads, size);
  const auto bytes = static_cast<double>(rival.bytes());
  return std::make_unique<LossRival<TextbookFactored>>(s, std::move(rival), bytes);
}

}  // namespace

std::unique_ptr<TimedCall> make_factored(const CaseSettings& s) { return make_in_chunks(s, ChunkSize::kShare); }

std::unique_ptr<TimedCall> make_factored_blocked(const CaseSettings& s) { return make_in_chunks(s, ChunkSize::kCache); }

}  // namespace bench
