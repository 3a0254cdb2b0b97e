#include "progress_bar.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace camvid {

ProgressBar::ProgressBar(std::string title, std::int64_t num_steps)
    : title_(std::move(title)), num_steps_(num_steps), is_terminal_(isatty(STDOUT_FILENO) == 1) {}

void ProgressBar::show(std::int64_t step, const std::string& note) const {
  constexpr std::int64_t kWidth = 24;  // characters
  if (!is_terminal_) return;
  const auto filled = static_cast<std::size_t>(kWidth * step / num_steps_);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  const double seconds_left = stopwatch_.seconds() / static_cast<double>(step) * static_cast<double>(num_steps_ - step);
  std::printf("\r%s [%s] %lld/%lld  %s  %.0f s left\x1b[K", title_.c_str(), bar.c_str(), static_cast<long long>(step),
              static_cast<long long>(num_steps_), note.c_str(), seconds_left);
  std::fflush(stdout);
}

void ProgressBar::clear() const {
  if (is_terminal_) std::printf("\r\x1b[K");
}

}  // namespace camvid
