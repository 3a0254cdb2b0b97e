// Captions for the pictures: one small bitmap font, no library.
#pragma once
#include "picture.h"

#include <string>

namespace demo {

constexpr int64_t kTextHeight = 18;  // pixels from the top of the letters to the end of their tails

/// Width of the text in pixels.
int64_t text_width(const std::string &text);

/// Draws the text with its top left corner at (x, y), clipped to the picture. A capital that the font lacks
/// comes out as its small letter, any other character as a blank.
void draw_text(Picture &picture, int64_t x, int64_t y, const std::string &text, Colour colour);

}  // namespace demo
