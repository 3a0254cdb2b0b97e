// arloss_check: the look at a batch before it is trusted.
#include "operations.h"

namespace bench {
namespace {

class Check final : public TimedCall {
 public:
  explicit Check(const CaseSettings& settings) : case_(prepare(settings)) {}
  void check() override { run(); }
  void poison() override { report_ = {}; }
  void run() override { report_ = case_->inspect(); }
  bool has_worked() const override { return report_.valid_cells > 0 && report_.nonfinite_logits == 0; }
  CallCost cost() const override {
    const CallCost both = case_->cost();
    return {both.items, case_->logits_bytes() + case_->labels_bytes(), 0, both.extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
  arloss_report_t report_{};
};

}  // namespace

std::unique_ptr<TimedCall> make_check(const CaseSettings& settings) { return std::make_unique<Check>(settings); }

}  // namespace bench
