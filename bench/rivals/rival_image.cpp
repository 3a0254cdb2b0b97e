#include "rival_image.h"

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

constexpr std::int64_t kStrip = 256;  // cells whose maximum and sum stay in the first cache

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::vector<CellChunk> cut_image(const BenchWorkload& w, const std::vector<std::int32_t>& scales, int num_threads,
                                 ChunkSize size) {
  // Measured for 19 and 150 classes: 12288 to 24576 floats are alike, 98304 take twice as long for 19.
  constexpr std::int64_t kFloats = 16384, kLeastCells = 256, kChunksPerThread = 4;
  const std::int64_t align = *std::max_element(scales.begin(), scales.end());
  const bool is_volume = w.depth > 1;
  const std::int64_t lines = is_volume ? w.depth : w.height, line_cells = w.cells() / lines;
  std::int64_t blocks = 0;  // of `align` lines
  if (size == ChunkSize::kShare) {
    blocks = ceil_div(ceil_div(w.batch * lines, num_threads), align);
  } else {
    const std::int64_t fair = w.batch * w.cells() / (kChunksPerThread * num_threads);
    blocks = std::max(std::min(kFloats / w.classes, fair), kLeastCells) / line_cells / align;
  }
  const std::int64_t chunk_lines = std::min(std::max(blocks, std::int64_t{1}) * align, lines);
  std::vector<CellChunk> chunks;
  for (std::int64_t line = 0; line < lines; line += chunk_lines) {
    const std::int64_t end = std::min(line + chunk_lines, lines);
    CellChunk chunk = {0, 1, line, end, line * line_cells, (end - line) * line_cells};
    if (is_volume) chunk = {line, end, 0, w.height, line * line_cells, (end - line) * line_cells};
    chunks.push_back(chunk);
  }
  return chunks;
}

SoftLabels::SoftLabels(const BenchWorkload& workload, const std::vector<std::int32_t>& scales, std::int64_t most_cells)
    : workload_(workload), scales_(scales), most_cells_(most_cells) {
  const auto cells = static_cast<std::size_t>(most_cells), classes = static_cast<std::size_t>(workload.classes);
  counts_.resize(classes * cells);
  if (scales.size() > 1 || scales[0] > 1) blocks_.resize(classes * cells);
  totals_.resize(cells);
  line_.resize(static_cast<std::size_t>(workload.width));
  for (std::int64_t x = 0; x <= workload.width; ++x) column_begin_.push_back(x * workload.label_width / workload.width);
}

std::size_t SoftLabels::bytes() const {
  return sizeof(float) * (counts_.size() + blocks_.size() + totals_.size() + line_.size());
}

void SoftLabels::count_labels(const CellChunk& chunk, const std::uint8_t* labels) {
  const BenchWorkload& w = workload_;
  std::fill_n(counts_.data(), w.classes * chunk.cells, 0.0F);
  float* cell = counts_.data();
  for (std::int64_t z = chunk.first_slice; z < chunk.last_slice; ++z) {
    for (std::int64_t y = chunk.first_row; y < chunk.last_row; ++y, cell += w.width) {
      for (std::int64_t slice = z * w.label_depth / w.depth; slice < (z + 1) * w.label_depth / w.depth; ++slice) {
        for (std::int64_t row = y * w.label_height / w.height; row < (y + 1) * w.label_height / w.height; ++row) {
          const std::uint8_t* const pixels = labels + (slice * w.label_height + row) * w.label_width;
          for (std::int64_t x = 0; x < w.width; ++x) {
            // Labels are smooth: most often one run a cell.
            for (std::int64_t begin = column_begin_[x], end = begin; begin < column_begin_[x + 1]; begin = end) {
              while (end < column_begin_[x + 1] && pixels[end] == pixels[begin]) ++end;
              if (pixels[begin] < w.classes) cell[pixels[begin] * chunk.cells + x] += static_cast<float>(end - begin);
            }
          }
        }
      }
    }
  }
}

void SoftLabels::sum_blocks(const CellChunk& chunk, std::int64_t edge) {
  const BenchWorkload& w = workload_;
  const std::int64_t rows = chunk.last_row - chunk.first_row, slices = chunk.last_slice - chunk.first_slice;
  float* block = blocks_.data();
  for (std::int64_t c = 0; c < w.classes; ++c) {
    const float* const plane = counts_.data() + c * chunk.cells;
    for (std::int64_t z0 = 0; z0 < slices; z0 += edge) {
      for (std::int64_t y0 = 0; y0 < rows; y0 += edge) {
        std::fill(line_.begin(), line_.end(), 0.0F);
        for (std::int64_t z = z0; z < std::min(z0 + edge, slices); ++z) {
          for (std::int64_t y = y0; y < std::min(y0 + edge, rows); ++y) {
            const float* const row = plane + (z * rows + y) * w.width;
            for (std::int64_t x = 0; x < w.width; ++x) line_[x] += row[x];
          }
        }
        for (std::int64_t x0 = 0; x0 < w.width; x0 += edge, ++block) {
          *block = 0;
          for (std::int64_t x = x0; x < std::min(x0 + edge, w.width); ++x) *block += line_[x];
        }
      }
    }
  }
}

void SoftLabels::spread_blocks(const CellChunk& chunk, std::int64_t edge, const float* live, float* v,
                               std::int64_t stride) {
  const BenchWorkload& w = workload_;
  const std::int64_t rows = chunk.last_row - chunk.first_row, slices = chunk.last_slice - chunk.first_slice;
  const float* block = blocks_.data();
  for (std::int64_t c = 0; c < w.classes; ++c) {
    for (std::int64_t z0 = 0; z0 < slices; z0 += edge) {
      for (std::int64_t y0 = 0; y0 < rows; y0 += edge) {
        for (std::int64_t x0 = 0; x0 < w.width; x0 += edge, ++block)
          std::fill(line_.begin() + x0, line_.begin() + std::min(x0 + edge, w.width), *block);
        for (std::int64_t z = z0; z < std::min(z0 + edge, slices); ++z) {
          for (std::int64_t y = y0; y < std::min(y0 + edge, rows); ++y) {
            const std::int64_t first = (z * rows + y) * w.width;
            for (std::int64_t x = 0; x < w.width; ++x) v[c * stride + first + x] = line_[x] * live[first + x];
          }
        }
      }
    }
  }
}

namespace {

/// sums[i] = sum_c rows[c][i]
void sum_classes(const float* rows, std::int64_t classes, std::int64_t cells, float* sums) {
  std::fill_n(sums, cells, 0.0F);
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t i = 0; i < cells; ++i) sums[i] += rows[c * cells + i];
}

/// out[c][i] = sqrt(weight rows[c][i] / sums[i]), 0 where the sum is
void root_shares(const float* rows, float* sums, float weight, std::int64_t classes, std::int64_t cells, float* out,
                 std::int64_t stride) {
  for (std::int64_t i = 0; i < cells; ++i) sums[i] = sums[i] > 0 ? weight / sums[i] : 0;
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t i = 0; i < cells; ++i) out[c * stride + i] = std::sqrt(rows[c * cells + i] * sums[i]);
}

}  // namespace

std::int64_t SoftLabels::pool(const CellChunk& chunk, const std::uint8_t* labels, float* v, std::int64_t stride,
                              float* live) {
  const BenchWorkload& w = workload_;
  count_labels(chunk, labels);
  sum_classes(counts_.data(), w.classes, chunk.cells, totals_.data());
  std::int64_t live_cells = 0;
  for (std::int64_t i = 0; i < chunk.cells; ++i) {
    live[i] = totals_[i] > 0 ? 1.0F : 0.0F;
    live_cells += totals_[i] > 0;
  }
  const float weight = 1.0F / static_cast<float>(scales_.size());
  for (const std::int32_t edge : scales_) {
    if (edge == 1) {
      root_shares(counts_.data(), totals_.data(), weight, w.classes, chunk.cells, v, stride);
    } else {
      sum_blocks(chunk, edge);
      const std::int64_t blocks = ceil_div(chunk.last_slice - chunk.first_slice, edge) *
                                  ceil_div(chunk.last_row - chunk.first_row, edge) * ceil_div(w.width, edge);
      sum_classes(blocks_.data(), w.classes, blocks, totals_.data());
      root_shares(blocks_.data(), totals_.data(), weight, w.classes, blocks, blocks_.data(), blocks);
      spread_blocks(chunk, edge, live, v, stride);
    }
    v += w.classes * stride;
  }
  return live_cells;
}

void softmax_roots(const float* logits, std::int64_t plane, std::int64_t classes, std::int64_t cells, const float* live,
                   float* s, std::int64_t stride) {
  float top[kStrip], sum[kStrip];
  for (std::int64_t first = 0; first < cells; first += kStrip) {
    const std::int64_t count = std::min(kStrip, cells - first);
    const float* const z = logits + first;
    float* const root = s + first;
    std::copy_n(z, count, top);
    for (std::int64_t c = 1; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i) top[i] = std::max(top[i], z[c * plane + i]);
    std::fill_n(sum, count, 0.0F);
    for (std::int64_t c = 0; c < classes; ++c) {
      for (std::int64_t i = 0; i < count; ++i) {
        const float e = std::exp(0.5F * (z[c * plane + i] - top[i]));
        sum[i] += e * e;
        root[c * stride + i] = e;
      }
    }
    for (std::int64_t i = 0; i < count; ++i) sum[i] = live[first + i] / std::sqrt(sum[i]);
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i) root[c * stride + i] *= sum[i];
  }
}

void softmax_chain(const float* s, const float* h, std::int64_t stride, std::int64_t classes, std::int64_t cells,
                   float* gradient, std::int64_t plane) {
  float product[kStrip];
  for (std::int64_t first = 0; first < cells; first += kStrip) {
    const std::int64_t count = std::min(kStrip, cells - first);
    std::fill_n(product, count, 0.0F);
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i) product[i] += s[c * stride + first + i] * h[c * stride + first + i];
    for (std::int64_t c = 0; c < classes; ++c) {
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t at = c * stride + first + i;
        gradient[c * plane + first + i] = 0.5F * s[at] * (h[at] - s[at] * product[i]);
      }
    }
  }
}

}  // namespace bench
