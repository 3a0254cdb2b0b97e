#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_CHAIN_H
#define ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_CHAIN_H

#include <vector>

#include "defects/defect.h"
#include "defects/sample_problem.h"

namespace emulator::defects {

/// The chain of gram_sample.cuh with this defect: the Gram matrix. Throws std::runtime_error where a CUDA call fails.
std::vector<float> run_gram_chain(Defect defect, const Problem& problem);
/// The chain of pair_sample.cuh with this defect: the sum over pairs. Throws likewise.
double run_pair_chain(Defect defect, const Problem& problem);

}  // namespace emulator::defects

#endif
