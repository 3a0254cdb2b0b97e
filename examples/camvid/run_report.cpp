#include "run_report.h"

#include <cstdio>
#include <fstream>

#include "camvid_classes.h"
#include "checkpoint.h"
#include "picture.h"

namespace camvid {
namespace {

using nlohmann::json;

/// Over all epochs, by name: data, step, cross_entropy, ar_loss, evaluation. Step holds both losses.
json total_seconds(const json& history) {
  json totals = json::object();
  for (const json& epoch : history)
    for (const auto& [name, seconds] : epoch["seconds"].items())
      totals[name] = totals.value(name, 0.0) + seconds.get<double>();
  return totals;
}

double share_of_step(const json& totals, const char* name) {
  return totals[name].get<double>() / totals["step"].get<double>();
}

double percent(const json& share) { return 100 * share.get<double>(); }

}  // namespace

void print_epoch(const json& history, std::int64_t num_epochs) {
  const json &epoch = history.back(), &seconds = epoch["seconds"];
  std::printf("epoch %zu/%lld: cross-entropy %.4f", history.size(), static_cast<long long>(num_epochs),
              epoch["cross_entropy"].get<double>());
  if (!epoch["ar_loss"].is_null()) std::printf(", AR loss %.5f", epoch["ar_loss"].get<double>());
  std::printf(", mIoU %.2f %%, pixel accuracy %.2f %%; training %.1f s, evaluation %.1f s\n",
              percent(epoch["mean_iou"]), percent(epoch["pixel_accuracy"]),
              seconds["data"].get<double>() + seconds["step"].get<double>(), seconds["evaluation"].get<double>());
  std::fflush(stdout);
}

void print_summary(const json& history) {
  const json &last = history.back(), totals = total_seconds(history);
  std::printf("\nIoU after epoch %zu\n", history.size());
  for (std::size_t c = 0; c < kNumClasses; ++c) {
    const json& iou = last["iou"][c];
    if (iou.is_null())
      std::printf("  %-16s    -\n", kClassNames[c]);
    else
      std::printf("  %-16s %6.2f %%\n", kClassNames[c], percent(iou));
  }
  std::printf("  %-16s %6.2f %%\n%-18s %6.2f %%\n", "mean", percent(last["mean_iou"]), "pixel accuracy",
              percent(last["pixel_accuracy"]));
  std::printf("time of a step     cross-entropy %.2f %%, AR loss %.2f %%: forward and backward up to the logits\n",
              100 * share_of_step(totals, "cross_entropy"), 100 * share_of_step(totals, "ar_loss"));
}

void write_metrics(const std::string& path, const json& record, const json& facts) {
  json metrics = record;
  const json& history = metrics["history"];
  metrics.update(facts);
  metrics["is_complete"] = history.size() == record["settings"]["epochs"].get<std::size_t>();
  if (!history.empty()) {
    const json& last = history.back();
    json iou;
    for (std::size_t c = 0; c < kNumClasses; ++c) iou[kClassNames[c]] = last["iou"][c];
    const json totals = total_seconds(history);
    metrics["final"] = {{"iou", iou}, {"mean_iou", last["mean_iou"]}, {"pixel_accuracy", last["pixel_accuracy"]}};
    metrics["total_seconds"] = totals;
    metrics["share_of_step"] = {{"cross_entropy", share_of_step(totals, "cross_entropy")},
                                {"ar_loss", share_of_step(totals, "ar_loss")}};
  }
  write_atomically(path, [&](const std::string& unfinished) {
    std::ofstream file(unfinished);
    file << metrics.dump(1) << '\n';
    if (!file.flush()) throw demo::InputError("'" + unfinished + "': cannot be written");
  });
}

}  // namespace camvid
