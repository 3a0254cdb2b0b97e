#include "gpu_report.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "pair_report.h"
#include "report_text.h"

namespace bench {
namespace {

using nlohmann::ordered_json;

/// The goals are those of one scale and uint8 labels.
double goal_of(const Case& timed) {
  if (timed.scales.size() > 1 || timed.labels_dtype != ARLOSS_DTYPE_UINT8) return 0;
  return timed.logits_dtype == ARLOSS_DTYPE_FLOAT32 ? timed.workload.goal_float32 : timed.workload.goal_bfloat16;
}

/// Empty for 0, which stands for nothing.
std::string shown(const ordered_json& ratio) {
  return ratio.get<double>() > 0 ? formatted("%.2f", ratio.get<double>()) : "";
}

/// Lines of fields with tabs between, as the script writes them; none where there is no such file.
std::vector<std::vector<std::string>> read_fields(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> fields;
    std::istringstream text(line);
    for (std::string field; std::getline(text, field, '\t');) fields.push_back(field);
    lines.push_back(fields);
  }
  return lines;
}

/// Null where there is no such file.
ordered_json read_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? ordered_json(line) : ordered_json();
}

/// Null where there is no such file.
ordered_json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return file ? ordered_json::parse(file) : ordered_json();
}

/// As a list of objects with those names; null where there is no such file.
ordered_json read_outcomes(const std::filesystem::path& path, const std::vector<std::string>& names) {
  ordered_json outcomes;
  for (const std::vector<std::string>& fields : read_fields(path)) {
    ordered_json outcome;
    for (std::size_t i = 0; i < names.size() && i < fields.size(); ++i) outcome[names[i]] = fields[i];
    outcomes.push_back(outcome);
  }
  return outcomes;
}

std::string outcome_lines(const ordered_json& outcomes) {
  if (outcomes.is_null()) return "not run\n";
  std::string text;
  for (const ordered_json& outcome : outcomes) {
    for (const auto& [name, value] : outcome.items()) {
      text += (name == outcome.begin().key() ? "" : "  ") + formatted("%-24s", value.get<std::string>().c_str());
    }
    text += '\n';
  }
  return text;
}

/// "W1   float32  uint8  1      ": which case it is.
std::string case_of(const ordered_json& timed) {
  return formatted("%-4s %-8s %-6s %-6s ", timed["workload"].get<std::string>().c_str(),
                   timed["logits"].get<std::string>().c_str(), timed["labels"].get<std::string>().c_str(),
                   joined(timed["scales"]).c_str());
}

/// What each launch of loss and gradient takes.
std::string launch_lines(const ordered_json& timings) {
  if (timings.is_null()) return "not run\n";
  std::string text;
  for (const ordered_json& timed : timings) {
    if (timed["outcome"] != "timed") continue;
    text += case_of(timed);
    for (const ordered_json& launch : timed["launches"]) {
      text += formatted(" %s %.1f ", launch["name"].get<std::string>().c_str(), launch["us"].get<double>());
    }
    text += '\n';
  }
  return text;
}

std::string timing_lines(const ordered_json& timings) {
  if (timings.is_null()) return "not run\n";
  std::string text = formatted("%-4s %-8s %-6s %-6s %9s %9s %6s %5s %6s %9s %9s %7s\n", "", "logits", "labels",
                               "scales", "copy us", "f+b us", "ratio", "goal", "x one", "fwd us", "bwd us", "extra %");
  for (const ordered_json& timed : timings) text += row_of(timed) + '\n';
  return text;
}

}  // namespace

ordered_json to_json(const DeviceFacts& facts) {
  return {{"name", facts.name},
          {"compute_capability", std::to_string(facts.major) + "." + std::to_string(facts.minor)},
          {"multiprocessors", facts.multiprocessors},
          {"clock_mhz", facts.clock_mhz},
          {"memory_clock_mhz", facts.memory_clock_mhz},
          {"memory_bus_bits", facts.memory_bus_bits},
          {"memory_bytes", facts.memory_bytes},
          {"l2_bytes", facts.l2_bytes},
          {"shared_bytes_per_multiprocessor", facts.shared_bytes_per_multiprocessor},
          {"driver", facts.driver},
          {"driver_cuda_version", facts.driver_cuda_version},
          {"runtime_cuda_version", facts.runtime_cuda_version},
          {"memcpy_bytes_per_second", facts.memcpy_bytes_per_second},
          {"copy_kernel_bytes_per_second", facts.copy_kernel_bytes_per_second},
          {"half_mma_flops_per_second", facts.half_mma_flops_per_second},
          {"ffma_warp_instructions_per_second", facts.ffma_warp_instructions_per_second},
          {"empty_graph_us", facts.empty_graph_microseconds}};
}

ordered_json to_json(const Case& timed, const CaseTiming& timing) {
  ordered_json json = describe(timed);
  json.update({{"outcome", "timed"},
               {"state_bytes", timing.state_bytes},
               {"workspace_bytes", timing.workspace_bytes},
               {"loss", timing.loss},
               {"memcpy_us", to_json(timing.memcpy)},
               {"copy_kernel_us", to_json(timing.copy_kernel)},
               {"copy_us", timing.copy_microseconds()},
               {"forward_backward_us", to_json(timing.forward_backward)},
               {"forward_us", to_json(timing.forward)},
               {"backward_us", to_json(timing.backward)},
               {"ratio", timing.ratio()},
               {"goal", goal_of(timed)},
               {"launches", ordered_json::array()}});
  for (const LaunchTiming& launch : timing.launches) {
    json["launches"].push_back({{"name", launch.name}, {"us", launch.microseconds}});
  }
  return json;
}

ordered_json to_json(const Case& timed, const std::string& outcome, const std::string& reason) {
  ordered_json json = describe(timed);
  json.update({{"outcome", outcome}, {"reason", reason}});
  return json;
}

std::string lines_of(const ordered_json& facts) {
  std::string text;
  for (const auto& [name, value] : facts.items()) {
    const std::string shown = value.is_string()         ? value.get<std::string>()
                              : value.is_number_float() ? formatted("%.4g", value.get<double>())
                                                        : value.dump();
    text += formatted("%-34s %s\n", name.c_str(), shown.c_str());
  }
  return text;
}

std::string row_of(const ordered_json& timed) {
  if (timed["outcome"] != "timed") {
    return case_of(timed) + timed["outcome"].get<std::string>() + ": " + timed["reason"].get<std::string>();
  }
  const double extra_bytes = timed["state_bytes"].get<double>() + timed["workspace_bytes"].get<double>();
  return case_of(timed) + formatted("%9.1f %9.1f %6.2f %5s %6s %9.1f %9.1f %7.1f", timed["copy_us"].get<double>(),
                                    timed["forward_backward_us"]["median"].get<double>(), timed["ratio"].get<double>(),
                                    shown(timed["goal"]).c_str(), shown(timed["times_one_scale"]).c_str(),
                                    timed["forward_us"]["median"].get<double>(),
                                    timed["backward_us"]["median"].get<double>(),
                                    100 * extra_bytes / timed["logits_bytes"].get<double>());
}

void write_json(const std::filesystem::path& path, const ordered_json& value) {
  std::ofstream file(path);
  file << value.dump(2) << '\n';
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::string write_table(const std::filesystem::path& results) {
  const ordered_json all = {{"commit", read_line(results / "commit.txt")},
                            {"device", read_json(results / "facts.json")},
                            {"tests", read_outcomes(results / "test.tsv", {"program", "outcome", "seconds"})},
                            {"sanitizer", read_outcomes(results / "sanitize.tsv", {"tool", "outcome"})},
                            {"timings", read_json(results / "time.json")},
                            {"pairs", read_json(results / "pairs.json")}};
  write_json(results / "table.json", all);
  const std::string commit = all["commit"].is_null() ? "not known" : all["commit"].get<std::string>();
  const std::string table =
      "COMMIT\n" + commit + "\n\nDEVICE\n" + (all["device"].is_null() ? "not run\n" : lines_of(all["device"])) +
      "\nTESTS\n" + outcome_lines(all["tests"]) + "\nCOMPUTE-SANITIZER\n" + outcome_lines(all["sanitizer"]) +
      "\nTIMINGS\n" + timing_lines(all["timings"]) + "\nMICROSECONDS OF EACH LAUNCH\n" + launch_lines(all["timings"]) +
      "\nALL PAIRS\n" + (all["pairs"].is_null() ? "not run\n" : pair_lines(all["pairs"]));
  std::ofstream file(results / "table.txt");
  file << table;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + (results / "table.txt").string());
  return table;
}

}  // namespace bench
