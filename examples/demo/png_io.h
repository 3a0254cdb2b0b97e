// Label maps and pictures from and to PNG files.
#pragma once
#include "picture.h"

#include <array>
#include <string>

namespace demo {

/// Reads a palette or grey PNG of at most 8 bits; its values are taken as class indices, the palette's colours are
/// not looked at. Throws InputError, naming the file, for anything else: unreadable, not a PNG, cut short, RGB,
/// alpha, 16 bits.
LabelMap read_label_png(const std::string &path);

/// Reads any PNG as 8-bit RGB. Throws InputError, naming the file: unreadable, not a PNG, damaged or cut short.
Picture read_rgb_png(const std::string &path);

/// Writes class indices with their colours, as a palette PNG that read_label_png gives back unchanged.
/// Throws InputError, naming the file, where it cannot be written.
void write_palette_png(const std::string &path, const LabelMap &labels, const std::array<Colour, 256> &palette);

/// Writes an RGB PNG. Throws as write_palette_png.
void write_rgb_png(const std::string &path, const Picture &picture);

}  // namespace demo
