#include "settings.h"

#include <cstdlib>

namespace emulator {
namespace {

std::string text_of(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value ? value : otherwise;
}

std::uint64_t number_of(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

Settings from_environment() {
  Settings read;
  read.seed = number_of("ARLOSS_EMULATOR_SEED", read.seed);
  read.threads = static_cast<int>(number_of("ARLOSS_EMULATOR_THREADS", 1));
  read.architecture = static_cast<int>(number_of("ARLOSS_EMULATOR_ARCH", 0));
  read.instruction_budget = number_of("ARLOSS_EMULATOR_BUDGET", read.instruction_budget);
  read.is_lazy = number_of("ARLOSS_EMULATOR_LAZY", 1) != 0;
  read.requires_launch = number_of("ARLOSS_EMULATOR_REQUIRE_LAUNCH", 0) != 0;
  read.digest_path = text_of("ARLOSS_EMULATOR_DIGEST", "");
  read.is_quiet = number_of("ARLOSS_EMULATOR_QUIET", 0) != 0;
  return read;
}

}  // namespace

Settings& settings() {
  static auto* const read = new Settings(from_environment());
  return *read;
}

}  // namespace emulator
