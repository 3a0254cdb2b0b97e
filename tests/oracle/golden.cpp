#include "golden.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace oracle {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

fs::path golden_directory() { return fs::path(ARLOSS_TEST_DATA_DIR) / "goldens"; }

std::vector<char> read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return std::vector<char>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

/// `count` raw little-endian elements of type Stored, converted to Value.
template <typename Stored, typename Value>
std::vector<Value> read_array(const fs::path& path, std::int64_t count) {
  const std::vector<char> bytes = read_bytes(path);
  if (bytes.size() != count * sizeof(Stored)) throw std::runtime_error(path.string() + " has the wrong size");
  std::vector<Stored> stored(count);
  std::memcpy(stored.data(), bytes.data(), bytes.size());
  return std::vector<Value>(stored.begin(), stored.end());
}

/// The entry of `names` that `field` holds.
template <typename Enum>
Enum read_enum(const json& field, const std::vector<std::pair<std::string, Enum>>& names) {
  const auto text = field.get<std::string>();
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == text; });
  if (found == names.end()) throw std::runtime_error("unknown name in case.json: " + text);
  return found->second;
}

Problem read_problem(const json& fields) {
  Problem problem;
  problem.batch = fields.at("batch");
  problem.classes = fields.at("classes");
  problem.depth = fields.at("grid").at(0);
  problem.height = fields.at("grid").at(1);
  problem.width = fields.at("grid").at(2);
  problem.label_depth = fields.at("label_grid").at(0);
  problem.label_height = fields.at("label_grid").at(1);
  problem.label_width = fields.at("label_grid").at(2);
  problem.has_ignore_index = !fields.at("ignore_index").is_null();
  if (problem.has_ignore_index) problem.ignore_index = fields.at("ignore_index");
  problem.scales = fields.at("scales").get<std::vector<int>>();
  problem.scale_weights = fields.at("scale_weights").get<std::vector<double>>();
  problem.scale_mode = read_enum<ScaleMode>(
      fields.at("scale_mode"),
      {{"blend", ScaleMode::kBlend}, {"separate", ScaleMode::kSeparate}, {"pyramid", ScaleMode::kPyramid}});
  problem.penalty = read_enum<Penalty>(fields.at("penalty"), {{"squared", Penalty::kSquared},
                                                              {"absolute", Penalty::kAbsolute},
                                                              {"huber", Penalty::kHuber},
                                                              {"cross_entropy", Penalty::kCrossEntropy}});
  problem.penalty_param = fields.at("penalty_param");
  problem.reduction = read_enum<Reduction>(
      fields.at("reduction"), {{"mean", Reduction::kMean}, {"sum", Reduction::kSum}, {"none", Reduction::kNone}});
  problem.span = read_enum<Span>(fields.at("span"), {{"image", Span::kImage}, {"batch", Span::kBatch}});
  return problem;
}

}  // namespace

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(golden_directory())) {
    if (fs::exists(entry.path() / "case.json")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Golden load_golden(const std::string& name) {
  const fs::path directory = golden_directory() / name;
  const std::vector<char> text = read_bytes(directory / "case.json");
  const json fields = json::parse(text.begin(), text.end());
  Golden golden;
  golden.name = name;
  golden.problem = read_problem(fields);
  const Problem& problem = golden.problem;
  const std::int64_t cells = problem.batch * problem.depth * problem.height * problem.width;
  const std::int64_t label_pixels = problem.batch * problem.label_depth * problem.label_height * problem.label_width;
  golden.inputs.logits = read_array<float, double>(directory / "logits.f32", cells * problem.classes);
  golden.inputs.labels = read_array<std::int32_t, std::int64_t>(directory / "labels.i32", label_pixels);
  if (fields.at("has_weights").get<bool>()) {
    golden.inputs.pixel_weights = read_array<float, double>(directory / "weights.f32", cells);
  }
  golden.loss = fields.at("loss");
  golden.per_image = fields.at("per_image").get<std::vector<double>>();
  golden.grad = read_array<double, double>(directory / "grad.f64", cells * problem.classes);
  golden.e0 = fields.at("e0");
  return golden;
}

}  // namespace oracle
