// arloss_camvid: trains a U-Net on CamVid with cross-entropy, alone or with the AR loss. Start reading at run() below,
// then segmentation_loss.cpp for the call of the library.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cstdio>
#include <filesystem>

#include "camvid_classes.h"
#include "camvid_settings.h"
#include "checkpoint.h"
#include "dataset.h"
#include "evaluation.h"
#include "png_io.h"
#include "prediction_sheet.h"
#include "run_report.h"
#include "stopwatch.h"
#include "trainer.h"

namespace camvid {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void make_folder(const std::string& out) {
  std::error_code error;
  fs::create_directories(out, error);
  if (error) throw demo::InputError("--out '" + out + "': cannot be made: " + error.message());
}

/// "settings" and "history", an empty one where there is nothing to resume.
json begin_record(const Settings& settings, const std::string& checkpoint, Trainer& trainer) {
  const json fresh = {{"settings", to_json(settings)}, {"history", json::array()}};
  if (!settings.resumes || !fs::exists(checkpoint)) return fresh;
  const json record = load_checkpoint(checkpoint, trainer.network, trainer.optimizer);
  for (const auto& [name, value] : fresh["settings"].items()) {
    const json& before = record["settings"][name];
    if (before != value) {
      throw demo::InputError("'" + checkpoint + "': was made with " + name + " " + before.dump() + ", this run has " +
                             value.dump() + "; give it another --out");
    }
  }
  return record;
}

json evaluate(UNet& network, const Samples& samples, std::int64_t batch) {
  const Stopwatch stopwatch;
  json result = scores(confusion_matrix(network, samples, batch));
  result["seconds"]["evaluation"] = stopwatch.seconds();
  return result;
}

/// Trains from where record ends, to the end or --max-steps.
void train(const Settings& settings, const Dataset& dataset, Trainer& trainer, json& record, json facts) {
  json& history = record["history"];
  const fs::path out = settings.out;
  for (auto epoch = static_cast<std::int64_t>(history.size()); epoch < settings.epochs; ++epoch) {
    std::optional<json> training = trainer.run_epoch(epoch);
    if (!training) {
      std::printf("stopped by --max-steps %lld; --resume goes on after epoch %lld\n",
                  static_cast<long long>(settings.max_steps), static_cast<long long>(epoch));
      return;
    }
    training->merge_patch(evaluate(trainer.network, dataset.evaluation, settings.batch));
    history.push_back(*training);
    print_epoch(history, settings.epochs);
    facts["checksum"] = checksum(trainer.network);
    save_checkpoint((out / "checkpoint.pt").string(), trainer.network, trainer.optimizer, record);
    write_metrics((out / "metrics.json").string(), record, facts);
  }
}

void run(const Settings& settings) {
  at::set_num_threads(settings.threads);
  at::globalContext().setDeterministicAlgorithms(/*b=*/true, /*warn_only=*/false);
  make_folder(settings.out);
  const Dataset dataset = load_dataset(settings);
  Trainer trainer(settings, dataset.training);
  json record = begin_record(settings, (fs::path(settings.out) / "checkpoint.pt").string(), trainer);
  const json facts = {{"data", settings.data},
                      {"threads", settings.threads},
                      {"libtorch", TORCH_VERSION},
                      {"parameters", trainer.network->num_parameters()},
                      {"training_images", dataset.training.size()},
                      {"evaluation_images", dataset.evaluation.size()}};
  std::printf("%lld training images, %lld to evaluate on; %lld parameters, %lld steps an epoch\n",
              static_cast<long long>(dataset.training.size()), static_cast<long long>(dataset.evaluation.size()),
              static_cast<long long>(trainer.network->num_parameters()),
              static_cast<long long>(trainer.steps_per_epoch()));
  train(settings, dataset, trainer, record, facts);
  if (!record["history"].empty()) print_summary(record["history"]);
  demo::write_rgb_png((fs::path(settings.out) / "predictions.png").string(),
                      prediction_sheet(trainer.network, dataset.evaluation));
}

}  // namespace
}  // namespace camvid

int main(int argc, char** argv) {
  camvid::Settings settings;
  if (const std::optional<int> exit_code = camvid::parse_settings(argc, argv, settings)) return *exit_code;
  try {
    camvid::run(settings);
    return camvid::kDone;
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "arloss_camvid: %s\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "arloss_camvid: %s\n", error.what());
  }
  return camvid::kBadInput;
}
