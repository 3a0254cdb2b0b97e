#include "dataset.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "camvid_classes.h"
#include "jpeg_io.h"
#include "png_io.h"

namespace camvid {
namespace {

namespace fs = std::filesystem;

template <class Value>
void require_size(const demo::Raster<Value>& raster, std::int64_t height, std::int64_t width, const fs::path& path) {
  const auto text = [](std::int64_t h, std::int64_t w) { return std::to_string(h) + " x " + std::to_string(w); };
  if (raster.height != height || raster.width != width) {
    throw demo::InputError("'" + path.string() + "': has " + text(raster.height, raster.width) +
                           " pixels (height x width); it must have " + text(height, width));
  }
}

/// uint8 [3, 180, 240]
torch::Tensor read_image(const fs::path& path) {
  const demo::Picture picture =
      path.extension() == ".png" ? demo::read_rgb_png(path.string()) : read_rgb_jpeg(path.string());
  require_size(picture, kImageHeight, kImageWidth, path);
  const torch::Tensor pixels = torch::empty({kImageHeight, kImageWidth, 3}, torch::kByte);
  std::memcpy(pixels.data_ptr(), picture.values.data(), static_cast<std::size_t>(pixels.numel()));
  return pixels.permute({2, 0, 1}).contiguous();
}

/// uint8 [360, 480]
torch::Tensor read_labels(const fs::path& path) {
  const demo::LabelMap map = demo::read_label_png(path.string());
  require_size(map, kLabelHeight, kLabelWidth, path);
  const auto wrong = std::find_if(map.values.begin(), map.values.end(), [](std::uint8_t v) { return v > kVoid; });
  if (wrong != map.values.end()) {
    const std::int64_t index = wrong - map.values.begin();
    throw demo::InputError("'" + path.string() + "': the pixel in row " + std::to_string(index / map.width) +
                           ", column " + std::to_string(index % map.width) + " is " + std::to_string(*wrong) +
                           "; labels are 0 to 10, or 11 for void");
  }
  const torch::Tensor labels = torch::empty({kLabelHeight, kLabelWidth}, torch::kByte);
  std::memcpy(labels.data_ptr(), map.values.data(), map.values.size());
  return labels;
}

std::vector<fs::path> list_images(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".jpg" || extension == ".jpeg" || extension == ".png") paths.push_back(entry.path());
  }
  if (error) throw demo::InputError("'" + folder.string() + "': cannot be read: " + error.message());
  if (paths.empty()) throw demo::InputError("'" + folder.string() + "': holds no .jpg, .jpeg or .png");
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// limit 0: all.
Samples load_samples(const fs::path& folder, std::int64_t limit) {
  std::vector<fs::path> paths = list_images(folder / "images");
  if (limit > 0 && limit < static_cast<std::int64_t>(paths.size())) paths.resize(static_cast<std::size_t>(limit));
  Samples samples;
  std::vector<torch::Tensor> images, labels;
  for (const fs::path& path : paths) {
    samples.names.push_back(path.stem().string());
    images.push_back(read_image(path));
    labels.push_back(read_labels(folder / "labels" / (samples.names.back() + ".png")));
  }
  samples.images = torch::stack(images);
  samples.labels = torch::stack(labels);
  return samples;
}

Samples select(const Samples& samples, const std::vector<std::int64_t>& indices) {
  const torch::Tensor index = torch::tensor(indices);
  Samples selected{{}, samples.images.index_select(0, index), samples.labels.index_select(0, index)};
  for (const std::int64_t i : indices) selected.names.push_back(samples.names[static_cast<std::size_t>(i)]);
  return selected;
}

Dataset hold_out(const Samples& samples, std::int64_t every) {
  if (samples.size() < every) {
    throw demo::InputError("--holdout " + std::to_string(every) + ": there are only " + std::to_string(samples.size()) +
                           " training images");
  }
  std::vector<std::int64_t> kept, held_out;
  for (std::int64_t i = 0; i < samples.size(); ++i) (i % every == every - 1 ? held_out : kept).push_back(i);
  return {select(samples, kept), select(samples, held_out)};
}

}  // namespace

Dataset load_dataset(const Settings& settings) {
  const fs::path folder = settings.data;
  Samples training = load_samples(folder / "train", settings.limit);
  if (settings.holdout > 0) return hold_out(training, settings.holdout);
  return {std::move(training), load_samples(folder / "test", settings.limit)};
}

torch::Tensor median_frequency_weights(const Samples& samples) {
  torch::Tensor pixels = torch::zeros({kNumClasses}, torch::kDouble), pixels_beside = pixels.clone();
  for (std::int64_t b = 0; b < samples.size(); ++b) {
    const torch::Tensor counts =
        samples.labels[b].view(-1).bincount({}, kNumClasses + 1).narrow(0, 0, kNumClasses).to(torch::kDouble);
    pixels += counts;
    pixels_beside += (counts > 0).to(torch::kDouble) * counts.sum();
  }
  const torch::Tensor frequencies = pixels / pixels_beside.clamp_min(1);
  const torch::Tensor occurring = frequencies.masked_select(frequencies > 0);
  const torch::Tensor weights = occurring.median() / frequencies;
  return torch::where(frequencies > 0, weights, torch::zeros_like(weights)).to(torch::kFloat);
}

}  // namespace camvid
