#include "prediction_sheet.h"

#include <algorithm>

#include "augmentation.h"
#include "camvid_classes.h"
#include "evaluation.h"
#include "tiny_text.h"

namespace camvid {
namespace {

constexpr std::int64_t kMaxRows = 4;
constexpr std::int64_t kGap = 8;  // pixels
constexpr std::int64_t kCaption = demo::kTextHeight + 2 * kGap;
constexpr demo::Colour kPaper = {250, 250, 250}, kInk = {20, 20, 20};

/// The raster with its top left corner at (x, y), its pixels through colour_at(row, column).
template <class ColourAt>
void paint(demo::Picture& sheet, std::int64_t x, std::int64_t y, ColourAt colour_at) {
  for (std::int64_t v = 0; v < kLabelHeight; ++v)
    for (std::int64_t u = 0; u < kLabelWidth; ++u) sheet.at(y + v, x + u) = colour_at(v, u);
}

/// image: uint8 [3, 180, 240]
void paint_image(demo::Picture& sheet, std::int64_t x, std::int64_t y, const torch::Tensor& image) {
  const auto pixels = image.accessor<std::uint8_t, 3>();
  paint(sheet, x, y, [&](std::int64_t v, std::int64_t u) {
    const std::int64_t row = v * kImageHeight / kLabelHeight, column = u * kImageWidth / kLabelWidth;
    return demo::Colour{pixels[0][row][column], pixels[1][row][column], pixels[2][row][column]};
  });
}

/// classes: uint8 [360, 480]
void paint_classes(demo::Picture& sheet, std::int64_t x, std::int64_t y, const torch::Tensor& classes) {
  const auto values = classes.accessor<std::uint8_t, 2>();
  paint(sheet, x, y, [&](std::int64_t v, std::int64_t u) { return kClassColours[values[v][u]]; });
}

void draw_legend(demo::Picture& sheet, std::int64_t y) {
  constexpr std::int64_t kSwatch = 14;  // pixels
  std::int64_t x = kGap;
  for (std::size_t c = 0; c < kClassNames.size(); ++c) {
    for (std::int64_t v = 0; v < kSwatch; ++v)
      for (std::int64_t u = 0; u < kSwatch; ++u) sheet.at(y + v, x + u) = kClassColours[c];
    demo::draw_text(sheet, x + kSwatch + kGap / 2, y, kClassNames[c], kInk);
    x += kSwatch + kGap / 2 + demo::text_width(kClassNames[c]) + 2 * kGap;
  }
}

}  // namespace

demo::Picture prediction_sheet(UNet& network, const Samples& samples) {
  const torch::NoGradGuard no_grad;
  network->eval();
  const std::int64_t num_rows = std::min(kMaxRows, samples.size());
  const std::int64_t column = kLabelWidth + kGap, row = kLabelHeight + kGap;
  demo::Picture sheet(2 * kCaption + num_rows * row, 3 * column + kGap, kPaper);
  const char* const captions[] = {"picture", "labels", "prediction"};
  for (std::int64_t i = 0; i < 3; ++i) demo::draw_text(sheet, kGap + i * column, kGap, captions[i], kInk);
  for (std::int64_t i = 0; i < num_rows; ++i) {
    const std::int64_t index = (2 * i + 1) * samples.size() / (2 * num_rows), y = kCaption + i * row;
    const torch::Tensor predicted = predicted_classes(network, plain_batch(samples, index, 1).images)[0];
    paint_image(sheet, kGap, y, samples.images[index]);
    paint_classes(sheet, kGap + column, y, samples.labels[index]);
    paint_classes(sheet, kGap + 2 * column, y, predicted.to(torch::kByte));
  }
  draw_legend(sheet, sheet.height - kCaption + kGap);
  return sheet;
}

}  // namespace camvid
