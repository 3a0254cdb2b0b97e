#include "runtime/exit.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "report.h"
#include "runtime/api.h"
#include "runtime/state.h"
#include "settings.h"

namespace emulator::runtime {
namespace {

void run_what_waits() {
  if (is_in_host_function()) return;  // exit() in a host function: this thread holds the lock
  State& state = State::get();
  const std::lock_guard<std::mutex> lock(state.mutex);
  try {
    state.streams.finish_all(true);
  } catch (const LaunchFailure&) {
    state.streams.abandon();
  }
}

void write_digest() {
  const State& state = State::get();
  const std::string& path = settings().digest_path;
  if (path.empty()) return;
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (!file) {
    Reports::get().add(Kind::kApi, "the digest cannot be written to " + path);
    return;
  }
  std::fprintf(file, "digest %016" PRIx64 "\nlaunches %" PRIu64 "\ncopies %zu\n", state.digest.value(),
               state.num_launches, state.digest.num_copies());
  std::fclose(file);
}

/// Runs after every destructor of the program and of the libraries that use this one.
__attribute__((destructor)) void end_process() {
  run_what_waits();
  write_digest();
  const bool has_launch = State::get().num_launches > 0 || !settings().requires_launch;
  const std::size_t num_reports = Reports::get().all().size();
  if (!has_launch) std::fprintf(stderr, "emulator: the process ends without having launched a kernel\n");
  if (num_reports > 0) {
    std::fprintf(stderr, "emulator: %zu %s\n", num_reports, num_reports == 1 ? "report" : "reports");
  }
  if (has_launch && num_reports == 0) return;
  std::fflush(nullptr);
  _exit(kReportStatus);
}

}  // namespace

void install_exit_handler() {
  // In time for what the program's static destructors take down: fat binaries, and memory copies read or write.
  std::atexit(run_what_waits);
}

}  // namespace emulator::runtime
