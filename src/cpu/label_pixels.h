#ifndef ARLOSS_CPU_LABEL_PIXELS_H
#define ARLOSS_CPU_LABEL_PIXELS_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cpu/grid.h"
#include "cpu/label_pool.h"
#include "cpu/simd/simd_kernels.h"
#include "plan/problem.h"

/// The caller's label map, pixel by pixel and row by row.
namespace arloss::cpu {

template <class Body>
auto with_labels(arloss_dtype_t dtype, const void* labels, const Body& body) {
  switch (dtype) {
    case ARLOSS_DTYPE_UINT8: return body(static_cast<const std::uint8_t*>(labels));
    case ARLOSS_DTYPE_INT32: return body(static_cast<const std::int32_t*>(labels));
    default: return body(static_cast<const std::int64_t*>(labels));
  }
}

/// Class of a label pixel, kNoLabels where it is ignored, else kInvalidLabel. Without branches, in numbers no wider
/// than they must be: compilers make vectors of it.
template <class Label>
class Classifier {
 public:
  explicit Classifier(const Problem& problem)
      : classes_(static_cast<Number>(problem.classes)), ignored_(static_cast<Number>(problem.ignore_index)) {
    has_ignored_ = problem.has_ignore_index && ignored_ == problem.ignore_index;
  }
  std::int32_t operator()(Label label) const {
    const auto number = static_cast<Number>(label);
    const bool is_class = (number >= 0) & (number < classes_), is_ignored = has_ignored_ & (number == ignored_);
    return is_ignored ? kNoLabels : is_class ? static_cast<std::int32_t>(number) : kInvalidLabel;
  }

 private:
  using Number = std::conditional_t<sizeof(Label) == 8, std::int64_t, std::int32_t>;
  Number classes_, ignored_;
  bool has_ignored_;
};

/// Where row y of slice z of an image's label map starts.
inline std::int64_t row_position(const Extent& extent, std::int64_t image, std::int64_t z, std::int64_t y) {
  return ((image * extent.depth + z) * extent.height + y) * extent.width;
}

/// Calls row(pointer, length, position) for each run of label pixels along the fastest axis of a box.
template <class Label, class Row>
void for_each_label_row(const Label* labels, const Extent& extent, std::int64_t image, const Box& box, const Row& row) {
  for (std::int64_t z = box.first.z; z < box.last.z; ++z)
    for (std::int64_t y = box.first.y; y < box.last.y; ++y) {
      const std::int64_t position = row_position(extent, image, z, y) + box.first.x;
      row(labels + position, box.last.x - box.first.x, position);
    }
}

/// Counts the labels of a box by class, runs of one label at a time. Returns whether some are ignored, and lowers
/// `first_invalid` to the first that is invalid.
template <class Label>
bool count_box(const Problem& problem, const Label* labels, std::int64_t image, const Box& box, LabelCounter& counter,
               std::int64_t& first_invalid) {
  const Classifier<Label> classify(problem);
  bool has_ignored = false;
  for_each_label_row(labels, problem.labels, image, box, [&](const Label* row, std::int64_t length, std::int64_t at) {
    for (std::int64_t i = 0, next; i < length; i = next) {
      for (next = i + 1; next < length && row[next] == row[i];) ++next;
      const std::int32_t label = classify(row[i]);
      if (label >= 0) counter.add(label, static_cast<std::uint32_t>(next - i));
      if (label == kInvalidLabel) first_invalid = std::min(first_invalid, at + i);
      has_ignored |= label == kNoLabels;
    }
  });
  return has_ignored;
}

/// The label rows of a box, compared column by column: whole rows at a time, byte by byte.
template <class Label>
class LabelColumns {
 public:
  static constexpr std::int64_t kMost = 1024 / sizeof(Label);  // flags on the stack

  LabelColumns(const Label* labels, const Extent& extent, std::int64_t image, const Box& box)
      : first_column_(box.first.x), fits_(box.last.x - box.first.x <= kMost) {
    if (!fits_) return;
    const SimdKernels& kernels = simd_kernels();
    const std::int64_t size = (box.last.x - box.first.x) * kBytes;
    first_row_ = labels + row_position(extent, image, box.first.z, box.first.y) + box.first.x;
    std::fill_n(flags_, size + kWord, std::uint8_t{0});
    for_each_label_row(labels, extent, image, box, [&](const Label* row, std::int64_t, std::int64_t) {
      if (row != first_row_) kernels.mark_changes(bytes(row), bytes(first_row_), size, kIsMixed, flags_);
    });
    kernels.mark_changes(bytes(first_row_ + 1), bytes(first_row_), size - kBytes, kIsNew, flags_ + kBytes);
  }

  /// Are columns [first, last) of the label map all of one label, as far as can be told here?
  bool is_one_label(std::int64_t first, std::int64_t last) const {
    if (!fits_) return false;
    const std::uint8_t* flags = flags_ + (first - first_column_) * kBytes;
    std::int64_t left = (last - first) * kBytes;
    std::uint64_t seen = first_bytes(flags, left) & ~kNewInFirst;
    for (left -= kWord; left > 0; left -= kWord) seen |= first_bytes(flags += kWord, left);
    return seen == 0;
  }
  const Label* at(std::int64_t column) const { return first_row_ + (column - first_column_); }

 private:
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first bytes of a word are its lowest");
  static constexpr std::int64_t kWord = 8, kBytes = sizeof(Label);
  static constexpr std::uint8_t kIsMixed = 1, kIsNew = 2;  // rows differ in the column; it differs from the one before
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  static constexpr std::uint64_t kNewInFirst = kAll / 255 * kIsNew & kAll >> 8 * (kWord - kBytes);  // label

  static const std::uint8_t* bytes(const Label* labels) { return reinterpret_cast<const std::uint8_t*>(labels); }
  /// The first `count` of eight bytes, or all.
  static std::uint64_t first_bytes(const std::uint8_t* flags, std::int64_t count) {
    std::uint64_t word;
    std::memcpy(&word, flags, sizeof word);
    return count < kWord ? word & ~(kAll << 8 * count) : word;
  }

  std::int64_t first_column_;
  bool fits_;
  const Label* first_row_ = nullptr;
  std::uint8_t flags_[kMost * kBytes + kWord];
};

}  // namespace arloss::cpu

#endif
