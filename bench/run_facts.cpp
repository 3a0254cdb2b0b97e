#include "run_facts.h"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "prepared_case.h"

namespace bench {
namespace {

/// What follows `key` on the first line that begins with it.
std::string value_in(std::istream& lines, const std::string& key) {
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t start = line.find_first_not_of(" \t:", key.size());
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "unknown";
}

std::string value_in_file(const char* path, const std::string& key) {
  std::ifstream file(path);
  return value_in(file, key);
}

std::string commit() {
  const std::unique_ptr<FILE, int (*)(FILE*)> git(
      popen("git -C '" ARLOSS_BENCH_SOURCE_DIR "' describe --always --dirty --abbrev=12 2>/dev/null", "r"), &pclose);
  char line[128] = "";
  if (!git || !std::fgets(line, sizeof line, git.get())) return "unknown";
  const std::string text = line;
  return text.substr(0, text.find('\n'));
}

std::string simd_target() {
  CaseSettings smallest;
  smallest.workload = {"smallest", 1, 2, 1, 4, 4, 1, 4, 4};
  std::istringstream lines(prepare(smallest)->describe());
  return value_in(lines, "simd:");
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "not set";
}

}  // namespace

void add_run_facts() {
  benchmark::AddCustomContext("cpu_model", value_in_file("/proc/cpuinfo", "model name"));
#ifdef __clang__
  benchmark::AddCustomContext("compiler", __VERSION__);
#else
  benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
  benchmark::AddCustomContext("library_flags", ARLOSS_BENCH_LIBRARY_FLAGS);
  benchmark::AddCustomContext("rival_flags", ARLOSS_BENCH_LIBRARY_FLAGS " " ARLOSS_BENCH_RIVAL_FLAGS);
  benchmark::AddCustomContext("commit", commit());
  benchmark::AddCustomContext("threads", std::to_string(omp_get_max_threads()));
  benchmark::AddCustomContext("omp_wait_policy", environment("OMP_WAIT_POLICY"));
  benchmark::AddCustomContext("simd_target", simd_target());
}

double available_bytes() { return 1024 * std::strtod(value_in_file("/proc/meminfo", "MemAvailable").c_str(), nullptr); }

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
  return text;
}

}  // namespace bench
