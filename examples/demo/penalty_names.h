// The penalties by the names that programs take.
#pragma once
#include <arloss/arloss.h>

#include <map>
#include <string>

namespace demo {

inline const std::map<std::string, arloss_penalty_t> kPenalties = {{"squared", ARLOSS_PENALTY_SQUARED},
                                                                   {"absolute", ARLOSS_PENALTY_ABSOLUTE},
                                                                   {"huber", ARLOSS_PENALTY_HUBER},
                                                                   {"cross-entropy", ARLOSS_PENALTY_CROSS_ENTROPY},
                                                                   {"log-cosh", ARLOSS_PENALTY_LOG_COSH}};

}  // namespace demo
