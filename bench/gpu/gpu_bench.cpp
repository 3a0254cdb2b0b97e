// gpu_bench: what a device does, and how long the loss and its gradient take on it. gpu.sh runs it stage by stage.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "case_timing.h"
#include "gpu_report.h"
#include "instruction_rates.h"
#include "measured_device.h"
#include "pair_report.h"
#include "workloads.h"

namespace bench {
namespace {

constexpr int kNoDevice = 77;  // what CTest and the script take for a skip
constexpr int kWarmUps = 3;    // chosen: the first uploads the graph, the clocks rise under the others
constexpr Replays kTinyReplays = {0, 1};

struct Arguments {
  std::vector<std::string> stages;
  std::vector<std::string> workloads;
  std::filesystem::path results = "results";
  int num_replays = 51;  // chosen: a median of at least 50
  bool is_tiny = false;
};

ProbeSize probe_size(const Arguments& arguments) {
  if (arguments.is_tiny) return {std::size_t{1} << 16, 2, kTinyReplays};
  // Chosen: 1 GiB, far above any cache, and half a millisecond of products at 600 Tflop/s.
  return {std::size_t{1} << 30, 4096, {kWarmUps, 20}};
}

TimingSettings timing_settings(const Arguments& arguments) {
  if (arguments.is_tiny) return {kTinyReplays, std::size_t{1} << 16};
  return {{kWarmUps, arguments.num_replays},
          3 * query_device().l2_bytes};  // chosen: caches do not drop the oldest first
}

void run_facts(const Arguments& arguments) {
  const nlohmann::ordered_json facts = to_json(measure_device(probe_size(arguments)));
  std::printf("%s", lines_of(facts).c_str());
  write_json(arguments.results / "facts.json", facts);
}

/// What time(), a case's times as JSON, comes to: its case where it has none.
template <class TimedCase, class Time>
nlohmann::ordered_json outcome_of(const TimedCase& timed, const Time& time) {
  try {
    return time();
  } catch (const Unsupported& refusal) {
    return to_json(timed, "unsupported", refusal.reason);
  } catch (const std::exception& failure) {
    return to_json(timed, "failed", failure.what());
  }
}

/// Calls body(workload) for those that were asked for.
template <class Body>
void for_each_workload(const Arguments& arguments, const Body& body) {
  const auto& chosen = arguments.workloads;
  for (const Workload& listed : kWorkloads)
    if (chosen.empty() || std::find(chosen.begin(), chosen.end(), listed.name) != chosen.end())
      body(arguments.is_tiny ? shrunk(listed) : listed);
}

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// How many times as long a case of several scales takes as that of one, which comes before it.
void compare_scales(nlohmann::ordered_json& timings) {
  auto& last = timings.back();
  last["times_one_scale"] = 0;
  if (last["outcome"] != "timed" || last["scales"].size() == 1) return;
  const auto& one = timings[timings.size() - 2];
  if (one["outcome"] != "timed") return;
  last["times_one_scale"] =
      last["forward_backward_us"]["median"].get<double>() / one["forward_backward_us"]["median"].get<double>();
}

/// Did no case fail?
bool run_time(const Arguments& arguments) {
  const TimingSettings settings = timing_settings(arguments);
  nlohmann::ordered_json timings = nlohmann::ordered_json::array();
  bool is_clean = true;
  for_each_workload(arguments, [&](const Workload& workload) {
    const HostBatch batch = make_batch(workload);
    for (const Case& timed : cases_of(workload)) {
      timings.push_back(outcome_of(timed, [&] { return to_json(timed, time_case(timed, batch, settings)); }));
      compare_scales(timings);
      is_clean = is_clean && timings.back()["outcome"] != "failed";
      print_line(row_of(timings.back()));
      write_json(arguments.results / "time.json", timings);  // each time: a run that is cut off leaves what it has
    }
  });
  return is_clean;
}

/// Likewise.
bool run_pairs(const Arguments& arguments) {
  const TimingSettings settings = timing_settings(arguments);
  const ProbeSize probe = probe_size(arguments);
  const InstructionRates rates = measure_instruction_rates(probe.instruction_steps, probe.replays);
  nlohmann::ordered_json pairs = to_json(rates);
  nlohmann::ordered_json& cases = pairs["cases"];
  bool is_clean = true;
  std::printf("%s", pair_head(pairs).c_str());
  for_each_workload(arguments, [&](const Workload& listed) {
    if (!has_pair_cases(listed)) return;
    for (const Workload& workload : {with_labels_of_grid(listed), listed}) {
      const HostBatch batch = make_batch(workload);
      for (const PairCase& timed : pair_cases_of(workload)) {
        cases.push_back(outcome_of(timed, [&] { return to_json(timed, time_pairs(timed, batch, settings), rates); }));
        is_clean = is_clean && cases.back()["outcome"] != "failed";
        print_line(pair_row_of(cases.back()));
        write_json(arguments.results / "pairs.json", pairs);
      }
    }
  });
  return is_clean;
}

bool run_stage(const std::string& stage, const Arguments& arguments) {
  if (stage == "device") std::printf("%s\n", query_device().name.c_str());
  if (stage == "facts") run_facts(arguments);
  if (stage == "time") return run_time(arguments);
  if (stage == "pairs") return run_pairs(arguments);
  if (stage == "table") std::printf("%s", write_table(arguments.results).c_str());
  return true;
}

void declare_options(CLI::App& app, Arguments& arguments) {
  app.add_option(
         "STAGE", arguments.stages,
         "device: is there one; facts: its properties and measured rates; time: the workloads; pairs: those whose "
         "every pair is visited; table: one table of all results")
      ->required()
      ->check(CLI::IsMember({"device", "facts", "time", "pairs", "table"}));
  app.add_option("--results", arguments.results, "Folder of the results, made where missing")->capture_default_str();
  app.add_option("--workloads", arguments.workloads, "Those to time, as W1,W5; default: all")->delimiter(',');
  app.add_option("--replays", arguments.num_replays, "Replays a time is the median of")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_flag("--tiny", arguments.is_tiny, "Shrunken workloads, to see that everything runs");
  app.footer("Exit code 0: all ran; 1: something failed; 77: there is no device.");
}

int run_stages(const Arguments& arguments) {
  bool is_clean = true;
  for (const std::string& stage : arguments.stages) {
    std::string reason;
    if (stage != "table" && !has_device(reason)) {
      std::printf("there is no CUDA device: %s\n", reason.c_str());
      return kNoDevice;
    }
    if (stage != "device") std::filesystem::create_directories(arguments.results);
    is_clean = run_stage(stage, arguments) && is_clean;
  }
  return is_clean ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Arguments arguments;
  CLI::App app("Measures a CUDA device, and the AR loss on it.", "gpu_bench");
  bench::declare_options(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    return bench::run_stages(arguments);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "gpu_bench: %s\n", failure.what());
    return 1;
  }
}
