#include "workload_data.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>

#include "smooth_data.h"

namespace bench {
namespace {

/// A volume's slices are maps that stay the same for as many slices as regions are wide in a map of its size.
constexpr std::int64_t kSlicesAlike = 24;

std::vector<std::uint8_t> image_labels(const BenchWorkload& w, const ImageShape& slice, unsigned seed) {
  std::vector<std::uint8_t> labels;
  for (std::int64_t z = 0; z < w.label_depth; ++z) {
    const auto slice_seed = seed + static_cast<unsigned>(z / kSlicesAlike);
    const std::vector<std::uint8_t> map = smooth_labels(slice, slice_seed);
    labels.insert(labels.end(), map.begin(), map.end());
  }
  return labels;
}

std::vector<float> image_logits(const BenchWorkload& w, const ImageShape& slice, const std::uint8_t* labels,
                                unsigned seed) {
  const std::int64_t slice_cells = w.height * w.width, slice_labels = w.label_height * w.label_width;
  std::vector<float> logits(static_cast<std::size_t>(w.classes * w.cells()));
  for (std::int64_t z = 0; z < w.depth; ++z) {
    const std::uint8_t* const first = labels + (2 * z + 1) * w.label_depth / (2 * w.depth) * slice_labels;
    const std::vector<float> planes =
        trained_like_logits(slice, {first, first + slice_labels}, seed + static_cast<unsigned>(z));
    for (std::int64_t c = 0; c < w.classes; ++c)
      std::copy_n(planes.data() + c * slice_cells, slice_cells, logits.data() + (c * w.depth + z) * slice_cells);
  }
  return logits;
}

std::unique_ptr<WorkloadData> make_data(const BenchWorkload& w) {
  auto data = std::make_unique<WorkloadData>();
  const ImageShape slice = w.slice();
  for (std::int64_t b = 0; b < w.batch; ++b) {
    const auto seed = static_cast<unsigned>(1000 * b);
    const std::vector<std::uint8_t> labels = image_labels(w, slice, seed);
    const std::vector<float> logits = image_logits(w, slice, labels.data(), seed + 500);
    data->labels.insert(data->labels.end(), labels.begin(), labels.end());
    data->logits.insert(data->logits.end(), logits.begin(), logits.end());
  }
  return data;
}

}  // namespace

const WorkloadData& data_of(const BenchWorkload& workload) {
  static std::map<std::string, std::unique_ptr<WorkloadData>> made;
  std::unique_ptr<WorkloadData>& data = made[workload.name];
  if (!data) data = make_data(workload);
  return *data;
}

std::vector<float> random_logits(const BenchWorkload& workload) {
  std::mt19937_64 random(17);
  std::vector<float> logits(static_cast<std::size_t>(workload.logits()));
  // The sum of four bytes is near enough to normal, and a tenth of the time of the library's.
  for (float& logit : logits) {
    const std::uint64_t bits = random();
    const auto sum = static_cast<int>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24 & 255));
    logit = static_cast<float>(sum - 510) / 148.0F;  // 148: the standard deviation of the sum
  }
  return logits;
}

std::vector<std::uint16_t> to_bfloat16(const std::vector<float>& values) {
  std::vector<std::uint16_t> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(), [](float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  });
  return rounded;
}

std::vector<float> classes_last(const BenchWorkload& workload, const std::vector<float>& logits) {
  std::vector<float> turned(logits.size());
  const std::int64_t cells = workload.cells(), classes = workload.classes;
  for (std::int64_t b = 0; b < workload.batch; ++b) {
    for (std::int64_t c = 0; c < classes; ++c) {
      const float* const plane = logits.data() + (b * classes + c) * cells;
      for (std::int64_t i = 0; i < cells; ++i)
        turned[static_cast<std::size_t>((b * cells + i) * classes + c)] = plane[i];
    }
  }
  return turned;
}

}  // namespace bench
