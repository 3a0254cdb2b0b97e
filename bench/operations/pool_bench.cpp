// Label pooling as arloss_label_distribution shows it: from the label map to the dense distribution of every scale, one
// call a scale. Training never writes that distribution, so this is more than pooling costs inside a forward.
#include "operations.h"

namespace bench {
namespace {

class Pool final : public TimedCall {
 public:
  explicit Pool(const CaseSettings& settings)
      : case_(prepare(settings)),
        out_(settings.device->allocate(static_cast<std::size_t>(settings.workload.logits()) * sizeof(float))) {}
  void check() override { run(); }
  void poison() override { out_->poison(); }
  void run() override {
    for (std::size_t k = 0; k < case_->settings().scales.size(); ++k)
      case_->label_distribution(static_cast<std::int32_t>(k), *out_);
  }
  bool has_worked() const override { return holds_results(*out_, ARLOSS_DTYPE_FLOAT32); }
  CallCost cost() const override {
    const double scales = static_cast<double>(case_->settings().scales.size());
    const CallCost both = case_->cost();
    return {both.items, scales * (case_->labels_bytes() + static_cast<double>(out_->bytes())), 0, both.extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
  std::unique_ptr<CallMemory> out_;
};

}  // namespace

std::unique_ptr<TimedCall> make_pool(const CaseSettings& settings) { return std::make_unique<Pool>(settings); }

}  // namespace bench
