#ifndef ARLOSS_BENCH_INSTRUCTION_RATES_H
#define ARLOSS_BENCH_INSTRUCTION_RATES_H

#include "replay_graph.h"

namespace bench {

/// Instructions of a warp that the whole device issues in a second, where there is nothing else to do.
struct InstructionRates {
  double mma;   // mma.m16n8k16 of halves with float32 sums
  double ffma;  // float32 multiply-adds: one of any kind to a scheduler and cycle
};

/// By kernels of `steps` times some independent chains of instructions.
InstructionRates measure_instruction_rates(int steps, const Replays& replays);

}  // namespace bench

#endif
