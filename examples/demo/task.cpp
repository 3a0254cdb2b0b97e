#include "task.h"

#include "png_io.h"
#include "street.h"

#include <algorithm>
#include <filesystem>

namespace demo {
namespace {

constexpr int64_t kMaxLogits = int64_t{1} << 27;  // 512 MiB per copy, of which the demo holds five

int64_t count_classes(const LabelMap &labels, int64_t ignore) {
  int64_t largest = -1;
  for (uint8_t value : labels.values) {
    if (value != ignore) largest = std::max<int64_t>(largest, value);
  }
  return largest + 1;
}

}  // namespace

Task street_task(const Arguments &arguments) {
  const auto refuse = [](const char *option, int value) {
    throw InputError(std::string(option) + " " + std::to_string(value) +
                     " goes with a LABEL.png; the painted street has its own");
  };
  if (arguments.num_classes != 0) refuse("--classes", arguments.num_classes);
  if (arguments.ignore != kStreetIgnore) refuse("--ignore", arguments.ignore);
  return {"street", paint_street(), kStreetClasses, kStreetIgnore, true};
}

Task file_task(const std::string &path, const Arguments &arguments) {
  Task task{std::filesystem::path(path).stem().string(), read_label_png(path), arguments.num_classes, arguments.ignore,
            false};
  const int64_t num_used = count_classes(task.labels, task.ignore);
  if (num_used == 0)
    throw InputError("'" + path + "': every pixel is the ignored value " + std::to_string(task.ignore));
  if (task.num_classes == 0) task.num_classes = num_used;
  return task;
}

Grid make_grid(const Task &task, int64_t stride) {
  const int64_t height = task.labels.height, width = task.labels.width;
  if (height < stride || width < stride) {
    throw InputError("--stride " + std::to_string(stride) + ": the label map '" + task.stem + "' has only " +
                     std::to_string(height) + " x " + std::to_string(width) + " pixels");
  }
  const Grid grid = {(height + stride - 1) / stride, (width + stride - 1) / stride};
  if (grid.num_cells() * task.num_classes > kMaxLogits) {
    throw InputError("--stride " + std::to_string(stride) + ": " + std::to_string(grid.num_cells()) + " cells of " +
                     std::to_string(task.num_classes) + " classes are more than this demo takes; use a larger stride");
  }
  return grid;
}

std::string class_name(const Task &task, int64_t class_index) {
  return task.is_street ? street_class_name(class_index) : "class " + std::to_string(class_index);
}

}  // namespace demo
