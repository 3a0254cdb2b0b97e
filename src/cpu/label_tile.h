#ifndef ARLOSS_CPU_LABEL_TILE_H
#define ARLOSS_CPU_LABEL_TILE_H

#include <algorithm>
#include <cstdint>

#include "cpu/label_pool.h"
#include "cpu/simd/simd_kernels.h"

namespace arloss::cpu {

/// Label rows of a chunk's cells, or differences of them, as a tile of the few classes that occur.
struct LabelTile {
  float* tile;            // [classes][kChunkStride]
  std::int32_t* classes;  // [classes]
  std::int64_t num_rows;
  CellParts parts;  // that hold anything but zeros

  ClassRows rows() const { return {tile, num_rows, classes, parts}; }
};

/// Writes one tile: a class gets a row of zeros where first asked for.
class LabelTileWriter {
 public:
  /// row_of_class: [classes], -1 before and after.
  LabelTileWriter(LabelTile& tile, std::int32_t* row_of_class) : tile_(tile), row_of_class_(row_of_class) {
    tile_.num_rows = 0;
    tile_.parts = 0;
  }
  ~LabelTileWriter() {
    for (std::int64_t row = 0; row < tile_.num_rows; ++row) row_of_class_[tile_.classes[row]] = -1;
  }
  LabelTileWriter(const LabelTileWriter&) = delete;
  LabelTileWriter& operator=(const LabelTileWriter&) = delete;

  /// Cells [first, last) are about to be written.
  void begin(int first, int last) { tile_.parts |= parts_of(first, last); }

  /// [kChunk]
  float* row_of(std::int32_t label) {
    std::int32_t& row = row_of_class_[label];
    if (row < 0) {
      row = static_cast<std::int32_t>(tile_.num_rows);
      tile_.classes[tile_.num_rows++] = label;
      std::fill_n(tile_.tile + std::int64_t{row} * kChunkStride, kChunk, 0.0f);
    }
    return tile_.tile + std::int64_t{row} * kChunkStride;
  }

 private:
  LabelTile& tile_;
  std::int32_t* row_of_class_;
};

/// A chunk's label rows, in one thread's scratch.
struct LabelTiles {
  LabelTile finest;                          // U_1
  LabelTile differences[ARLOSS_MAX_SCALES];  // U_k - U_1; none of the finest, k = 0
  std::int32_t* row_of_class;                // [classes], -1 between uses
  LabelShare* shares;                        // [classes] of one block
  double* u;                                 // [classes] the same by class, 0 between uses
};

}  // namespace arloss::cpu

#endif
