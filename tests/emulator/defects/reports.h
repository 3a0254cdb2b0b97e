#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_REPORTS_H
#define ARLOSS_TESTS_EMULATOR_DEFECTS_REPORTS_H

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// What tests of the emulator's reports are written with.
namespace emulator::defects {

/// As the emulator's report.h has it; the kind by its name ("SharedRace").
struct KeptReport {
  std::string kind, text;
};
using KeptReports = std::vector<KeptReport>;

/// All reports so far, which are forgotten, as is a launch that failed. None on a real device.
KeptReports take_reports();

/// In order, reversed, and two random schedules.
constexpr std::uint64_t kSeeds[] = {0, 1, 2, 3};
/// Of what follows. Nothing on a real device.
void set_schedule(std::uint64_t seed);

/// True where a report of the kind names a line of the file, as in "pair_sample.cuh:120".
bool has_report(const KeptReports& reports, const std::string& kind, const std::string& file);
/// All of them, for the message of a failure.
std::string text_of(const KeptReports& reports);

/// Tests that ask for reports: skipped on a real device. They begin and end without reports, and print none.
class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
};

/// Runs the body, which launches and waits, under each schedule; exceptions of failed CUDA calls are expected. Each run
/// must report every kind with a line of `file`; an empty file: with or without a line. Returns the reports of the last
/// run.
KeptReports expect_reports(const std::vector<std::string>& kinds, const std::string& file,
                           const std::function<void()>& body);
/// Of one kind.
KeptReports expect_report(const std::string& kind, const std::string& file, const std::function<void()>& body);
/// Each run must succeed without a report.
void expect_silence(const std::function<void()>& body);

}  // namespace emulator::defects

#endif
