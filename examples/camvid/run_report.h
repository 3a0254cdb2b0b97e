// What a run says and leaves behind beside its checkpoint.
#pragma once
#include <nlohmann/json.hpp>

#include <string>

namespace camvid {

/// A line for the last epoch of a history.
void print_epoch(const nlohmann::json& history, std::int64_t num_epochs);

/// A table of classes for the last epoch of a history, which has one, and of the times of all.
void print_summary(const nlohmann::json& history);

/// metrics.json: record ("settings", "history") with totals of it, and facts of this run.
void write_metrics(const std::string& path, const nlohmann::json& record, const nlohmann::json& facts);

}  // namespace camvid
