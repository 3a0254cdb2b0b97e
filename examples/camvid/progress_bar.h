// The line that shows how far an epoch is.
#pragma once
#include <cstdint>
#include <string>

#include "stopwatch.h"

namespace camvid {

/// Rewritten in place on a terminal; nothing elsewhere.
class ProgressBar {
 public:
  ProgressBar(std::string title, std::int64_t num_steps);

  /// After step, from 1, with what else there is to say.
  void show(std::int64_t step, const std::string& note) const;

  /// Leaves an empty line.
  void clear() const;

 private:
  std::string title_;
  std::int64_t num_steps_;
  bool is_terminal_;
  Stopwatch stopwatch_;
};

}  // namespace camvid
