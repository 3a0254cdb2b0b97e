#include "support/regimes.h"

#include <algorithm>
#include <cmath>

namespace support {
namespace {

using Distribution = std::vector<double>;  // [classes]

/// A draw of probabilities that sum to 1 over the classes where `q` is 0; all zero where there is none.
Distribution spread_outside(const Distribution& q, Random& random) {
  Distribution spread(q.size());
  double total = 0;
  for (std::size_t c = 0; c < q.size(); ++c) total += spread[c] = q[c] == 0 ? -std::log(random.uniform()) : 0;
  if (total > 0)
    for (double& value : spread) value /= total;
  return spread;
}

/// q with each share off by a factor of about 1 +- sqrt(delta): what a wrong probability of delta is for a class of its
/// own, this is for the classes of a mixed cell. A one-hot q stays as it is.
Distribution disturbed(Distribution q, double delta, Random& random) {
  double total = 0;
  for (double& share : q) total += share *= std::exp(std::sqrt(delta) * random.normal());
  for (double& share : q) share /= total;
  return q;
}

/// Log-probabilities of (1 - delta) q' + delta r, q' the disturbed q, r outside its classes, and an offset of its own
/// per cell, which softmax removes.
Distribution logits_near(const Distribution& q, double delta, Random& random) {
  const Distribution r = spread_outside(q, random), inside = disturbed(q, delta, random);
  const bool is_full = *std::max_element(r.begin(), r.end()) == 0;
  const double offset = random.normal();
  Distribution z(q.size());
  for (std::size_t c = 0; c < q.size(); ++c)
    z[c] = std::log(is_full ? inside[c] : q[c] == 0 ? delta * r[c] : (1 - delta) * inside[c]) + offset;
  return z;
}

Distribution one_hot(std::size_t classes, std::size_t c) {
  Distribution q(classes);
  q[c] = 1;
  return q;
}

Distribution normal_logits(std::size_t classes, double scale, Random& random) {
  Distribution z(classes);
  for (double& value : z) value = scale * random.normal();
  return z;
}

/// Most cells right and rather sure, some unsure, a few wrong.
double trained_delta(Random& random) {
  const double draw = random.uniform();
  return draw < 0.90   ? random.log_uniform(1e-4, 0.1)
         : draw < 0.97 ? random.uniform(0.1, 0.9)
                       : random.uniform(0.8, 0.999);
}

double near_perfect_delta(Regime regime) {
  switch (regime) {
    case Regime::kNearPerfect2: return 1e-2;
    case Regime::kNearPerfect4: return 1e-4;
    case Regime::kNearPerfect6: return 1e-6;
    default: return 1e-8;
  }
}

/// Draws one cell's logits after another.
class Predictor {
 public:
  Predictor(Regime regime, std::int64_t num_classes, double magnitude, Random& random)
      : regime_(regime),
        classes_(static_cast<std::size_t>(num_classes)),
        magnitude_(magnitude),
        shared_(normal_logits(classes_, random.chance(0.5) ? 1 : 0, random)),
        favourite_(static_cast<std::size_t>(random.below(num_classes))),
        random_(random) {}

  /// t [classes]: the label distribution of the cell, all zero where it has no valid label.
  Distribution draw(const Distribution& t) {
    const bool is_dead = *std::max_element(t.begin(), t.end()) == 0;
    switch (regime_) {
      case Regime::kConstant: return shared_;
      case Regime::kConstantNoise001: return noisy(0.01);
      case Regime::kConstantNoise01: return noisy(0.1);
      case Regime::kLargeMagnitude: return large();
      case Regime::kWrongAlike: return logits_near(one_hot(classes_, favourite_), wrong_delta(), random_);
      case Regime::kConfidentlyWrong: return logits_near(one_hot(classes_, any_class()), wrong_delta(), random_);
      default: break;
    }
    if (is_dead || regime_ == Regime::kRandom) return normal_logits(classes_, 2, random_);
    if (regime_ == Regime::kTrainedLike) return logits_near(t, trained_delta(random_), random_);
    if (regime_ == Regime::kRenamed) return logits_near(rotated(t), wrong_delta(), random_);
    return logits_near(t, near_perfect_delta(regime_) * random_.log_uniform(0.3, 3), random_);
  }

 private:
  std::size_t any_class() { return static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(classes_))); }
  double wrong_delta() { return random_.log_uniform(1e-6, 1e-3); }
  Distribution noisy(double scale) {
    Distribution z = shared_;
    for (double& value : z) value += scale * random_.normal();
    return z;
  }
  Distribution large() {
    Distribution z(classes_);
    for (double& value : z) value = random_.uniform(-magnitude_, magnitude_);
    return z;
  }
  Distribution rotated(Distribution t) const {
    std::rotate(t.begin(), t.end() - 1, t.end());
    return t;
  }

  Regime regime_;
  std::size_t classes_;
  double magnitude_;
  Distribution shared_;
  std::size_t favourite_;
  Random& random_;
};

/// t of scale 1, [batch][N][classes].
std::vector<double> cell_distributions(oracle::Problem problem, oracle::Inputs inputs) {
  problem.scales = {1};
  problem.scale_weights.clear();
  // The oracle checks sizes; these are not looked at.
  inputs.logits.resize(
      static_cast<std::size_t>(problem.batch * problem.classes * problem.depth * problem.height * problem.width));
  return oracle::label_distribution(problem, inputs, 0);
}

}  // namespace

const char* name_of(Regime regime) {
  switch (regime) {
    case Regime::kRandom: return "random";
    case Regime::kTrainedLike: return "trained-like";
    case Regime::kNearPerfect2: return "near-perfect 1e-2";
    case Regime::kNearPerfect4: return "near-perfect 1e-4";
    case Regime::kNearPerfect6: return "near-perfect 1e-6";
    case Regime::kNearPerfect8: return "near-perfect 1e-8";
    case Regime::kConfidentlyWrong: return "confidently wrong";
    case Regime::kConstant: return "constant";
    case Regime::kConstantNoise001: return "constant + 0.01";
    case Regime::kConstantNoise01: return "constant + 0.1";
    case Regime::kWrongAlike: return "wrong all alike";
    case Regime::kRenamed: return "classes renamed";
    case Regime::kLargeMagnitude: return "large magnitude";
  }
  return "?";
}

bool is_near_perfect(Regime regime) {
  return regime == Regime::kNearPerfect2 || regime == Regime::kNearPerfect4 || regime == Regime::kNearPerfect6 ||
         regime == Regime::kNearPerfect8;
}

bool has_cancelling_gradient(Regime regime) {
  return regime == Regime::kConstant || regime == Regime::kConstantNoise001 || regime == Regime::kConstantNoise01 ||
         regime == Regime::kWrongAlike || regime == Regime::kRenamed;
}

std::vector<double> make_logits(Regime regime, const oracle::Problem& problem, const oracle::Inputs& inputs,
                                double magnitude, Random& random) {
  const std::int64_t cells = problem.depth * problem.height * problem.width;
  const std::vector<double> t = cell_distributions(problem, inputs);
  Predictor predictor(regime, problem.classes, magnitude, random);
  std::vector<double> logits(static_cast<std::size_t>(problem.batch * problem.classes * cells));
  for (std::int64_t b = 0; b < problem.batch; ++b)
    for (std::int64_t i = 0; i < cells; ++i) {
      const double* const row = t.data() + (b * cells + i) * problem.classes;
      const Distribution z = predictor.draw(Distribution(row, row + problem.classes));
      for (std::int64_t c = 0; c < problem.classes; ++c)
        logits[static_cast<std::size_t>((b * problem.classes + c) * cells + i)] = z[static_cast<std::size_t>(c)];
    }
  return logits;
}

}  // namespace support
