// The rasters that the rooms of the demo hand to each other.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace demo {

/// A dense raster [height][width], x fastest.
template <typename Value>
struct Raster {
  int64_t height = 0, width = 0;
  std::vector<Value> values;

  Raster() = default;
  Raster(int64_t num_rows, int64_t num_columns, Value fill)
      : height(num_rows), width(num_columns), values(static_cast<size_t>(num_rows * num_columns), fill) {}

  Value &at(int64_t y, int64_t x) { return values[static_cast<size_t>(y * width + x)]; }
  const Value &at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
};

struct Colour {
  uint8_t red, green, blue;
};

using LabelMap = Raster<uint8_t>;  // class index per pixel
using Picture = Raster<Colour>;

/// The logits grid: cell i lies at row i / width, column i % width.
struct Grid {
  int64_t height, width;
  int64_t num_cells() const { return height * width; }
};

/// Something the caller of the demo can put right: a file, an option, a label value. what() names it and its value.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace demo
