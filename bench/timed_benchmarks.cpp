#include "timed_benchmarks.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

namespace bench {
namespace {

using Make = std::function<std::unique_ptr<TimedCall>()>;

class TimedBenchmark {
 public:
  TimedBenchmark(const BenchmarkFacts& facts, Make make, DeviceClock clock)
      : facts_(facts), make_(std::move(make)), clock_(std::move(clock)) {}

  void operator()(benchmark::State& state) {
    try {
      if (!call_) {
        std::unique_ptr<TimedCall> made = make_();
        made->check();
        call_ = std::move(made);
      }
      call_->poison();
      time(state);
      if (!call_->has_worked()) return state.SkipWithError("did no work: a result was not written, or is 0 throughout");
      count(state);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  }

 private:
  void time(benchmark::State& state) const {
    if (clock_) {
      for (auto _ : state) state.SetIterationTime(clock_([this] { call_->run(); }));
      return;
    }
    for (auto _ : state) {
      call_->run();
      benchmark::ClobberMemory();
    }
  }

  void count(benchmark::State& state) const {
    const CallCost cost = call_->cost();
    state.counters["items"] = cost.items;
    state.counters["bytes"] = cost.bytes;
    state.counters["flops"] = cost.flops;
    state.counters["extra_bytes"] = cost.extra_bytes;
    state.counters["logits_bytes"] = facts_.logits_bytes;
    state.counters["threads"] = facts_.num_threads;
    state.counters["batch"] = facts_.batch;
    state.counters["cells"] = facts_.cells;
    state.counters["classes"] = facts_.classes;
  }

  BenchmarkFacts facts_;
  Make make_;
  DeviceClock clock_;
  std::unique_ptr<TimedCall> call_;
};

using Run = benchmark::BenchmarkReporter::Run;

/// Without the parts that Google Benchmark adds to a name: /real_time, /repeats:5, ...
std::vector<Run> plainly_named(std::vector<Run> runs) {
  for (Run& run : runs) run.run_name = {run.run_name.function_name, "", "", "", "", "", "", ""};
  return runs;
}

class Json final : public benchmark::JSONReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override { JSONReporter::ReportRuns(plainly_named(runs)); }
};

/// Time and rates; the counters themselves are for the file.
class Console final : public benchmark::ConsoleReporter {
 public:
  Console() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> shown = plainly_named(runs);
    for (Run& run : shown) {
      has_failed |= run.error_occurred;
      benchmark::UserCounters rates;
      const double seconds = run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit);
      for (const char* const name : {"items", "bytes", "flops"}) {
        const auto found = run.counters.find(name);
        if (found != run.counters.end() && found->second.value > 0 && run.aggregate_unit == benchmark::kTime)
          rates[std::string(name) + "/s"] = found->second.value / seconds;
      }
      run.counters = rates;
    }
    ConsoleReporter::ReportRuns(shown);
  }
  bool has_failed = false;
};

}  // namespace

void register_timed(const std::string& name, const BenchmarkFacts& facts, Make make, const DeviceClock& clock) {
  auto timed = std::make_shared<TimedBenchmark>(facts, std::move(make), clock);
  auto* const registered =
      benchmark::RegisterBenchmark(name.c_str(), [timed](benchmark::State& state) { (*timed)(state); });
  registered->Unit(benchmark::kMillisecond);
  clock ? registered->UseManualTime() : registered->UseRealTime();
}

int run_timed_benchmarks(bool has_file) {
  Console console;
  Json json;
  const std::size_t count = benchmark::RunSpecifiedBenchmarks(&console, has_file ? &json : nullptr);
  benchmark::ClearRegisteredBenchmarks();
  if (count == 0) std::fprintf(stderr, "arloss_bench: no benchmark of this name\n");
  return console.has_failed || count == 0 ? 1 : 0;
}

}  // namespace bench
