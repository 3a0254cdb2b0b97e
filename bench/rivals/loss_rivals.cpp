// The rivals that compute the same loss, held against the library.
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

/// |a - b| / |b|
double relative_distance(const float* a, const std::vector<float>& b) {
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    distance += difference * difference;
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(distance / norm);
}

/// Writes to the loss and gradient of the library's case.
template <typename Rival>
class LossRival final : public TimedCall {
 public:
  LossRival(const CaseSettings& settings, Rival rival, double extra_bytes)
      : case_(prepare(settings)),
        data_(data_of(settings.workload)),
        rival_(std::move(rival)),
        extra_bytes_(extra_bytes) {}

  void check() override {
    const std::vector<float> logits = random_logits(case_->settings().workload);
    case_->set_logits(logits.data());
    case_->run(arloss_forward_backward);
    case_->set_logits(data_.logits.data());
    const double loss = case_->loss();
    const std::vector<float> gradient(case_->gradient(), case_->gradient() + logits.size());
    poison();
    run_on(logits);
    const double loss_error = std::fabs(case_->loss() / loss - 1);
    const double gradient_error = relative_distance(case_->gradient(), gradient);
    if (!(loss_error <= kTolerance) || !(gradient_error <= kTolerance))
      throw std::runtime_error("differs from the library: loss by " + std::to_string(loss_error) + ", gradient by " +
                               std::to_string(gradient_error));
  }
  void poison() override { case_->poison(); }
  void run() override { run_on(data_.logits); }
  bool has_worked() const override { return case_->has_loss() && case_->has_gradient(); }
  CallCost cost() const override {
    return {case_->cost().items, 3 * case_->logits_bytes() + 2 * extra_bytes_ + case_->labels_bytes(), rival_.flops(),
            extra_bytes_};
  }

 private:
  void run_on(const std::vector<float>& logits) {
    case_->set_loss(rival_.run(logits.data(), data_.labels.data(), case_->gradient()));
  }

  std::shared_ptr<PreparedCase> case_;
  const WorkloadData& data_;
  Rival rival_;
  double extra_bytes_;
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
