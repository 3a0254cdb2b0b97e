// What the caller of the demo may say.
#pragma once
#include <arloss/arloss.h>

#include <optional>
#include <string>
#include <vector>

namespace demo {

// Exit codes, as --help gives them.
constexpr int kDescended = 0, kFellShort = 1, kBadInput = 2;

struct Arguments {
  std::vector<std::string> label_paths;
  int num_classes = 0;  // 0: one more than the largest label that is not ignored
  int ignore = 255;
  int stride = 4;
  int num_steps = 60;
  std::vector<int> scales = {1, 2, 4};
  std::string penalty_name = "squared";
  std::string out = "demo-out";
};

/// Fills arguments. A value: the program is to end with it, the help or what was wrong having been printed.
std::optional<int> parse_arguments(int argc, char **argv, Arguments &arguments);

/// The penalty that --penalty names.
arloss_penalty_t penalty(const Arguments &arguments);

/// Throws InputError for label maps that would overwrite each other's pictures, and where --out cannot be made.
void prepare_output(const Arguments &arguments);

}  // namespace demo
