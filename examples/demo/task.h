// One label map on its way through the demo.
#pragma once
#include "arguments.h"
#include "picture.h"

namespace demo {

struct Task {
  std::string stem;  // its files are <out>/<stem>-*.png
  LabelMap labels;
  int64_t num_classes;
  int64_t ignore;
  bool is_street;
};

/// The painted street. Throws InputError where arguments say something of its classes.
Task street_task(const Arguments &arguments);

/// A label map from a file. Throws InputError where it cannot be read or has nothing but ignored pixels.
Task file_task(const std::string &path, const Arguments &arguments);

/// The logits grid: one cell per stride label pixels along each axis, rounded up. Throws InputError where the label
/// map is smaller than one stride, or the logits are too many for the demo.
Grid make_grid(const Task &task, int64_t stride);

/// "car" on the painted street, "class 13" elsewhere.
std::string class_name(const Task &task, int64_t class_index);

}  // namespace demo
