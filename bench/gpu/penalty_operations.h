#ifndef ARLOSS_BENCH_PENALTY_OPERATIONS_H
#define ARLOSS_BENCH_PENALTY_OPERATIONS_H

#include "arloss/arloss.h"
#include "kernels/pair/pair_cost.h"

namespace bench {

/// Float operations of HUBER, ABSOLUTE or CROSS_ENTROPY for a pair, counted in the text that the kernels compile: a
/// comparison and a selection are two, a negation or a magnitude is none. Hard: labels are the grid's, products of rows
/// the kernel's.
arloss::kernels::PenaltyOperations penalty_operations(arloss_penalty_t penalty, bool is_hard);

}  // namespace bench

#endif
