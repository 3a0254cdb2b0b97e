#ifndef ARLOSS_BENCH_PAIR_REPORT_H
#define ARLOSS_BENCH_PAIR_REPORT_H

#include <nlohmann/json.hpp>

#include <string>

#include "instruction_rates.h"
#include "pair_timing.h"

namespace bench {

/// The rates that cases are held against, and none of these yet.
nlohmann::ordered_json to_json(const InstructionRates& rates);

/// A case with its times and its share of the rates, or with the reason why it has none.
nlohmann::ordered_json to_json(const PairCase& timed, const PairTiming& timing, const InstructionRates& rates);
nlohmann::ordered_json to_json(const PairCase& timed, const std::string& outcome, const std::string& reason);

/// The rates and what the columns are; one case; both, with every case.
std::string pair_head(const nlohmann::ordered_json& pairs);
std::string pair_row_of(const nlohmann::ordered_json& timed);
std::string pair_lines(const nlohmann::ordered_json& pairs);

}  // namespace bench

#endif
