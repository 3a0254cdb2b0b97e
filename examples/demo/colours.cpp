#include "colours.h"

#include <algorithm>
#include <cmath>

namespace demo {
namespace {

// Told apart by lightness as well as hue where classes usually touch.
constexpr Colour kFirstColours[] = {{96, 70, 120},   {214, 150, 196}, {78, 92, 108},   {150, 130, 104}, {196, 168, 120},
                                    {236, 226, 190}, {255, 176, 32},  {250, 230, 70},  {66, 128, 60},   {150, 200, 110},
                                    {150, 200, 236}, {224, 60, 72},   {255, 128, 110}, {40, 72, 180},   {20, 120, 140},
                                    {30, 170, 170},  {90, 120, 220},  {140, 60, 30},   {170, 40, 120}};

/// A colour for any further class: hues a golden angle apart, three lightnesses in turn.
Colour numbered_colour(int value) {
  const double hue = 2.39996 * value, lightness = 0.45 + 0.2 * (value % 3);
  const auto channel = [&](double shift) {
    return static_cast<uint8_t>(std::lround(255 * std::clamp(lightness + 0.25 * std::cos(hue + shift), 0.0, 1.0)));
  };
  return {channel(0), channel(2.0944), channel(4.18879)};
}

/// Colours at even steps from position 0 to 1, straight lines between them.
template <size_t kCount>
Colour interpolate(const std::array<Colour, kCount> &stops, double position) {
  const double along = std::clamp(position, 0.0, 1.0) * (kCount - 1);
  const size_t first = std::min(static_cast<size_t>(along), kCount - 2);
  const double share = along - static_cast<double>(first);
  const auto mix = [&](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + share * (b - a))); };
  const Colour &a = stops[first], &b = stops[first + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

}  // namespace

std::array<Colour, 256> class_palette(int64_t ignore) {
  std::array<Colour, 256> palette;
  for (int value = 0; value < 256; ++value) palette[value] = numbered_colour(value);
  std::copy(std::begin(kFirstColours), std::end(kFirstColours), palette.begin());
  if (ignore >= 0 && ignore < 256) palette[ignore] = kUnlabelled;
  return palette;
}

Colour sequential_colour(double value) {
  // Even in lightness, so that it also reads in grey.
  static constexpr std::array<Colour, 9> kStops = {{{68, 1, 84},
                                                    {71, 44, 122},
                                                    {59, 81, 139},
                                                    {44, 113, 142},
                                                    {33, 144, 141},
                                                    {39, 173, 129},
                                                    {92, 200, 99},
                                                    {170, 220, 50},
                                                    {253, 231, 37}}};
  return interpolate(kStops, value);
}

Colour diverging_colour(double value) {
  static constexpr std::array<Colour, 7> kStops = {
      {{8, 48, 107}, {44, 110, 180}, {146, 195, 224}, {250, 250, 250}, {244, 165, 130}, {202, 60, 60}, {103, 0, 31}}};
  return interpolate(kStops, 0.5 + 0.5 * value);
}

}  // namespace demo
