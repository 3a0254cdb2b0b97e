#ifndef ARLOSS_CPU_LABEL_POOL_H
#define ARLOSS_CPU_LABEL_POOL_H

#include <cstdint>
#include <limits>
#include <vector>

#include "cpu/grid.h"
#include "cpu/parallel.h"
#include "plan/backend.h"
#include "plan/ledger.h"
#include "plan/problem.h"

namespace arloss::cpu {

/// What a cell or block holds, instead of a class index (which is >= 0).
inline constexpr std::int32_t kNoLabels = -1;      // no valid label pixel
inline constexpr std::int32_t kMixedLabels = -2;   // two classes or more
inline constexpr std::int32_t kInvalidLabel = -3;  // a cell of one label pixel, which is no class and not ignored

/// m_i: at least one valid label pixel.
inline bool is_labelled(std::int32_t code) { return code >= 0 || code == kMixedLabels; }

/// One class of a label row: u_c = sqrt(t_c), t_c its share of the valid label pixels.
struct LabelShare {
  std::int32_t label;
  double u;
};

/// The classes of one label row; u = 1 for the only one of a pure row.
struct LabelRow {
  const LabelShare* shares;
  int count;
};

/// Counts label pixels by class. Between uses every count is 0.
class LabelCounter {
 public:
  LabelCounter(std::uint32_t* counts, std::int32_t* touched) : counts_(counts), touched_(touched) {}

  void add(std::int32_t label, std::uint32_t count) {
    if (counts_[label] == 0) touched_[num_touched_++] = label;
    counts_[label] += count;
    total_ += count;
  }
  int num_classes() const { return num_touched_; }
  std::int32_t label(int index) const { return touched_[index]; }
  std::uint32_t count(int index) const { return counts_[touched_[index]]; }
  std::uint32_t total() const { return total_; }

  void clear() {
    for (int index = 0; index < num_touched_; ++index) counts_[touched_[index]] = 0;
    num_touched_ = 0;
    total_ = 0;
  }

 private:
  std::uint32_t* counts_;  // [classes]
  std::int32_t* touched_;  // [classes]
  int num_touched_ = 0;
  std::uint32_t total_ = 0;
};

/// One call's label map together with the tables pooled from it.
struct LabelMap {
  const void* labels;    // the caller's
  const float* weights;  // the caller's pixel weights, or NULL
  void* workspace;
};

/// Label pooling: the class of every cell, and at coarser scales of every block, with exact integer counts where
/// classes mix (math.md, eq. 3 to 5). A cell costs one code and never a row of C numbers; the few mixed cells are
/// counted again when met, mixed blocks keep their counts. Plan-time object: tables live in the caller's workspace.
class LabelPool {
 public:
  /// `edges`: block edges above 1 that will be asked for.
  LabelPool(const Problem& problem, std::vector<std::int64_t> edges, Ledger& workspace);

  /// Validates labels and weights and fills the tables. Returns the first fault by position, labels before weights.
  /// counter_of_thread(thread) gives the LabelCounter a thread may use.
  template <class CounterOfThread>
  RunFault build(const LabelMap& map, int num_threads, const CounterOfThread& counter_of_thread) const {
    const RunFault fault = fault_of(map, pool_cells(map, num_threads, counter_of_thread), num_threads);
    if (fault.is_found()) return fault;
    for (const ScaleTable& table : scales_) {
      const Extent& extent = table.blocks.extent();
      parallel_for(num_threads, problem_.batch * extent.depth * extent.height, [&](std::int64_t row, int thread) {
        LabelCounter counter = counter_of_thread(thread);
        pool_block_row(map, table, row, counter);
      });
    }
    return fault;
  }

  /// Code of one cell: its class, kNoLabels or kMixedLabels.
  std::int32_t cell_code(const LabelMap& map, std::int64_t image, std::int64_t cell) const;
  /// Writes the codes of consecutive cells.
  void write_cell_codes(const LabelMap& map, std::int64_t image, std::int64_t first, int count,
                        std::int32_t* codes) const;
  /// Codes of an image's blocks at edges()[scale].
  const std::int32_t* block_codes(const LabelMap& map, int scale, std::int64_t image) const {
    const ScaleTable& table = scales_[static_cast<std::size_t>(scale)];
    return at<std::int32_t>(map.workspace, table.codes) + image * table.blocks.count();
  }

  /// The classes of a mixed cell or block (of others nothing is stored), u in float64; returns how many.
  int cell_shares(const LabelMap& map, std::int64_t image, std::int64_t cell, LabelCounter& counter,
                  LabelShare* shares) const;
  int block_shares(const LabelMap& map, int scale, std::int64_t image, std::int64_t block, LabelShare* shares) const;

  /// Counts the valid label pixels of a box of cells, by the cells' codes where they tell.
  void count_cells(const LabelMap& map, std::int64_t image, const Box& cells, LabelCounter& counter) const;

  /// w_i = m_i * pixel_weight_i of consecutive cells (math.md, eq. 8), m_i from their codes.
  void write_weights(const LabelMap& map, std::int64_t image, std::int64_t first, int count, const std::int32_t* codes,
                     float* weights) const;

  const Blocks& blocks(int scale) const { return scales_[static_cast<std::size_t>(scale)].blocks; }
  /// Most tasks that build hands to threads at once.
  std::int64_t max_tasks() const;
  /// Most label pixels a block of `edge` cells may hold.
  std::int64_t max_block_labels(std::int64_t edge) const;

  /// What arloss_check reports of labels and weights; needs no table, fills the cells' codes.
  struct Census {
    std::int64_t ignored = 0, invalid = 0, first_invalid = -1, invalid_weights = 0, first_invalid_weight = -1;
  };
  template <class CounterOfThread>
  Census take_census(const LabelMap& map, int num_threads, const CounterOfThread& counter_of_thread) const {
    return census_of(map, pool_cells(map, num_threads, counter_of_thread), num_threads);
  }

 private:
  struct ScaleTable {
    Blocks blocks;
    bool is_wide;        // counts need 32 bits
    std::size_t codes;   // [batch][blocks] int32
    std::size_t counts;  // [batch][blocks][classes] uint16 or uint32; rows of mixed blocks only are written
  };

  bool reads_codes_from_labels() const { return problem_.labels == problem_.grid; }
  template <class Label, class Visit>
  void for_each_block(const Label* labels, const Extent& extent, const Blocks& blocks, std::int64_t row,
                      const Visit& visit) const;
  template <class Label>
  std::int64_t first_invalid_label(const Label* labels, std::int64_t row) const;
  /// Label pixels of one class in a mixed cell.
  struct CountedLabel {
    std::uint16_t label, count;
  };
  /// The counts of a row of cells: as many as it has cells.
  struct MixedRows {
    CountedLabel* labels;
    std::int64_t size;
  };
  CountedLabel* mixed_row(const LabelMap& map, std::int64_t row) const {
    return at<CountedLabel>(map.workspace, mixed_rows_) + row * problem_.grid.width;
  }

  /// Codes of every cell; returns the first invalid label pixel.
  template <class CounterOfThread>
  std::int64_t pool_cells(const LabelMap& map, int num_threads, const CounterOfThread& counter_of_thread) const {
    std::atomic<std::int64_t> first_invalid{std::numeric_limits<std::int64_t>::max()};
    parallel_for(num_threads, problem_.batch * problem_.grid.depth * problem_.grid.height,
                 [&](std::int64_t row, int thread) {
                   LabelCounter counter = counter_of_thread(thread);
                   lower(first_invalid, pool_row(map, row, counter));
                 });
    return first_invalid.load();
  }
  std::int64_t pool_row(const LabelMap& map, std::int64_t row, LabelCounter& counter) const;
  std::uint32_t num_labels(const Position& cell) const;
  template <class Label>
  std::int64_t pool_cell_row(const LabelMap& map, const Label* labels, std::int64_t row, LabelCounter& counter) const;
  std::int32_t code_of(const LabelCounter& counter, bool has_ignored, MixedRows& mixed) const;
  const CountedLabel* kept_counts(const LabelMap& map, std::int64_t image, std::int64_t cell) const;
  RunFault fault_of(const LabelMap& map, std::int64_t first_invalid, int num_threads) const;
  Census census_of(const LabelMap& map, std::int64_t first_invalid, int num_threads) const;
  std::int64_t find_invalid_weight(const LabelMap& map, int num_threads) const;
  void pool_block_row(const LabelMap& map, const ScaleTable& table, std::int64_t row, LabelCounter& counter) const;
  std::int32_t pool_block(const LabelMap& map, const ScaleTable& table, std::int64_t row, std::int64_t x,
                          LabelCounter& counter) const;
  void count_cell(const LabelMap& map, std::int64_t image, const Position& cell, LabelCounter& counter) const;
  void count_labels(const LabelMap& map, std::int64_t image, const Box& cells, LabelCounter& counter) const;
  std::int32_t stored_code(const LabelMap& map, std::int64_t image, std::int64_t cell) const;

  const Problem& problem_;
  std::uint32_t labels_of_every_cell_ = 0;  // 0: not all cells have as many label pixels
  std::size_t cell_codes_ = 0;              // [batch][N] int32, unless a cell is one label pixel
  std::size_t mixed_rows_ = 0;              // [batch][N] CountedLabel
  bool stores_rows_ = false;
  std::vector<ScaleTable> scales_;
};

}  // namespace arloss::cpu

#endif
