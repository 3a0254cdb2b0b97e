#include "support/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

namespace support {
namespace {

struct Worst {
  int runs = 0;
  double loss = 0, gradient = 0;
};

using Key = std::tuple<std::string, std::string, std::string>;  // route, regime, dtype

std::map<Key, Worst>& records() {
  static std::map<Key, Worst> map;
  return map;
}

class TablePrinter : public ::testing::Environment {
 public:
  void TearDown() override {
    if (records().empty()) return;
    std::printf("\nWorst error / bound\n%-18s %-20s %-9s %6s %9s %9s\n", "route", "regime", "dtype", "runs", "loss",
                "gradient");
    for (const auto& [key, worst] : records())
      std::printf("%-18s %-20s %-9s %6d %9.4f %9.4f\n", std::get<0>(key).c_str(), std::get<1>(key).c_str(),
                  std::get<2>(key).c_str(), worst.runs, worst.loss, worst.gradient);
  }
};

::testing::Environment* const kPrinter = ::testing::AddGlobalTestEnvironment(new TablePrinter);

}  // namespace

void record_accuracy(const std::string& route, const std::string& regime, const std::string& dtype, double loss_share,
                     double gradient_share) {
  (void)kPrinter;
  Worst& worst = records()[{route, regime, dtype}];
  ++worst.runs;
  worst.loss = std::max(worst.loss, loss_share);
  worst.gradient = std::max(worst.gradient, gradient_share);
}

}  // namespace support
