// The label map that the demo paints for itself.
#pragma once
#include "picture.h"

namespace demo {

constexpr int64_t kStreetClasses = 19;
constexpr int kStreetIgnore = 255;

/// A street seen from a car, 512 x 1024, with all kStreetClasses classes, thin poles, and kStreetIgnore where the
/// bonnet and the picture's border are.
LabelMap paint_street();

/// The name of a class of paint_street(), in lower case.
const char *street_class_name(int64_t class_index);

}  // namespace demo
