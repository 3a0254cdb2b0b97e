#include "self_test/checks.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace emulator::self_test {
namespace {

std::size_t total_checks = 0;

}  // namespace

std::string hexadecimal(const void* value, std::size_t bytes) {
  const auto* const data = static_cast<const unsigned char*>(value);
  std::string result = "0x";
  for (std::size_t i = bytes; i-- > 0;) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", data[i]);
    result += digits;
  }
  return result;
}

std::string decimal(long double value) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.17Lg", value);
  return digits;
}

Checks::~Checks() {
  if (failures_ > kTold) ADD_FAILURE() << operation_ << ": " << failures_ - kTold << " more checks failed";
}

std::size_t Checks::total() { return total_checks; }

void Checks::note_check() { ++total_checks; }

void Checks::note_failure(const std::string& what) {
  if (is_worth_telling()) ADD_FAILURE() << operation_ << " " << what;
  ++failures_;
}

}  // namespace emulator::self_test
