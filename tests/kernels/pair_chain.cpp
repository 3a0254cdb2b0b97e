#include "pair_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/reduce/reduce_launch.h"

namespace kernel_tests {
namespace {

using namespace arloss::kernels;

LabelType label_type(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_UINT8: return LabelType::kUint8;
    case ARLOSS_DTYPE_INT32: return LabelType::kInt32;
    default: return LabelType::kInt64;
  }
}

PairPenalty pair_penalty(oracle::Penalty penalty) {
  switch (penalty) {
    case oracle::Penalty::kSquared: return PairPenalty::kSquared;
    case oracle::Penalty::kAbsolute: return PairPenalty::kAbsolute;
    case oracle::Penalty::kHuber: return PairPenalty::kHuber;
    default: throw std::invalid_argument("no such pair kernel");
  }
}

std::vector<float> pixel_weights(const oracle::Inputs& inputs) {
  return {inputs.pixel_weights.begin(), inputs.pixel_weights.end()};
}

std::size_t count(std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); }

}  // namespace

EmbeddedRows embed(const support::CaseSpec& spec, const oracle::Inputs& inputs) {
  oracle::Problem problem = spec.problem;
  problem.scales = {1};
  const std::vector<double> t = oracle::label_distribution(problem, inputs, 0);
  const std::int64_t classes = problem.classes, cells = spec.cells();
  EmbeddedRows rows;
  rows.s.resize(inputs.logits.size());
  rows.residual.resize(inputs.logits.size());
  for (std::int64_t i = 0; i < problem.batch * cells; ++i) {
    const auto element = [&](std::int64_t c) { return count((i / cells * classes + c) * cells + i % cells, 1); };
    long double largest = -INFINITY, total = 0;
    for (std::int64_t c = 0; c < classes; ++c) largest = std::max<long double>(largest, inputs.logits[element(c)]);
    for (std::int64_t c = 0; c < classes; ++c) total += std::exp(inputs.logits[element(c)] - largest);
    for (std::int64_t c = 0; c < classes; ++c) {
      // 64 bits of long double leave s - u some ten digits where it is 1e-9.
      const long double s = std::sqrt(std::exp(inputs.logits[element(c)] - largest) / total);
      rows.s[element(c)] = static_cast<float>(s);
      rows.residual[element(c)] =
          static_cast<float>(s - std::sqrt(static_cast<long double>(t[count(i, classes) + count(c, 1)])));
    }
  }
  return rows;
}

PairChain::PairChain(const support::CaseSpec& spec, const oracle::Inputs& inputs)
    : batch_(spec.problem.batch),
      classes_(spec.problem.classes),
      cells_(spec.cells()),
      penalty_(pair_penalty(spec.problem.penalty)),
      penalty_param_(static_cast<float>(spec.problem.penalty_param)),
      pool_(pool_params(spec.problem, label_type(spec.labels_dtype)), inputs.labels, pixel_weights(inputs)),
      host_rows_(embed(spec, inputs)),
      s_(host_rows_.s),
      residual_(host_rows_.residual),
      rows_(count(batch_ * cells_, PairRow::pieces(classes_))),
      pair_slots_(count(batch_, PairWalk(cells_).blocks())),
      weight_slots_(count(batch_, reduce_blocks(cells_))),
      pair_tickets_(count(batch_, 1)),
      weight_tickets_(count(batch_, 1)),
      pair_sums_(count(batch_, 1)),
      weight_sums_(count(batch_, 1)) {
  pair_tickets_.fill(0);
  weight_tickets_.fill(0);
}

void PairChain::run() {
  rows_.fill(0xff);
  pair_slots_.fill(0xff);
  weight_slots_.fill(0xff);
  pair_sums_.fill(0xff);
  weight_sums_.fill(0xff);
  pool_.run();
  const PoolParams& pooled = pool_.params();
  LaunchStream stream(nullptr);
  const LabelScale labels{pooled.cells.codes, pooled.cells.counts, pooled.cells.count_stride,
                          BlockGrid(pooled.cells.grid, 1)};
  check(launch_pack({batch_, classes_, cells_, s_.data(), residual_.data(), labels, pooled.weights, rows_.data()},
                    stream));
  check(launch_pair({batch_,
                     classes_,
                     cells_,
                     rows_.data(),
                     pooled.weights,
                     penalty_,
                     penalty_param_,
                     {pair_slots_.data(), pair_tickets_.data(), pair_sums_.data()}},
                    stream));
  check(launch_reduce(
      {pooled.weights, batch_, cells_, {weight_slots_.data(), weight_tickets_.data(), weight_sums_.data()}}, stream));
  EXPECT_TRUE(rows_.guards_are_intact() && pair_slots_.guards_are_intact() && pair_sums_.guards_are_intact());
  EXPECT_EQ(pair_tickets_.read(), std::vector<std::uint32_t>(count(batch_, 1), 0)) << "ready for the next launch";
}

std::vector<double> PairChain::losses() const {
  const std::vector<double> sums = pair_sums_.read(), totals = weight_sums_.read();
  const std::vector<float> weights = pool_.weights();
  std::vector<double> losses;
  for (std::size_t image = 0; image < sums.size(); ++image) {
    const auto first = weights.begin() + static_cast<std::ptrdiff_t>(image) * cells_;
    const auto live = std::count_if(first, first + cells_, [](float weight) { return weight > 0; });
    losses.push_back(live < 2 ? 0 : sums[image] / (totals[image] * totals[image]));
  }
  return losses;
}

std::vector<unsigned char> PairChain::bytes() const {
  std::vector<unsigned char> all = pool_.bytes();
  for (const auto& part : {rows_.bytes(), pair_slots_.bytes(), pair_sums_.bytes(), weight_sums_.bytes()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace kernel_tests
