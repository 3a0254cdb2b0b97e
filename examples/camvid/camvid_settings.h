// What the caller of arloss_camvid may say.
#pragma once
#include <arloss/arloss.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace camvid {

constexpr int kDone = 0, kBadInput = 2;  // exit codes

struct Settings {
  std::string data;
  std::string out = "camvid-out";

  double loss_weight = 1;  // of the AR loss beside cross-entropy; 0: cross-entropy alone
  double warm_up = 0;      // epochs over which that weight rises from 0, linearly
  std::string penalty = "squared";
  float penalty_param = 0;  // 0: the penalty's default
  std::vector<std::int32_t> scales = {1, 2, 4};
  std::string scale_mode = "blend";
  std::string span = "image";
  bool has_class_weights = false;
  bool upsamples_logits = false;

  std::uint32_t seed = 0;
  std::int64_t epochs = 60;
  std::int64_t batch = 8;
  double learning_rate = 2e-3;
  std::int64_t holdout = 0;  // 0: evaluate on the test images
  std::int64_t limit = 0;    // 0: all images

  int threads = 1;
  std::int64_t max_steps = 0;  // 0: to the end
  bool resumes = false;
};

/// Fills settings. A value: the program is to end with it, the help or what was wrong having been printed.
std::optional<int> parse_settings(int argc, char** argv, Settings& settings);

/// Those that decide what is learned: runs that agree in them, in data and in threads end with the same bits.
nlohmann::json to_json(const Settings& settings);

arloss_penalty_t penalty_of(const Settings& settings);
arloss_scale_mode_t scale_mode_of(const Settings& settings);
arloss_span_t span_of(const Settings& settings);

}  // namespace camvid
