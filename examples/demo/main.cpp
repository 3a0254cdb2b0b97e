// arloss_demo: descends the AR loss on a label map's imperfect prediction and shows what changed, in numbers and PNGs.
// Start reading at run_picture() below, then affinity_loss.cpp for the calls of the library.
#include "affinity_loss.h"
#include "arguments.h"
#include "colours.h"
#include "marked_cell.h"
#include "panels.h"
#include "png_io.h"
#include "prediction.h"
#include "task.h"
#include "training.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <new>

namespace demo {
namespace {

// What is expected of a descent. The painted street is known, so it is held to more than a picture from outside, whose
// classes may be too thin for the grid or hidden by a wrong patch.
constexpr double kStreetLossFall = 0.80;
constexpr double kAccuracySlack = 0.005;
constexpr double kNoLoss = 1e-9;  // nothing to descend: one class only, or one cell

/// One line rewritten in place on a terminal, a line now and then elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(int64_t num_steps) : num_steps_(num_steps), is_terminal_(isatty(STDOUT_FILENO) == 1) {}

  void show(int64_t step, double loss) const {
    const bool is_last = step == num_steps_;
    if (!is_terminal_ && !is_last && step % std::max<int64_t>(1, num_steps_ / 6) != 1) return;
    std::printf("%sstep %lld of %lld: loss %-10.4g%s", is_terminal_ ? "\r" : "  ", static_cast<long long>(step),
                static_cast<long long>(num_steps_), loss, is_terminal_ && !is_last ? "" : "\n");
    std::fflush(stdout);
  }

 private:
  int64_t num_steps_;
  bool is_terminal_;
};

void print_plan(const Task &task, Grid grid, const AffinityLoss &loss) {
  std::printf("%s: label map %lld x %lld, %lld classes, logits grid %lld x %lld\n\n%s\n\n", task.stem.c_str(),
              static_cast<long long>(task.labels.height), static_cast<long long>(task.labels.width),
              static_cast<long long>(task.num_classes), static_cast<long long>(grid.height),
              static_cast<long long>(grid.width), loss.describe().c_str());
}

void print_results(const Descent &descent, double accuracy_before, double accuracy_after, const AffinityLoss &loss,
                   size_t logits_bytes) {
  const double fall = descent.loss_before > 0 ? 1 - descent.loss_after / descent.loss_before : 0;
  const size_t bytes = loss.state_bytes() + loss.workspace_bytes();
  std::printf("loss            %.4g -> %.4g (%.1f %% lower)\n", descent.loss_before, descent.loss_after, 100 * fall);
  std::printf("pixel accuracy  %.2f %% -> %.2f %%\n", 100 * accuracy_before, 100 * accuracy_after);
  std::printf("time            %.3f ms for loss and gradient (median of %lld calls)\n", descent.median_call_ms,
              static_cast<long long>(descent.num_calls));
  std::printf("memory          state %zu + workspace %zu bytes: %.1f %% of the logits' %zu\n", loss.state_bytes(),
              loss.workspace_bytes(), 100.0 * static_cast<double>(bytes) / static_cast<double>(logits_bytes),
              logits_bytes);
}

bool is_as_expected(const Task &task, const Descent &descent, double accuracy_before, double accuracy_after) {
  if (task.is_street) {
    return descent.loss_after <= (1 - kStreetLossFall) * descent.loss_before && accuracy_after >= accuracy_before;
  }
  const bool nothing_to_do = descent.loss_before <= kNoLoss;
  return (nothing_to_do || descent.loss_after < descent.loss_before) &&
         accuracy_after >= accuracy_before - kAccuracySlack;
}

/// The prediction at the label map's size, so that the two can be laid side by side; ignored where a cell has no label.
LabelMap prediction_map(const Task &task, Grid grid, const std::vector<int> &predicted, const std::vector<int> &truth) {
  LabelMap map = task.labels;
  for (int64_t y = 0; y < grid.height; ++y) {
    for (int64_t x = 0; x < grid.width; ++x) {
      const int64_t i = y * grid.width + x;
      const int64_t value = truth[i] == kNoClass ? task.ignore : predicted[i];
      // A cell owns these label pixels also where the sizes do not divide.
      for (int64_t v = y * map.height / grid.height; v < (y + 1) * map.height / grid.height; ++v) {
        for (int64_t u = x * map.width / grid.width; u < (x + 1) * map.width / grid.width; ++u) {
          map.at(v, u) = static_cast<uint8_t>(value);
        }
      }
    }
  }
  return map;
}

/// The demo on one label map: true if the descent did what is expected of it.
bool run_picture(const Task &task, const Arguments &arguments) {
  const Grid grid = make_grid(task, arguments.stride);
  AffinityLoss loss(task.labels, grid, {task.num_classes, task.ignore, arguments.scales, penalty(arguments)});
  print_plan(task, grid, loss);

  // Scale 1 whatever the loss's own scales are: the prediction starts from what each cell holds itself.
  AffinityLoss cell_labels(task.labels, grid, {task.num_classes, task.ignore, {1}, ARLOSS_PENALTY_SQUARED});
  const std::vector<float> distribution = cell_labels.label_distribution();
  const std::vector<int> truth = majority_classes(distribution, grid, task.num_classes);
  const std::vector<float> logits_before = imperfect_logits(distribution, grid, task.num_classes);
  const std::vector<int> predicted_before = predicted_classes(logits_before, grid, task.num_classes);

  const auto path = [&](const char *what) {
    return (std::filesystem::path(arguments.out) / (task.stem + "-" + what + ".png")).string();
  };
  const std::array<Colour, 256> palette = class_palette(task.ignore);
  const auto write_prediction = [&](const char *what, const std::vector<int> &predicted) {
    write_palette_png(path(what), prediction_map(task, grid, predicted, truth), palette);
  };
  write_palette_png(path("label"), task.labels, palette);
  write_prediction("before", predicted_before);

  std::vector<float> logits = logits_before;
  const ProgressLine line(arguments.num_steps);
  const Descent descent =
      descend(loss, logits, arguments.num_steps, [&](int64_t step, double value) { line.show(step, value); });
  const std::vector<int> predicted_after = predicted_classes(logits, grid, task.num_classes);
  write_prediction("after", predicted_after);

  const int64_t marked = choose_marked_cell(grid, truth, predicted_before);
  const AffinityRows rows = affinity_rows(loss, logits_before, logits, marked);
  write_rgb_png(path("affinity"),
                affinity_sheet(grid, rows, truth, palette, {marked, class_name(task, truth[marked])}));

  const double accuracy_before = accuracy(predicted_before, truth), accuracy_after = accuracy(predicted_after, truth);
  print_results(descent, accuracy_before, accuracy_after, loss, logits.size() * sizeof(float));
  std::printf("pictures        %s, and -before, -after, -affinity beside it\n\n", path("label").c_str());
  const bool is_good = is_as_expected(task, descent, accuracy_before, accuracy_after);
  if (!is_good) std::fprintf(stderr, "%s: the descent fell short of what --help promises\n", task.stem.c_str());
  return is_good;
}

/// Runs one task, turning what can go wrong with the input into words. source names the file, or is empty.
template <typename MakeTask>
int run_and_report(const std::string &source, const Arguments &arguments, MakeTask make_task) {
  const std::string where = source.empty() ? "" : "'" + source + "': ";
  try {
    return run_picture(make_task(), arguments) ? kDescended : kFellShort;
  } catch (const LossError &error) {
    const bool is_label = error.status == ARLOSS_STATUS_INVALID_LABEL;
    std::fprintf(stderr, "arloss_demo: %s%s%s\n", where.c_str(), error.what(),
                 is_label ? "\n(--classes says how many classes there are, --ignore which value is none of them)" : "");
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "arloss_demo: %snot enough memory; try a larger --stride\n", where.c_str());
  } catch (const std::exception &error) {
    std::fprintf(stderr, "arloss_demo: %s\n", error.what());
  }
  return kBadInput;
}

int run(const Arguments &arguments) {
  try {
    prepare_output(arguments);
  } catch (const InputError &error) {
    std::fprintf(stderr, "arloss_demo: %s\n", error.what());
    return kBadInput;
  }
  if (arguments.label_paths.empty()) {
    return run_and_report("", arguments, [&] { return street_task(arguments); });
  }
  int worst = kDescended;
  for (const std::string &path : arguments.label_paths) {
    worst = std::max(worst, run_and_report(path, arguments, [&] { return file_task(path, arguments); }));
  }
  return worst;
}

}  // namespace
}  // namespace demo

int main(int argc, char **argv) {
  demo::Arguments arguments;
  if (const std::optional<int> exit_code = demo::parse_arguments(argc, argv, arguments)) return *exit_code;
  return demo::run(arguments);
}
