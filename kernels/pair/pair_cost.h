#ifndef ARLOSS_KERNELS_PAIR_COST_H
#define ARLOSS_KERNELS_PAIR_COST_H

#include <algorithm>
#include <cstdint>

#include "kernels/pair/pair_features.h"
#include "kernels/pair/pair_tile.h"

/// What the kernels over pairs cannot do without, to hold measured times against a device's rates.
namespace arloss::kernels {

/// Instructions of a warp.
struct PairWork {
  double mma = 0;     // products of 16 x 8 x 16
  double others = 0;  // loads of columns, float operations of pairs; no rows, addresses, loops or copies

  double issued() const { return mma + others; }
};

/// Groups of rows, all pairs of each.
struct PairExtents {
  std::int64_t groups, rows, classes;
};

/// Pairs that thread blocks visit, those that pad strips and tiles included, and those whose loss they sum.
struct PairVisits {
  double all = 0, with_loss = 0;

  PairVisits(const PairExtents& extents, std::int64_t strip_rows, bool has_slopes) {
    const PairWalk walk(extents.groups, extents.rows, strip_rows);
    const auto tile = static_cast<double>(extents.groups * strip_rows * PairTile::kColumns);
    for (std::int64_t strip = 0; strip < walk.strips; ++strip)
      with_loss += tile * static_cast<double>(walk.tiles - strip * strip_rows / PairTile::kColumns);
    all = has_slopes ? tile * static_cast<double>(walk.strips * walk.tiles) : with_loss;
  }
};

/// Float operations that a penalty takes for a pair's slope, and for its value beside those.
struct PenaltyOperations {
  double slope, value;
};

/// Of penalties, weights and sums of losses: 32 pairs to an instruction.
inline double penalty_work(const PairVisits& visits, int num_penalties, const PenaltyOperations& operations,
                           bool has_slopes) {
  const double slope = operations.slope + (has_slopes ? 1 : 0);
  return num_penalties * (visits.all * slope + visits.with_loss * (operations.value + 1)) / 32;
}

/// The pair kernel's.
inline PairWork product_work(const PairExtents& extents, const PairFeatures& features,
                             const PenaltyOperations& operations, bool has_slopes) {
  const PairShapeRow shape = pair_shape(extents.classes);
  const PairVisits visits(extents, shape.strip_rows(features.looks_up), has_slopes);
  const std::int64_t octets = class_octets(extents.classes);
  const auto steps = static_cast<double>(features.pieces(octets) / 2);  // of sixteen numbers of a row
  const double blocks = visits.all / (16 * 16);
  PairWork work;
  work.mma = blocks * 2 * steps;
  work.others = blocks * steps / shape.row_tiles;
  if (has_slopes) {
    const double products = features.is_exact ? 3 : 1;
    work.mma += blocks * products * static_cast<double>(std::min<std::int64_t>((octets + 1) / 2 * 2, shape.octets));
    work.others += blocks * products * static_cast<double>((octets + 1) / 2) / shape.row_tiles;
    // Two slopes to a conversion; their remainders are a subtraction and a conversion more.
    work.others += visits.all * (features.is_exact ? 2 : 0.5) / 32;
  }
  work.others += penalty_work(visits, features.num_segments, operations, has_slopes);
  return work;
}

/// The difference kernel's: a class takes a pair two differences and four multiply-adds, three and a multiplication
/// more for each scale of labels, and one for the slopes.
inline PairWork difference_work(const PairExtents& extents, std::int64_t strip_rows, int num_scales, bool is_separate,
                                const PenaltyOperations& operations, bool has_slopes) {
  const PairVisits visits(extents, strip_rows, has_slopes);
  PairWork work;
  work.others = visits.all * static_cast<double>(extents.classes) * (6 + 4 * num_scales + (has_slopes ? 1 : 0)) / 32 +
                penalty_work(visits, is_separate ? num_scales : 1, operations, has_slopes);
  return work;
}

}  // namespace arloss::kernels

#endif
