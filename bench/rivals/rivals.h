#ifndef ARLOSS_BENCH_RIVALS_H
#define ARLOSS_BENCH_RIVALS_H

#include <memory>

#include "prepared_case.h"

namespace bench {

// Each rival reads the logits and labels of the case of the same settings. Its check() runs both on random logits and
// throws where loss or gradient differ by more than 1e-3. float32 alone, unless said.

/// N x N matrices, under SQUARED or HUBER.
std::unique_ptr<TimedCall> make_materialised(const CaseSettings& settings);

/// The textbook identity, SQUARED: in passes over whole matrices, and chunk by chunk in a core's cache.
std::unique_ptr<TimedCall> make_factored(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_factored_blocked(const CaseSettings& settings);

/// Memory they take beyond logits, labels and gradient.
double materialised_bytes(const CaseSettings& settings);
double factored_bytes(const CaseSettings& settings);

/// oneDNN's softmax forward and backward on the same logits, classes last; bfloat16 too. Throws where it has none.
std::unique_ptr<TimedCall> make_softmax_dnnl(const CaseSettings& settings);
/// "2.6.3, jit:avx512_core", of these settings.
std::string softmax_dnnl_name(const CaseSettings& settings);

}  // namespace bench

#endif
