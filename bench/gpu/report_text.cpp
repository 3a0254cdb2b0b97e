#include "report_text.h"

#include <cstdarg>
#include <cstdio>

namespace bench {
namespace {

using nlohmann::ordered_json;

const char* name_of(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_FLOAT32: return "float32";
    case ARLOSS_DTYPE_BFLOAT16: return "bfloat16";
    case ARLOSS_DTYPE_UINT8: return "uint8";
    case ARLOSS_DTYPE_INT64: return "int64";
    default: return "?";
  }
}

const char* name_of(arloss_penalty_t penalty) {
  switch (penalty) {
    case ARLOSS_PENALTY_SQUARED: return "SQUARED";
    case ARLOSS_PENALTY_ABSOLUTE: return "ABSOLUTE";
    case ARLOSS_PENALTY_HUBER: return "HUBER";
    case ARLOSS_PENALTY_CROSS_ENTROPY: return "CROSS_ENTROPY";
    case ARLOSS_PENALTY_LOG_COSH: return "LOG_COSH";
  }
  return "?";
}

}  // namespace

std::string formatted(const char* format, ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

std::string joined(const ordered_json& numbers) {
  std::string text;
  for (const ordered_json& number : numbers) text += (text.empty() ? "" : ",") + number.dump();
  return text;
}

ordered_json to_json(const Timing& timing) {
  return {{"median", timing.median}, {"low_decile", timing.low}, {"high_decile", timing.high}};
}

ordered_json describe(const Case& timed) {
  const ImageShape& image = timed.workload.image;
  return {{"workload", timed.workload.name},
          {"what", timed.workload.what},
          {"batch", timed.workload.batch},
          {"classes", image.classes},
          {"grid", {image.height, image.width}},
          {"label_grid", {image.label_height, image.label_width}},
          {"logits", name_of(timed.logits_dtype)},
          {"labels", name_of(timed.labels_dtype)},
          {"scales", timed.scales},
          {"penalty", name_of(timed.penalty)},
          {"exact", timed.is_exact},
          {"logits_bytes", timed.logits_bytes()},
          {"labels_bytes", timed.labels_bytes()}};
}

}  // namespace bench
