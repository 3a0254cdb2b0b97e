// arloss_affinity_rows: the residual A - B of 16 cells against all of their image, as a picture of them needs.
#include <algorithm>
#include <vector>

#include "operations.h"

namespace bench {
namespace {

constexpr std::int64_t kRows = 16;

class AffinityRows final : public TimedCall {
 public:
  explicit AffinityRows(const CaseSettings& settings) : case_(prepare(settings)) {
    for (std::int64_t r = 0; r < kRows; ++r) {
      host_images_.push_back(r % settings.workload.batch);
      host_cells_.push_back((2 * r + 1) * settings.workload.cells() / (2 * kRows));
    }
    images_ = settings.device->hold(host_images_.data(), kRows * sizeof(std::int64_t));
    cells_ = settings.device->hold(host_cells_.data(), kRows * sizeof(std::int64_t));
    out_ = settings.device->allocate(static_cast<std::size_t>(kRows * settings.workload.cells()) * sizeof(float));
  }
  void check() override { run(); }
  void poison() override { out_->poison(); }
  void run() override { case_->affinity_rows(*images_, *cells_, *out_); }
  bool has_worked() const override { return holds_results(*out_, ARLOSS_DTYPE_FLOAT32); }
  CallCost cost() const override {
    const BenchWorkload& w = case_->settings().workload;
    const double bytes = static_cast<double>(out_->bytes()), entries = bytes / sizeof(float);
    const double images = static_cast<double>(std::min(w.batch, kRows)) / static_cast<double>(w.batch);
    return {entries, images * (case_->logits_bytes() + case_->labels_bytes()) + bytes,
            2 * static_cast<double>(w.classes) * entries, case_->cost().extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
  std::vector<std::int64_t> host_images_, host_cells_;
  std::unique_ptr<CallMemory> images_, cells_, out_;
};

}  // namespace

std::unique_ptr<TimedCall> make_affinity_rows(const CaseSettings& settings) {
  return std::make_unique<AffinityRows>(settings);
}

}  // namespace bench
