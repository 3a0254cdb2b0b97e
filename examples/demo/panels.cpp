#include "panels.h"

#include "colours.h"
#include "prediction.h"
#include "tiny_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace demo {
namespace {

constexpr Colour kPaper = {255, 255, 255}, kInk = {24, 24, 32};

// Sizes in pixels.
constexpr int64_t kPanelMax = 512;   // longer side of a panel
constexpr int64_t kPanelMin = 24;    // shorter side: very long grids are stretched to be seen at all
constexpr int64_t kMinColumn = 440;  // room for the longest caption
constexpr int64_t kGap = 20;
constexpr int64_t kLineHeight = kTextHeight + 6;
constexpr int64_t kBarWidth = 22;
constexpr int64_t kMinBar = 120;  // room for five numbers beside the bar
constexpr int64_t kBarRoom = kBarWidth + 80;

using ColourOf = Colour (*)(double value);

struct Panel {
  std::vector<Colour> cells;  // [grid.height][grid.width]
  std::string title, note;    // above the panel, one line each
};

struct Scale {
  ColourOf colour_of;
  double low, high;
};

/// A row of the sheet, the colour scale of its numbers at the right.
struct PanelRow {
  std::array<Panel, 3> panels;
  Scale scale;
};

/// Where things lie on the sheet.
struct Layout {
  int64_t panel_height, panel_width, column, row_height;

  explicit Layout(Grid grid) {
    const double zoom = static_cast<double>(kPanelMax) / static_cast<double>(std::max(grid.height, grid.width));
    // Whole zooms show every cell at the same size.
    const double whole = zoom > 1 ? std::floor(zoom) : zoom;
    panel_height = std::max<int64_t>(kPanelMin, std::llround(static_cast<double>(grid.height) * whole));
    panel_width = std::max<int64_t>(kPanelMin, std::llround(static_cast<double>(grid.width) * whole));
    column = std::max(panel_width, kMinColumn);
    row_height = 2 * kLineHeight + std::max(panel_height, kMinBar);
  }
  int64_t left(int64_t c) const { return kGap + c * (column + kGap); }
  int64_t top(int64_t r) const { return kGap + kLineHeight + kGap + r * (row_height + kGap); }
  int64_t sheet_width() const { return left(3) + kBarRoom; }
  int64_t sheet_height() const { return top(2); }
};

void fill_rectangle(Picture &picture, int64_t left, int64_t top, int64_t width, int64_t height, Colour colour) {
  for (int64_t y = std::max<int64_t>(0, top); y < std::min(picture.height, top + height); ++y) {
    for (int64_t x = std::max<int64_t>(0, left); x < std::min(picture.width, left + width); ++x)
      picture.at(y, x) = colour;
  }
}

/// Nearest cell for each pixel: no colour that is not some cell's.
void draw_cells(Picture &sheet, const Layout &layout, int64_t left, int64_t top, Grid grid,
                const std::vector<Colour> &cells) {
  for (int64_t y = 0; y < layout.panel_height; ++y) {
    for (int64_t x = 0; x < layout.panel_width; ++x) {
      const int64_t cell_y = y * grid.height / layout.panel_height, cell_x = x * grid.width / layout.panel_width;
      sheet.at(top + y, left + x) = cells[cell_y * grid.width + cell_x];
    }
  }
}

/// A ring, black between two white ones to show on any ground, around the point and clipped to the panel.
void draw_ring(Picture &sheet, const Layout &layout, int64_t left, int64_t top, int64_t centre_x, int64_t centre_y) {
  constexpr double kRadius = 10;
  for (int64_t y = top; y < top + layout.panel_height; ++y) {
    for (int64_t x = left; x < left + layout.panel_width; ++x) {
      const double distance = std::hypot(static_cast<double>(x - centre_x), static_cast<double>(y - centre_y));
      const double off = std::abs(distance - kRadius);
      if (off <= 3) sheet.at(y, x) = off <= 1.2 ? kInk : kPaper;
    }
  }
}

void draw_panel(Picture &sheet, const Layout &layout, int64_t left, int64_t top, Grid grid, const Panel &panel,
                int64_t marked) {
  draw_text(sheet, left, top, panel.title, kInk);
  draw_text(sheet, left, top + kLineHeight, panel.note, kInk);
  top += 2 * kLineHeight;
  // One pixel wider on each side: what the cells leave of it is their frame.
  fill_rectangle(sheet, left - 1, top - 1, layout.panel_width + 2, layout.panel_height + 2, kInk);
  draw_cells(sheet, layout, left, top, grid, panel.cells);
  const int64_t marked_y = marked / grid.width, marked_x = marked % grid.width;
  draw_ring(sheet, layout, left, top, left + (2 * marked_x + 1) * layout.panel_width / (2 * grid.width),
            top + (2 * marked_y + 1) * layout.panel_height / (2 * grid.height));
}

/// The colour scale from low (bottom) to high (top), with five numbers.
void draw_scale_bar(Picture &sheet, int64_t left, int64_t top, int64_t height, const Scale &scale) {
  for (int64_t y = 0; y < height; ++y) {
    const double value =
        scale.high + (scale.low - scale.high) * static_cast<double>(y) / static_cast<double>(height - 1);
    fill_rectangle(sheet, left, top + y, kBarWidth, 1, scale.colour_of(value));
  }
  constexpr int kTicks = 5;
  for (int tick = 0; tick < kTicks; ++tick) {
    const double share = tick / (kTicks - 1.0);
    const int64_t y = top + std::llround(share * static_cast<double>(height - 1));
    char number[16];
    std::snprintf(number, sizeof number, scale.low < 0 ? "%+.1f" : "%.2f",
                  scale.high + (scale.low - scale.high) * share);
    fill_rectangle(sheet, left + kBarWidth, y, 5, 1, kInk);
    draw_text(sheet, left + kBarWidth + 8, std::clamp(y - 7, top, top + height - 14), number, kInk);
  }
}

void draw_panel_row(Picture &sheet, const Layout &layout, int64_t r, Grid grid, const PanelRow &row, int64_t marked) {
  const int64_t top = layout.top(r);
  for (int64_t c = 0; c < 3; ++c) draw_panel(sheet, layout, layout.left(c), top, grid, row.panels[c], marked);
  draw_scale_bar(sheet, layout.left(3), top + 2 * kLineHeight, std::max(layout.panel_height, kMinBar), row.scale);
}

std::vector<Colour> coloured(const std::vector<float> &values, const std::vector<int> &truth, ColourOf colour_of) {
  std::vector<Colour> cells(values.size());
  for (size_t i = 0; i < values.size(); ++i) cells[i] = truth[i] == kNoClass ? kUnlabelled : colour_of(values[i]);
  return cells;
}

std::vector<Colour> class_coloured(const std::vector<int> &truth, const std::array<Colour, 256> &palette) {
  std::vector<Colour> cells(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) cells[i] = truth[i] == kNoClass ? kUnlabelled : palette[truth[i]];
  return cells;
}

std::string mean_square_note(const std::vector<float> &values, const std::vector<int> &truth) {
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (truth[i] == kNoClass) continue;
    sum += double{values[i]} * values[i];
    ++count;
  }
  char text[64];
  std::snprintf(text, sizeof text, "mean square %.5f", count > 0 ? sum / static_cast<double>(count) : 0.0);
  return text;
}

}  // namespace

Picture affinity_sheet(Grid grid, const AffinityRows &rows, const std::vector<int> &truth,
                       const std::array<Colour, 256> &palette, const MarkedCell &marked) {
  const auto affinity_panel = [&](const std::vector<float> &values, const char *title, const char *note) {
    return Panel{coloured(values, truth, sequential_colour), title, note};
  };
  const auto residual_panel = [&](const std::vector<float> &values, const char *title) {
    return Panel{coloured(values, truth, diverging_colour), title, mean_square_note(values, truth)};
  };
  const PanelRow affinities = {
      {affinity_panel(rows.label, "label affinity B", "the target"),
       affinity_panel(rows.output_before, "output affinity A, before", "of the imperfect prediction"),
       affinity_panel(rows.output_after, "output affinity A, after", "of the descended prediction")},
      {sequential_colour, 0, 1}};
  const PanelRow residuals = {{Panel{class_coloured(truth, palette), "label classes", "marked: " + marked.class_name},
                               residual_panel(rows.residual_before, "residual A - B, before"),
                               residual_panel(rows.residual_after, "residual A - B, after")},
                              {diverging_colour, -1, 1}};

  const Layout layout(grid);
  Picture sheet(layout.sheet_height(), layout.sheet_width(), kPaper);
  const std::string row = std::to_string(marked.index / grid.width), column = std::to_string(marked.index % grid.width);
  const std::string heading = "affinity of the ringed cell (row " + row + ", column " + column +
                              ") with every cell of the picture; grey: no label";
  draw_text(sheet, kGap, kGap, heading, kInk);
  draw_panel_row(sheet, layout, 0, grid, affinities, marked.index);
  draw_panel_row(sheet, layout, 1, grid, residuals, marked.index);
  return sheet;
}

}  // namespace demo
