#include "defects/reports.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "control.h"

namespace emulator::defects {
namespace {

/// A line number behind the file's name.
bool names_line_of(const std::string& text, const std::string& file) {
  const std::string wanted = file + ":";
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
    if (at + wanted.size() < text.size() && std::isdigit(static_cast<unsigned char>(text[at + wanted.size()])) != 0)
      return true;
  return false;
}

}  // namespace

KeptReports take_reports() {
  KeptReports reports;
  if (control() == nullptr) return reports;
  for (int i = 0; i < control()->report_count(); ++i)
    reports.push_back({control()->report_kind(i), control()->report_text(i)});
  control()->clear_reports();
  return reports;
}

void set_schedule(std::uint64_t seed) {
  if (control() != nullptr) control()->set_seed(seed);
}

bool has_report(const KeptReports& reports, const std::string& kind, const std::string& file) {
  return std::any_of(reports.begin(), reports.end(), [&](const KeptReport& report) {
    return report.kind == kind && (file.empty() || names_line_of(report.text, file));
  });
}

std::string text_of(const KeptReports& reports) {
  std::string text = reports.empty() ? "no reports" : "reports:";
  for (const KeptReport& report : reports) text += "\n  " + report.kind + ": " + report.text;
  return text;
}

void ReportTest::SetUp() {
  if (control() == nullptr) GTEST_SKIP() << "a real device reports nothing";
  control()->set_quiet(true);
  take_reports();
}

void ReportTest::TearDown() {
  if (control() == nullptr) return;
  take_reports();
  set_schedule(0);
  control()->set_lazy(true);
  control()->set_quiet(false);
}

KeptReports expect_reports(const std::vector<std::string>& kinds, const std::string& file,
                           const std::function<void()>& body) {
  KeptReports reports;
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    try {
      body();
    } catch (const std::runtime_error&) {
      // A kernel that cannot go on makes CUDA calls fail; the report says why.
    }
    reports = take_reports();
    for (const std::string& kind : kinds)
      EXPECT_TRUE(has_report(reports, kind, file))
          << kind << " of " << file << " under seed " << seed << ", but " << text_of(reports);
  }
  return reports;
}

KeptReports expect_report(const std::string& kind, const std::string& file, const std::function<void()>& body) {
  return expect_reports({kind}, file, body);
}

void expect_silence(const std::function<void()>& body) {
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    EXPECT_NO_THROW(body()) << "under seed " << seed;
    const KeptReports reports = take_reports();
    EXPECT_TRUE(reports.empty()) << "under seed " << seed << ", " << text_of(reports);
  }
}

}  // namespace emulator::defects
