#include "pair_report.h"

#include "report_text.h"

namespace bench {
namespace {

using nlohmann::ordered_json;

ordered_json describe(const PairCase& timed) {
  ordered_json json = describe(timed.timed);
  json.update({{"call", timed.has_gradient ? "forward_backward" : "forward"},
               {"hard_labels", timed.is_hard()},
               {"pairs", timed.num_pairs()}});
  return json;
}

/// "W1    19 HUBER exact    1      forward_backward ": which case it is.
std::string case_of(const ordered_json& timed) {
  const std::string penalty = timed["penalty"].get<std::string>() + (timed["exact"] == true ? " exact" : "");
  return formatted("%-4s %4d %-14s %-6s %-16s ", timed["workload"].get<std::string>().c_str(),
                   timed["classes"].get<int>(), penalty.c_str(), joined(timed["scales"]).c_str(),
                   timed["call"].get<std::string>().c_str());
}

}  // namespace

ordered_json to_json(const InstructionRates& rates) {
  return {{"mma_per_second", rates.mma}, {"ffma_per_second", rates.ffma}, {"cases", ordered_json::array()}};
}

ordered_json to_json(const PairCase& timed, const PairTiming& timing, const InstructionRates& rates) {
  ordered_json json = describe(timed);
  const double seconds = 1e-6 * timing.kernel_microseconds;
  json.update({{"outcome", "timed"},
               {"loss", timing.loss},
               {"replays", timing.num_replays},
               {"call_us", to_json(timing.call)},
               {"kernel", timing.kernel},
               {"kernel_us", timing.kernel_microseconds},
               {"pairs_per_second", 1e6 * timed.num_pairs() / timing.call.median},
               {"goal", timed.goal},
               {"mma", timing.work.mma},
               {"instructions", timing.work.issued()},
               {"share_of_mma_rate", timing.work.mma / seconds / rates.mma},
               {"share_of_ffma_rate", timing.work.issued() / seconds / rates.ffma}});
  return json;
}

ordered_json to_json(const PairCase& timed, const std::string& outcome, const std::string& reason) {
  ordered_json json = describe(timed);
  json.update({{"outcome", outcome}, {"reason", reason}});
  return json;
}

std::string pair_head(const ordered_json& pairs) {
  return formatted(
      "mma.m16n8k16 %.3g /s, FFMA %.3g warp instructions /s; pairs are ordered, and the call's; shares the "
      "kernel's least work at these rates\n%-4s %4s %-14s %-6s %-16s %9s %11s %11s %9s %9s %6s %6s  %s\n",
      pairs["mma_per_second"].get<double>(), pairs["ffma_per_second"].get<double>(), "", "C", "penalty", "scales",
      "call", "pairs", "call us", "kernel us", "pairs/s", "goal", "mma %", "ffma %", "kernel");
}

std::string pair_row_of(const ordered_json& timed) {
  if (timed["outcome"] != "timed") {
    return case_of(timed) + timed["outcome"].get<std::string>() + ": " + timed["reason"].get<std::string>();
  }
  const double goal = timed["goal"].get<double>();
  return case_of(timed) +
         formatted("%9.3g %11.1f %11.1f %9.3g %9s %6.1f %6.1f  %s", timed["pairs"].get<double>(),
                   timed["call_us"]["median"].get<double>(), timed["kernel_us"].get<double>(),
                   timed["pairs_per_second"].get<double>(), goal > 0 ? formatted(">= %.2g", goal).c_str() : "",
                   100 * timed["share_of_mma_rate"].get<double>(), 100 * timed["share_of_ffma_rate"].get<double>(),
                   timed["kernel"].get<std::string>().c_str());
}

std::string pair_lines(const ordered_json& pairs) {
  std::string text = pair_head(pairs);
  for (const ordered_json& timed : pairs["cases"]) text += pair_row_of(timed) + '\n';
  return text;
}

}  // namespace bench
