#include "camvid_settings.h"

#include <CLI/CLI.hpp>

#include <limits>
#include <map>

#include "penalty_names.h"

namespace camvid {
namespace {

const std::map<std::string, arloss_scale_mode_t> kScaleModes = {
    {"blend", ARLOSS_SCALES_BLEND}, {"separate", ARLOSS_SCALES_SEPARATE}, {"pyramid", ARLOSS_SCALES_PYRAMID}};
const std::map<std::string, arloss_span_t> kSpans = {{"image", ARLOSS_SPAN_IMAGE}, {"batch", ARLOSS_SPAN_BATCH}};

void declare_loss(CLI::App& app, Settings& settings) {
  app.add_option("--loss-weight", settings.loss_weight,
                 "Weight of the AR loss beside cross-entropy; 0: cross-entropy alone")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--warm-up", settings.warm_up, "Epochs over which that weight rises from 0, linearly")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--penalty", settings.penalty,
                 "Of the residual; other than squared, the time grows with the square of the cells")
      ->check(CLI::IsMember(demo::kPenalties))
      ->capture_default_str();
  app.add_option("--penalty-param", settings.penalty_param, "Its parameter; 0: its default")->capture_default_str();
  app.add_option("--scales", settings.scales, "Block edges of the label affinity, in cells, with commas between")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--scale-mode", settings.scale_mode, "How the scales are joined")
      ->check(CLI::IsMember(kScaleModes))
      ->capture_default_str();
  app.add_option("--span", settings.span, "Pairs of cells of an image, or of the whole batch")
      ->check(CLI::IsMember(kSpans))
      ->capture_default_str();
  app.add_flag("--class-weights", settings.has_class_weights, "Weigh cross-entropy by median class frequency");
  app.add_flag("--upsample-logits", settings.upsamples_logits,
               "Cross-entropy of logits upsampled to the labels, which takes a third of a step, instead of labels\n"
               "sampled at the logits");
}

void declare_training(CLI::App& app, Settings& settings) {
  constexpr std::int64_t kMany = std::numeric_limits<std::int64_t>::max();
  app.add_option("--seed", settings.seed, "Of initial weights, order and augmentation")->capture_default_str();
  app.add_option("--epochs", settings.epochs, "Passes over the training images")
      ->check(CLI::Range(std::int64_t{1}, kMany))
      ->capture_default_str();
  app.add_option("--batch", settings.batch, "Images a step")
      ->check(CLI::Range(std::int64_t{1}, kMany))
      ->capture_default_str();
  app.add_option("--learning-rate", settings.learning_rate, "Of AdamW, at its highest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--holdout", settings.holdout,
                 "Train on all but every Nth training image and evaluate on those, not on the test images")
      ->check(CLI::Range(std::int64_t{2}, kMany));
  app.add_option("--limit", settings.limit, "Images read of each folder; default: all")
      ->check(CLI::Range(std::int64_t{1}, kMany));
}

void declare_run(CLI::App& app, Settings& settings) {
  app.add_option("--data", settings.data,
                 "Folder with train/images, train/labels, test/images and test/labels: images 240 x 180, JPEG or PNG,\n"
                 "labels 480 x 360 PNG of the same names, values 0 to 10, 11 for void")
      ->required();
  app.add_option("--out", settings.out,
                 "Folder for metrics.json, checkpoint.pt and predictions.png, made where missing")
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "Threads of LibTorch and of the AR loss")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--resume", settings.resumes,
               "Go on from --out's checkpoint, where there is one; ends with the bits of a run never interrupted");
  app.add_option("--max-steps", settings.max_steps, "Stop after so many steps; default: at the end")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

std::optional<int> parse_settings(int argc, char** argv, Settings& settings) {
  CLI::App app("Trains a small U-Net on CamVid with cross-entropy, alone or with the Affinity Regression loss.",
               "arloss_camvid");
  app.option_defaults()->take_last();  // a study's common arguments, then a setting's own
  declare_run(app, settings);
  declare_loss(app, settings);
  declare_training(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kBadInput;
  }
  return std::nullopt;
}

nlohmann::json to_json(const Settings& settings) {
  return {{"loss_weight", settings.loss_weight},
          {"warm_up", settings.warm_up},
          {"penalty", settings.penalty},
          {"penalty_param", settings.penalty_param},
          {"scales", settings.scales},
          {"scale_mode", settings.scale_mode},
          {"span", settings.span},
          {"class_weights", settings.has_class_weights},
          {"upsample_logits", settings.upsamples_logits},
          {"seed", settings.seed},
          {"epochs", settings.epochs},
          {"batch", settings.batch},
          {"learning_rate", settings.learning_rate},
          {"holdout", settings.holdout},
          {"limit", settings.limit}};
}

arloss_penalty_t penalty_of(const Settings& settings) { return demo::kPenalties.at(settings.penalty); }
arloss_scale_mode_t scale_mode_of(const Settings& settings) { return kScaleModes.at(settings.scale_mode); }
arloss_span_t span_of(const Settings& settings) { return kSpans.at(settings.span); }

}  // namespace camvid
