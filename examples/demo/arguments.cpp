#include "arguments.h"

#include "penalty_names.h"
#include "picture.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <map>

namespace demo {
namespace {

void declare_options(CLI::App &app, Arguments &arguments) {
  app.add_option("LABEL.png", arguments.label_paths,
                 "Label maps: palette or 8-bit grey PNG, values are class indices. None: a street is painted");
  app.add_option("--classes", arguments.num_classes,
                 "Number of classes; default: largest label that is not ignored, plus 1")
      ->check(CLI::Range(1, 256));
  app.add_option("--ignore", arguments.ignore, "Label value that counts nowhere; -1: none")
      ->check(CLI::Range(-1, 255))
      ->capture_default_str();
  app.add_option("--stride", arguments.stride, "Label pixels per cell of the logits grid, along each axis")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--steps", arguments.num_steps, "Steps of the descent")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--scales", arguments.scales, "Block edges of the label affinity, in cells, with commas between")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--penalty", arguments.penalty_name,
                 "Of the residual; other than squared, the time grows with the square of the cells")
      ->check(CLI::IsMember(kPenalties))
      ->capture_default_str();
  app.add_option("--out", arguments.out, "Folder for the pictures, made where missing")->capture_default_str();
  app.footer(
      "Exit code 0: the loss fell (on the painted street: by at least 80 %) and the pixel accuracy did not (on\n"
      "other pictures: by at most half a point); 1: it was otherwise; 2: something was wrong with the input.");
}

/// Two label maps of one name from different folders would overwrite each other's pictures.
void require_distinct_stems(const std::vector<std::string> &paths) {
  std::map<std::string, std::string> path_of;
  for (const std::string &path : paths) {
    const auto [entry, is_new] = path_of.emplace(std::filesystem::path(path).stem().string(), path);
    if (!is_new) throw InputError("'" + entry->second + "' and '" + path + "' would write the same pictures");
  }
}

void make_folder(const std::string &out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error || !std::filesystem::is_directory(out, error)) {
    throw InputError("--out '" + out + "': cannot be made: " + (error ? error.message() : "it is not a folder"));
  }
}

}  // namespace

std::optional<int> parse_arguments(int argc, char **argv, Arguments &arguments) {
  CLI::App app(
      "Computes the Affinity Regression loss of an imperfect prediction, descends on it and draws what changed.",
      "arloss_demo");
  declare_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : kBadInput;
  }
  return std::nullopt;
}

arloss_penalty_t penalty(const Arguments &arguments) { return kPenalties.at(arguments.penalty_name); }

void prepare_output(const Arguments &arguments) {
  require_distinct_stems(arguments.label_paths);
  make_folder(arguments.out);
}

}  // namespace demo
