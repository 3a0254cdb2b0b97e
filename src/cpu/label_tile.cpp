// Label rows of a chunk: one tile for the finest scale, and one of differences for every coarser one.
#include "cpu/label_tile.h"

#include "cpu/factored.h"

namespace arloss::cpu {

void FactoredBackend::book_label_tiles() {
  const std::int64_t classes = problem_.classes, scales = num_label_scales_;
  label_tiles_ = scratch_.book<float>("label tiles", {scales, classes, kChunkStride});
  tile_classes_ = scratch_.book<std::int32_t>("classes of label tiles", {scales, classes});
  row_of_class_ = scratch_.book<std::int32_t>("row of class", {classes});
  block_shares_ = scratch_.book<LabelShare>("label row of a block", {classes});
  block_u_ = scratch_.book<double>("label row of a block by class", {classes});
}

LabelTiles FactoredBackend::label_tiles_of_thread(const Call& call, int thread) const {
  void* const mine = scratch(call, thread);
  const auto tile = [&](std::int64_t k) {
    return LabelTile{at<float>(mine, label_tiles_) + k * problem_.classes * kChunkStride,
                     at<std::int32_t>(mine, tile_classes_) + k * problem_.classes, 0, 0};
  };
  LabelTiles tiles{tile(0),
                   {},
                   at<std::int32_t>(mine, row_of_class_),
                   at<LabelShare>(mine, block_shares_),
                   at<double>(mine, block_u_)};
  for (int k = 1; k < num_label_scales_; ++k) tiles.differences[k] = tile(k);
  std::fill_n(tiles.row_of_class, problem_.classes, -1);
  std::fill_n(tiles.u, problem_.classes, 0.0);
  return tiles;
}

void FactoredBackend::write_finest(const Call& call, Chunk& chunk, bool has_pure, LabelTiles& tiles) const {
  LabelTileWriter writer(tiles.finest, tiles.row_of_class);
  for (int r = 0; has_pure && r < chunk.num_pure_runs; ++r) {
    const PureRun& run = chunk.pure_runs[r];
    writer.begin(run.first, run.last);
    float* const row = writer.row_of(run.label);
    std::fill(row + run.first, row + run.last, 1.0f);
  }
  for (int m = 0; m < chunk.num_mixed_cells; ++m) {
    const int i = chunk.mixed_cells[m];
    const LabelRow row = label_row(call, chunk, i);
    writer.begin(i, i + 1);
    for (int c = 0; c < row.count; ++c) writer.row_of(row.shares[c].label)[i] = static_cast<float>(row.shares[c].u);
  }
}

void FactoredBackend::write_differences(const Call& call, Chunk& chunk, LabelTiles& tiles) const {
  for (int k = 1; k < num_label_scales_; ++k) {
    LabelTileWriter writer(tiles.differences[k], tiles.row_of_class);
    const int edge = edge_index(k);
    const std::int32_t* const codes = pool_.block_codes(call.labels, edge, chunk.cells.image);
    pool_.blocks(edge).for_each_run(chunk.cells.first, chunk.cells.count, [&](std::int64_t block, int first, int last) {
      const std::int32_t code = codes[block];
      const auto is_alike = [code](std::int32_t finest) { return finest == code; };
      if (!is_labelled(code) || (code >= 0 && std::all_of(chunk.codes + first, chunk.codes + last, is_alike))) return;
      int count = 1;
      tiles.shares[0] = {code, 1.0};
      if (code < 0) count = pool_.block_shares(call.labels, edge, chunk.cells.image, block, tiles.shares);
      write_difference(call, chunk, {tiles.shares, count}, first, last, tiles.u, writer);
    });
  }
}

/// Of cells [first, last), in a block of the row `coarser`. Formed in float64: of a block with one pixel in a thousand
/// of another class, the difference of rounded numbers would keep four digits.
void FactoredBackend::write_difference(const Call& call, Chunk& chunk, const LabelRow& coarser, int first, int last,
                                       double* u, LabelTileWriter& writer) const {
  writer.begin(first, last);
  for (int c = 0; c < coarser.count; ++c) {
    const LabelShare share = coarser.shares[c];
    float* const row = writer.row_of(share.label);
    for (int i = first; i < last; ++i) row[i] = chunk.weight[i] != 0 ? static_cast<float>(share.u) : 0.0f;
    u[share.label] = share.u;
  }
  for (int i = first; i < last; ++i) {
    if (chunk.weight[i] == 0) continue;
    const LabelRow finest = label_row(call, chunk, i);
    for (int c = 0; c < finest.count; ++c)
      writer.row_of(finest.shares[c].label)[i] = static_cast<float>(u[finest.shares[c].label] - finest.shares[c].u);
  }
  for (int c = 0; c < coarser.count; ++c) u[coarser.shares[c].label] = 0;
}

}  // namespace arloss::cpu
