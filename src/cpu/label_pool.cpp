#include "cpu/label_pool.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/label_pixels.h"

namespace arloss::cpu {
namespace {

/// Set in a stored code where some label pixels of a one-class cell are ignored: its count is not the cell's size.
constexpr std::int32_t kPartlyIgnored = 1 << 30;
/// Less n: a mixed cell whose counts are kept, from place n of its row on.
constexpr std::int32_t kFirstStored = -4;
constexpr std::int64_t kNotFound = std::numeric_limits<std::int64_t>::max();
/// Weights checked per task: large enough to amortise the task, small enough to share.
constexpr std::int64_t kWeightsPerTask = 1 << 14;

/// A cell's code as others see it.
std::int32_t plain_code(std::int32_t stored) {
  return stored >= 0 ? stored & ~kPartlyIgnored : stored <= kFirstStored ? kMixedLabels : stored;
}

/// Calls visit(c) for the counts that are not 0, of a row that commonly has two or three: it is read by words.
template <class Count, class Visit>
void for_each_nonzero(const Count* counts, std::int64_t classes, const Visit& visit) {
  constexpr std::int64_t kPerWord = sizeof(std::uint64_t) / sizeof(Count);
  std::int64_t first = 0;
  for (; first + kPerWord <= classes; first += kPerWord) {
    std::uint64_t word;
    std::memcpy(&word, counts + first, sizeof word);
    if (word == 0) continue;
    for (std::int64_t c = first; c < first + kPerWord; ++c)
      if (counts[c] != 0) visit(static_cast<std::int32_t>(c));
  }
  for (; first < classes; ++first)
    if (counts[first] != 0) visit(static_cast<std::int32_t>(first));
}

bool is_valid_weight(float weight) { return weight >= 0 && !std::isinf(weight); }

}  // namespace

LabelPool::LabelPool(const Problem& problem, std::vector<std::int64_t> edges, Ledger& workspace) : problem_(problem) {
  if (!reads_codes_from_labels()) {
    const std::initializer_list<std::int64_t> cells = {problem.batch, problem.grid.count()};
    cell_codes_ = workspace.book<std::int32_t>("label code of every cell", cells);
    stores_rows_ = max_block_labels(1) <= std::numeric_limits<std::uint16_t>::max();
    if (stores_rows_) mixed_rows_ = workspace.book<CountedLabel>("label counts of mixed cells", cells);
  }
  if (problem.labels.depth % problem.grid.depth == 0 && problem.labels.height % problem.grid.height == 0 &&
      problem.labels.width % problem.grid.width == 0)
    labels_of_every_cell_ = static_cast<std::uint32_t>(problem.labels.count() / problem.grid.count());
  for (const std::int64_t edge : edges) {
    const Blocks blocks(problem.grid, edge);
    const std::string name = "blocks of scale " + std::to_string(edge);
    ScaleTable table{blocks, max_block_labels(edge) > std::numeric_limits<std::uint16_t>::max(), 0, 0};
    table.codes = workspace.book<std::int32_t>("label code of " + name, {problem.batch, blocks.count()});
    const std::initializer_list<std::int64_t> counts = {problem.batch, blocks.count(), problem.classes};
    table.counts = table.is_wide ? workspace.book<std::uint32_t>("label counts of mixed " + name, counts)
                                 : workspace.book<std::uint16_t>("label counts of mixed " + name, counts);
    scales_.push_back(table);
  }
}

std::int64_t LabelPool::max_block_labels(std::int64_t edge) const {
  const auto along = [&](std::int64_t cells, std::int64_t labels) {
    return std::min(labels, std::min(edge, cells) * ((labels - 1) / cells + 1));
  };
  return along(problem_.grid.depth, problem_.labels.depth) * along(problem_.grid.height, problem_.labels.height) *
         along(problem_.grid.width, problem_.labels.width);
}

/// The first invalid label pixel of a row of cells that are one pixel each.
template <class Label>
std::int64_t LabelPool::first_invalid_label(const Label* labels, std::int64_t row) const {
  const Classifier<Label> classify(problem_);
  const std::int64_t first = row * problem_.grid.width;
  bool is_invalid = false;
  for (std::int64_t i = 0; i < problem_.grid.width; ++i) is_invalid |= classify(labels[first + i]) == kInvalidLabel;
  if (!is_invalid) return kNotFound;
  std::int64_t found = first;
  while (classify(labels[found]) != kInvalidLabel) ++found;
  return found;
}

/// Calls visit(x, the block's label pixels, their one label or NULL) for the blocks of a row, whose labels, or codes of
/// cells, are a map of `extent`. Most are of one label: whole rows of the map are compared first, and only the other
/// blocks need be looked at pixel by pixel.
template <class Label, class Visit>
void LabelPool::for_each_block(const Label* labels, const Extent& extent, const Blocks& blocks, std::int64_t row,
                               const Visit& visit) const {
  const Extent &row_extent = blocks.extent(), &grid = problem_.grid;
  const std::int64_t image = row / (row_extent.depth * row_extent.height);
  const std::int64_t widest = ((extent.width - 1) / grid.width + 1) * blocks.edge();
  const std::int64_t step = std::max<std::int64_t>(1, LabelColumns<Label>::kMost / widest);
  for (Position first = start_of_row(row_extent, row); first.x < row_extent.width;) {
    const std::int64_t last = std::min(row_extent.width, first.x + step);
    Box box = labels_of_cells(grid, extent, blocks.cells(first, last));
    const LabelColumns<Label> columns(labels, extent, image, box);
    math::FirstLabels ends(first.x * blocks.edge(), blocks.edge(), grid.width, extent.width);
    for (; first.x < last; ++first.x, box.first.x = box.last.x) {
      box.last.x = std::min(ends.next(), extent.width);
      const bool is_one_label = columns.is_one_label(box.first.x, box.last.x);
      visit(first.x, box, is_one_label ? columns.at(box.first.x) : nullptr);
    }
  }
}

/// Codes of one row of cells, and where its first invalid label pixel lies.
template <class Label>
std::int64_t LabelPool::pool_cell_row(const LabelMap& map, const Label* labels, std::int64_t row,
                                      LabelCounter& counter) const {
  const std::int64_t image = row / (problem_.grid.depth * problem_.grid.height);
  std::int32_t* const codes = at<std::int32_t>(map.workspace, cell_codes_) + row * problem_.grid.width;
  MixedRows mixed{stores_rows_ ? mixed_row(map, row) : nullptr, 0};
  std::int64_t first_invalid = kNotFound;
  const Classifier<Label> classify(problem_);
  const auto pool_cell = [&](std::int64_t x, const Box& box, const Label* only) {
    codes[x] = only != nullptr ? classify(*only) : kInvalidLabel;
    if (codes[x] != kInvalidLabel) return;
    const bool has_ignored = count_box(problem_, labels, image, box, counter, first_invalid);
    codes[x] = code_of(counter, has_ignored, mixed);
    counter.clear();
  };
  for_each_block(labels, problem_.labels, Blocks(problem_.grid, 1), row, pool_cell);
  return first_invalid;
}

/// The code of a cell, whose counts are kept where it is mixed and there is room.
std::int32_t LabelPool::code_of(const LabelCounter& counter, bool has_ignored, MixedRows& mixed) const {
  const int count = counter.num_classes();
  if (count == 0) return kNoLabels;
  if (count == 1) return counter.label(0) | (has_ignored ? kPartlyIgnored : 0);
  if (mixed.labels == nullptr || mixed.size + 1 + count > problem_.grid.width) return kMixedLabels;
  const std::int64_t first = mixed.size;
  mixed.labels[mixed.size++] = {static_cast<std::uint16_t>(count), 0};
  for (int c = 0; c < count; ++c)
    mixed.labels[mixed.size++] = {static_cast<std::uint16_t>(counter.label(c)),
                                  static_cast<std::uint16_t>(counter.count(c))};
  return kFirstStored - static_cast<std::int32_t>(first);
}

/// The kept counts of a mixed cell: their number, then one after the other; NULL where there are none.
const LabelPool::CountedLabel* LabelPool::kept_counts(const LabelMap& map, std::int64_t image,
                                                      std::int64_t cell) const {
  const std::int32_t code = stored_code(map, image, cell);
  if (code > kFirstStored) return nullptr;
  const std::int64_t row = image * problem_.grid.depth * problem_.grid.height + cell / problem_.grid.width;
  return mixed_row(map, row) + (kFirstStored - code);
}

/// Codes of one row of cells; returns its first invalid label pixel.
std::int64_t LabelPool::pool_row(const LabelMap& map, std::int64_t row, LabelCounter& counter) const {
  return with_labels(problem_.labels_dtype, map.labels, [&](const auto* labels) {
    return reads_codes_from_labels() ? first_invalid_label(labels, row) : pool_cell_row(map, labels, row, counter);
  });
}

LabelPool::Census LabelPool::census_of(const LabelMap& map, std::int64_t first_invalid, int num_threads) const {
  Census census;
  const std::int64_t first_weight = find_invalid_weight(map, num_threads);
  census.first_invalid = first_invalid == kNotFound ? -1 : first_invalid;
  census.first_invalid_weight = first_weight == kNotFound ? -1 : first_weight;
  with_labels(problem_.labels_dtype, map.labels, [&](const auto* labels) {
    const Classifier<std::decay_t<decltype(*labels)>> classify(problem_);
    for (std::int64_t i = 0; i < problem_.batch * problem_.labels.count(); ++i) {
      const std::int32_t label = classify(labels[i]);
      census.ignored += label == kNoLabels;
      census.invalid += label == kInvalidLabel;
    }
  });
  for (std::int64_t i = 0; map.weights != nullptr && i < problem_.batch * problem_.grid.count(); ++i)
    census.invalid_weights += !is_valid_weight(map.weights[i]);
  return census;
}

std::int64_t LabelPool::max_tasks() const {
  return problem_.batch * std::max(problem_.grid.depth * problem_.grid.height,
                                   (problem_.grid.count() + kWeightsPerTask - 1) / kWeightsPerTask);
}

std::int64_t LabelPool::find_invalid_weight(const LabelMap& map, int num_threads) const {
  if (map.weights == nullptr) return kNotFound;
  const std::int64_t count = problem_.batch * problem_.grid.count();
  std::atomic<std::int64_t> first_invalid{kNotFound};
  parallel_for(num_threads, (count + kWeightsPerTask - 1) / kWeightsPerTask, [&](std::int64_t task, int) {
    const std::int64_t last = std::min(count, (task + 1) * kWeightsPerTask);
    for (std::int64_t i = task * kWeightsPerTask; i < last; ++i)
      if (!is_valid_weight(map.weights[i])) return lower(first_invalid, i);
  });
  return first_invalid.load();
}

RunFault LabelPool::fault_of(const LabelMap& map, std::int64_t label, int num_threads) const {
  RunFault fault;
  if (label != kNotFound) {
    fault.kind = RunFault::Kind::kLabel;
    fault.position = label;
    fault.label = with_labels(problem_.labels_dtype, map.labels,
                              [&](const auto* labels) { return static_cast<std::int64_t>(labels[label]); });
  } else if (const std::int64_t weight = find_invalid_weight(map, num_threads); weight != kNotFound) {
    fault.kind = RunFault::Kind::kWeight;
    fault.position = weight;
    fault.weight = map.weights[weight];
  }
  return fault;
}

void LabelPool::pool_block_row(const LabelMap& map, const ScaleTable& table, std::int64_t row,
                               LabelCounter& counter) const {
  std::int32_t* const codes = at<std::int32_t>(map.workspace, table.codes) + row * table.blocks.extent().width;
  const auto pool = [&](const auto* cells, const auto& code_of_cell) {
    for_each_block(cells, problem_.grid, table.blocks, row, [&](std::int64_t x, const Box&, const auto* only) {
      codes[x] = only != nullptr ? code_of_cell(*only) : kMixedLabels;
      if (codes[x] == kMixedLabels) codes[x] = pool_block(map, table, row, x, counter);
    });
  };
  if (!reads_codes_from_labels()) return pool(at<std::int32_t>(map.workspace, cell_codes_), plain_code);
  with_labels(problem_.labels_dtype, map.labels,
              [&](const auto* labels) { pool(labels, Classifier<std::decay_t<decltype(*labels)>>(problem_)); });
}

/// The code of block x of a row, whose counts are kept where it is mixed.
std::int32_t LabelPool::pool_block(const LabelMap& map, const ScaleTable& table, std::int64_t row, std::int64_t x,
                                   LabelCounter& counter) const {
  const Extent& extent = table.blocks.extent();
  Position block = start_of_row(extent, row);
  block.x = x;
  count_cells(map, row / (extent.depth * extent.height), table.blocks.cells(block), counter);
  std::int32_t code = counter.num_classes() == 0 ? kNoLabels : counter.label(0);
  if (counter.num_classes() > 1) {
    code = kMixedLabels;
    const auto store = [&](auto* counts) {
      using Count = std::remove_pointer_t<decltype(counts)>;
      std::fill(counts, counts + problem_.classes, Count{0});
      for (int c = 0; c < counter.num_classes(); ++c) counts[counter.label(c)] = static_cast<Count>(counter.count(c));
    };
    const std::int64_t first = (row * extent.width + x) * problem_.classes;
    if (table.is_wide) {
      store(at<std::uint32_t>(map.workspace, table.counts) + first);
    } else {
      store(at<std::uint16_t>(map.workspace, table.counts) + first);
    }
  }
  counter.clear();
  return code;
}

void LabelPool::count_cells(const LabelMap& map, std::int64_t image, const Box& cells, LabelCounter& counter) const {
  for (std::int64_t z = cells.first.z; z < cells.last.z; ++z)
    for (std::int64_t y = cells.first.y; y < cells.last.y; ++y)
      for (std::int64_t x = cells.first.x; x < cells.last.x; ++x) count_cell(map, image, {z, y, x}, counter);
}

void LabelPool::count_cell(const LabelMap& map, std::int64_t image, const Position& cell, LabelCounter& counter) const {
  const Extent& grid = problem_.grid;
  const std::int64_t index = (cell.z * grid.height + cell.y) * grid.width + cell.x;
  const std::int32_t code = stored_code(map, image, index);
  if (code == kNoLabels || code == kInvalidLabel) return;
  const Box cells{cell, {cell.z + 1, cell.y + 1, cell.x + 1}};
  if (const CountedLabel* const kept = kept_counts(map, image, index); kept != nullptr) {
    for (int c = 1; c <= kept[0].label; ++c) counter.add(kept[c].label, kept[c].count);
  } else if (code == kMixedLabels || (code & kPartlyIgnored) != 0) {
    count_labels(map, image, cells, counter);
  } else {
    counter.add(code, num_labels(cell));
  }
}

std::uint32_t LabelPool::num_labels(const Position& cell) const {
  if (labels_of_every_cell_ != 0) return labels_of_every_cell_;
  const Box cells{cell, {cell.z + 1, cell.y + 1, cell.x + 1}};
  return static_cast<std::uint32_t>(labels_of_cells(problem_.grid, problem_.labels, cells).count());
}

std::int32_t LabelPool::stored_code(const LabelMap& map, std::int64_t image, std::int64_t cell) const {
  const std::int64_t index = image * problem_.grid.count() + cell;
  if (!reads_codes_from_labels()) return at<std::int32_t>(map.workspace, cell_codes_)[index];
  return with_labels(problem_.labels_dtype, map.labels, [&](const auto* labels) {
    return Classifier<std::decay_t<decltype(*labels)>>(problem_)(labels[index]);
  });
}

std::int32_t LabelPool::cell_code(const LabelMap& map, std::int64_t image, std::int64_t cell) const {
  return plain_code(stored_code(map, image, cell));
}

void LabelPool::write_cell_codes(const LabelMap& map, std::int64_t image, std::int64_t first, int count,
                                 std::int32_t* codes) const {
  const std::int64_t start = image * problem_.grid.count() + first;
  if (!reads_codes_from_labels()) {
    const std::int32_t* stored = at<std::int32_t>(map.workspace, cell_codes_) + start;
    for (int i = 0; i < count; ++i) codes[i] = plain_code(stored[i]);
    return;
  }
  with_labels(problem_.labels_dtype, map.labels, [&](const auto* labels) {
    const Classifier<std::decay_t<decltype(*labels)>> classify(problem_);
    for (int i = 0; i < count; ++i) codes[i] = classify(labels[start + i]);
  });
}

void LabelPool::count_labels(const LabelMap& map, std::int64_t image, const Box& cells, LabelCounter& counter) const {
  const Box box = labels_of_cells(problem_.grid, problem_.labels, cells);
  std::int64_t first_invalid = kNotFound;  // there is none: the cells are pooled
  with_labels(problem_.labels_dtype, map.labels,
              [&](const auto* labels) { count_box(problem_, labels, image, box, counter, first_invalid); });
}

int LabelPool::cell_shares(const LabelMap& map, std::int64_t image, std::int64_t cell, LabelCounter& counter,
                           LabelShare* shares) const {
  if (const CountedLabel* const kept = kept_counts(map, image, cell); kept != nullptr) {
    double total = 0;
    for (int c = 1; c <= kept[0].label; ++c) total += kept[c].count;
    for (int c = 1; c <= kept[0].label; ++c) shares[c - 1] = {kept[c].label, std::sqrt(kept[c].count / total)};
    return kept[0].label;
  }
  count_cell(map, image, position_of(problem_.grid, cell), counter);
  const int count = counter.num_classes();
  for (int c = 0; c < count; ++c)
    shares[c] = {counter.label(c), std::sqrt(static_cast<double>(counter.count(c)) / counter.total())};
  counter.clear();
  return count;
}

int LabelPool::block_shares(const LabelMap& map, int scale, std::int64_t image, std::int64_t block,
                            LabelShare* shares) const {
  const ScaleTable& table = scales_[static_cast<std::size_t>(scale)];
  const std::int64_t row = (image * table.blocks.count() + block) * problem_.classes;
  const auto read = [&](const auto* counts) {
    double total = 0;
    int count = 0;
    for_each_nonzero(counts, problem_.classes, [&](std::int32_t label) {
      shares[count++] = {label, static_cast<double>(counts[label])};
      total += static_cast<double>(counts[label]);
    });
    for (int c = 0; c < count; ++c) shares[c].u = std::sqrt(shares[c].u / total);
    return count;
  };
  return table.is_wide ? read(at<std::uint32_t>(map.workspace, table.counts) + row)
                       : read(at<std::uint16_t>(map.workspace, table.counts) + row);
}

void LabelPool::write_weights(const LabelMap& map, std::int64_t image, std::int64_t first, int count,
                              const std::int32_t* codes, float* weights) const {
  for (int i = 0; i < count; ++i) weights[i] = is_labelled(codes[i]) ? 1.0f : 0.0f;
  if (map.weights == nullptr) return;
  const float* given = map.weights + image * problem_.grid.count() + first;
  for (int i = 0; i < count; ++i) weights[i] = weights[i] != 0 ? given[i] : 0.0f;
}

}  // namespace arloss::cpu
