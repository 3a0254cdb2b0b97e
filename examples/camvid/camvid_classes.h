// The classes of CamVid, as SegNet's tutorial numbers them, and its pictures' sizes.
#pragma once
#include <array>
#include <cstdint>

#include "picture.h"

namespace camvid {

constexpr std::int64_t kNumClasses = 11, kVoid = 11;
constexpr std::int64_t kImageHeight = 180, kImageWidth = 240;
constexpr std::int64_t kLabelHeight = 360, kLabelWidth = 480;

/// Void last.
constexpr std::array<const char*, kNumClasses + 1> kClassNames = {
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist", "void"};
constexpr std::array<demo::Colour, kNumClasses + 1> kClassColours = {{{128, 128, 128},
                                                                      {128, 0, 0},
                                                                      {192, 192, 128},
                                                                      {128, 64, 128},
                                                                      {60, 40, 222},
                                                                      {128, 128, 0},
                                                                      {192, 128, 128},
                                                                      {64, 64, 128},
                                                                      {64, 0, 128},
                                                                      {64, 64, 0},
                                                                      {0, 128, 192},
                                                                      {0, 0, 0}}};

}  // namespace camvid
