#ifndef ARLOSS_BENCH_REPORT_TEXT_H
#define ARLOSS_BENCH_REPORT_TEXT_H

#include <nlohmann/json.hpp>

#include <string>

#include "replay_graph.h"
#include "workloads.h"

namespace bench {

/// By printf's rules, up to 511 characters.
std::string formatted(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string joined(const nlohmann::ordered_json& numbers);

nlohmann::ordered_json to_json(const Timing& timing);
/// Which case it is.
nlohmann::ordered_json describe(const Case& timed);

}  // namespace bench

#endif
