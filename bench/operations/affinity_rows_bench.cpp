// arloss_affinity_rows: the residual A - B of 16 cells against all of their image, as a picture of them needs.
#include <algorithm>
#include <cmath>
#include <vector>

#include "operations.h"

namespace bench {
namespace {

constexpr std::int64_t kRows = 16;

class AffinityRows final : public TimedCall {
 public:
  explicit AffinityRows(const CaseSettings& settings)
      : case_(prepare(settings)), out_(static_cast<std::size_t>(kRows * settings.workload.cells())) {
    for (std::int64_t r = 0; r < kRows; ++r) {
      images_.push_back(r % settings.workload.batch);
      cells_.push_back((2 * r + 1) * settings.workload.cells() / (2 * kRows));
    }
  }
  void check() override { run(); }
  void poison() override { std::fill(out_.begin(), out_.end(), NAN); }
  void run() override { case_->affinity_rows(images_, cells_, out_.data()); }
  bool has_worked() const override {
    return std::none_of(out_.begin(), out_.end(), [](float d) { return std::isnan(d); }) &&
           std::any_of(out_.begin(), out_.end(), [](float d) { return d != 0; });
  }
  CallCost cost() const override {
    const CpuWorkload& w = case_->settings().workload;
    const double entries = static_cast<double>(out_.size());
    const double images = static_cast<double>(std::min(w.batch, kRows)) / static_cast<double>(w.batch);
    return {entries, images * (case_->logits_bytes() + case_->labels_bytes()) + static_cast<double>(out_.bytes()),
            2 * static_cast<double>(w.classes) * entries, case_->cost().extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
  AlignedMemory<float> out_;
  std::vector<std::int64_t> images_, cells_;
};

}  // namespace

std::unique_ptr<TimedCall> make_affinity_rows(const CaseSettings& settings) {
  return std::make_unique<AffinityRows>(settings);
}

}  // namespace bench
