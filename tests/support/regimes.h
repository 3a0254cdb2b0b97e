#ifndef ARLOSS_TESTS_REGIMES_H
#define ARLOSS_TESTS_REGIMES_H

#include <vector>

#include "oracle/oracle.h"
#include "support/random.h"

namespace support {

/// How good the prediction is: the states of training the accuracy contract speaks of (docs/numerics.md).
enum class Regime {
  kRandom,
  kTrainedLike,       // mean 1 - p_y of 4 to 9 %
  kNearPerfect2,      // 1 - p_y about 1e-2
  kNearPerfect4,      // 1e-4
  kNearPerfect6,      // 1e-6
  kNearPerfect8,      // 1e-8
  kConfidentlyWrong,  // sure of a class drawn at random for every cell
  kConstant,          // the same logits in every cell
  kConstantNoise001,  // ... plus noise of 0.01
  kConstantNoise01,   // ... plus noise of 0.1
  kWrongAlike,        // sure of one and the same class everywhere
  kRenamed,           // near perfect, with the names of the classes rotated
  kLargeMagnitude,    // logits of magnitude 1e4 (6e4 where asked)
};

inline constexpr Regime kAllRegimes[] = {Regime::kRandom,           Regime::kTrainedLike,  Regime::kNearPerfect2,
                                         Regime::kNearPerfect4,     Regime::kNearPerfect6, Regime::kNearPerfect8,
                                         Regime::kConfidentlyWrong, Regime::kConstant,     Regime::kConstantNoise001,
                                         Regime::kConstantNoise01,  Regime::kWrongAlike,   Regime::kRenamed,
                                         Regime::kLargeMagnitude};

const char* name_of(Regime regime);
bool is_near_perfect(Regime regime);
/// Regimes whose gradient cancels (S S' close to U U' or to a constant with E far from 0): their gradient bound has an
/// absolute part.
bool has_cancelling_gradient(Regime regime);

/// Logits [batch][classes][depth][height][width] of that regime for `inputs.labels`. Cells without a valid label get
/// random ones. `magnitude` is that of kLargeMagnitude.
std::vector<double> make_logits(Regime regime, const oracle::Problem& problem, const oracle::Inputs& inputs,
                                double magnitude, Random& random);

}  // namespace support

#endif
