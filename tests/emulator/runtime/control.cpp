#include "control.h"

#include <string>
#include <vector>

#include "machine/machine.h"
#include "report.h"
#include "runtime/api.h"
#include "runtime/state.h"
#include "settings.h"

namespace emulator::runtime {
namespace {

void set_seed(std::uint64_t seed) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  settings().seed = seed;
  state.streams.set_seed(seed);
}

void set_lazy(bool is_lazy) {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  settings().is_lazy = is_lazy;
  state.streams.set_lazy(is_lazy);
}

void set_threads(int threads) { settings().threads = threads; }

void set_quiet(bool is_quiet) { settings().is_quiet = is_quiet; }

void set_instruction_budget(std::uint64_t instructions) { settings().instruction_budget = instructions; }

int report_count() { return static_cast<int>(Reports::get().all().size()); }

const char* report_kind(int index) {
  const std::vector<Report> reports = Reports::get().all();
  const auto position = static_cast<std::size_t>(index);
  return position < reports.size() ? kind_name(reports[position].kind) : "";
}

const char* report_text(int index) {
  thread_local std::string text;  // valid until the thread asks again
  const std::vector<Report> reports = Reports::get().all();
  const auto position = static_cast<std::size_t>(index);
  text = position < reports.size() ? reports[position].text : "";
  return text.c_str();
}

/// A fresh start for the next test: a failed launch is forgotten too.
void clear_reports() {
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  Reports::get().clear();
  state.sticky = cudaSuccess;
  set_last_error(cudaSuccess);
}

}  // namespace
}  // namespace emulator::runtime

extern "C" {
extern const emulator::Control arloss_emulator_control;
const emulator::Control arloss_emulator_control = {
    emulator::runtime::set_seed,     emulator::runtime::set_lazy,
    emulator::runtime::set_threads,  emulator::runtime::set_quiet,
    emulator::runtime::report_count, emulator::runtime::report_kind,
    emulator::runtime::report_text,  emulator::runtime::clear_reports,
    emulator::machine_statistics,    emulator::runtime::set_instruction_budget,
};
}
