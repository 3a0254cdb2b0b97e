#ifndef ARLOSS_BENCH_GPU_REPORT_H
#define ARLOSS_BENCH_GPU_REPORT_H

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

#include "case_timing.h"
#include "measured_device.h"
#include "workloads.h"

namespace bench {

nlohmann::ordered_json to_json(const DeviceFacts& facts);

/// A case with its times, or with the reason why it has none.
nlohmann::ordered_json to_json(const Case& timed, const CaseTiming& timing);
nlohmann::ordered_json to_json(const Case& timed, const std::string& outcome, const std::string& reason);

/// A line for each fact.
std::string lines_of(const nlohmann::ordered_json& facts);

/// One line for a person, of what either of the two made.
std::string row_of(const nlohmann::ordered_json& timed);

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& value);

/// Makes one table of what the stages left in the folder, a stage that left nothing being named as not run: table.txt,
/// and table.json beside it. Returns the table.
std::string write_table(const std::filesystem::path& results);

}  // namespace bench

#endif
