#ifndef ARLOSS_TESTS_SHARDS_H
#define ARLOSS_TESTS_SHARDS_H

#include <cstdint>
#include <vector>

#include "support/case.h"

namespace support {

/// Images [first_image, + batch) and cell rows [first_row, + height) of a whole problem, as one rank holds them.
struct Shard {
  std::int64_t first_image, first_row;
  CaseSpec spec;
};

Shard make_shard(const CaseSpec& whole, std::int64_t first_image, std::int64_t batch, std::int64_t first_row,
                 std::int64_t height);

/// What a shard holds of the whole problem's inputs, and of values shaped as its logits.
oracle::Inputs inputs_of(const CaseSpec& whole, const Shard& shard, const oracle::Inputs& inputs);
std::vector<double> logits_of(const CaseSpec& whole, const Shard& shard, const std::vector<double>& values);

/// Every kind of problem with a linear form, on 16 rows of cells that blocks of all its scales divide.
std::vector<CaseSpec> factorable_kinds(std::int64_t batch);

}  // namespace support

#endif
