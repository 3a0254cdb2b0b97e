// Label pooling as arloss_label_distribution shows it: from the label map to the dense distribution of every scale, one
// call a scale. Training never writes that distribution, so this is more than pooling costs inside a forward.
#include <algorithm>
#include <cmath>

#include "operations.h"

namespace bench {
namespace {

class Pool final : public TimedCall {
 public:
  explicit Pool(const CaseSettings& settings)
      : case_(prepare(settings)), out_(static_cast<std::size_t>(settings.workload.logits())) {}
  void check() override { run(); }
  void poison() override { std::fill(out_.begin(), out_.end(), NAN); }
  void run() override {
    for (std::size_t k = 0; k < case_->settings().scales.size(); ++k)
      case_->label_distribution(static_cast<std::int32_t>(k), out_.data());
  }
  bool has_worked() const override {
    return std::none_of(out_.begin(), out_.end(), [](float share) { return std::isnan(share); }) &&
           std::any_of(out_.begin(), out_.end(), [](float share) { return share > 0; });
  }
  CallCost cost() const override {
    const double scales = static_cast<double>(case_->settings().scales.size());
    const CallCost both = case_->cost();
    return {both.items, scales * (case_->labels_bytes() + static_cast<double>(out_.bytes())), 0, both.extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
  AlignedMemory<float> out_;
};

}  // namespace

std::unique_ptr<TimedCall> make_pool(const CaseSettings& settings) { return std::make_unique<Pool>(settings); }

}  // namespace bench
