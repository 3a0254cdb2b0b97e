// Pictures from JPEG files.
#pragma once
#include <string>

#include "picture.h"

namespace camvid {

/// Throws demo::InputError, naming the file: unreadable, not a JPEG, damaged or cut short.
demo::Picture read_rgb_jpeg(const std::string& path);

}  // namespace camvid
