// Colours for classes and for numbers.
#pragma once
#include "picture.h"

#include <array>

namespace demo {

constexpr Colour kUnlabelled = {112, 112, 112};

/// One colour per label value; the ignored value (or -1, none) is kUnlabelled.
std::array<Colour, 256> class_palette(int64_t ignore);

/// From dark violet through green to yellow, for a value in [0, 1]; ends hold beyond.
Colour sequential_colour(double value);

/// From blue through white to red, for a value in [-1, 1]; ends hold beyond.
Colour diverging_colour(double value);

}  // namespace demo
