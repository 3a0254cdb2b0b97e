/// arloss_camvid as its users run it, on pictures made up here: what it leaves behind, the bits after an interruption,
/// and what it refuses.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>  // jpeglib.h needs FILE
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <jpeglib.h>
#include <nlohmann/json.hpp>

#include "png_io.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A band of each class, void last, from left to right and moved by index.
demo::LabelMap banded_labels(int index) {
  demo::LabelMap labels(360, 480, 0);
  for (std::int64_t y = 0; y < labels.height; ++y)
    for (std::int64_t x = 0; x < labels.width; ++x)
      labels.at(y, x) = static_cast<std::uint8_t>((x / 40 + y / 60 + index) % 12);
  return labels;
}

/// A grey for each class.
demo::Picture picture_of(const demo::LabelMap& labels) {
  demo::Picture picture(180, 240, {});
  for (std::int64_t y = 0; y < picture.height; ++y)
    for (std::int64_t x = 0; x < picture.width; ++x) {
      const auto grey = static_cast<std::uint8_t>(20 * labels.at(2 * y, 2 * x));
      picture.at(y, x) = {grey, grey, grey};
    }
  return picture;
}

void write_labels(const fs::path& path, const demo::LabelMap& labels) {
  demo::write_palette_png(path.string(), labels, {});
}

void write_jpeg(const fs::path& path, demo::Picture picture) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = static_cast<JDIMENSION>(picture.width);
  jpeg.image_height = static_cast<JDIMENSION>(picture.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    auto* row = reinterpret_cast<JSAMPROW>(&picture.at(y, 0));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::fclose(file);
}

struct Ended {
  int exit_code;
  std::string text;  // of both streams
};

Ended run_command(const std::string& command, const fs::path& log) {
  const int status = std::system((command + " >'" + log.string() + "' 2>&1").c_str());
  std::stringstream text;
  text << std::ifstream(log).rdbuf();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text.str()};
}

/// Four pictures in each folder, one of them a JPEG.
class Camvid : public ::testing::Test {
 protected:
  Camvid() {
    std::string pattern = (fs::temp_directory_path() / "arloss_camvid_XXXXXX").string();
    folder = mkdtemp(pattern.data());
    for (const char* split : {"train", "test"}) {
      fs::create_directories(data() / split / "images");
      fs::create_directories(data() / split / "labels");
      for (int i = 0; i < 4; ++i) {
        const demo::LabelMap labels = banded_labels(i);
        const std::string name = "picture" + std::to_string(i);
        if (i == 0)
          write_jpeg(data() / split / "images" / (name + ".jpg"), picture_of(labels));
        else
          demo::write_rgb_png((data() / split / "images" / (name + ".png")).string(), picture_of(labels));
        write_labels(data() / split / "labels" / (name + ".png"), labels);
      }
    }
  }

  ~Camvid() override { fs::remove_all(folder); }

  fs::path data() const { return folder / "data"; }

  /// Two epochs of two steps unless arguments say otherwise.
  Ended run(const std::string& out, const std::string& arguments) const {
    return run_command("'" ARLOSS_CAMVID "' --data '" + data().string() + "' --out '" + (folder / out).string() +
                           "' --epochs 2 --batch 2 " + arguments,
                       folder / "log");
  }

  json metrics(const std::string& out) const { return json::parse(std::ifstream(folder / out / "metrics.json")); }

  void expect_refused(const std::string& arguments, const std::vector<std::string>& words) const {
    const Ended ended = run("refused", arguments);
    EXPECT_EQ(ended.exit_code, 2) << ended.text;
    for (const std::string& word : words)
      EXPECT_NE(ended.text.find(word), std::string::npos) << "'" << word << "' is not in: " << ended.text;
  }

  fs::path folder;
};

/// Of history: what does not depend on the clock.
json learned(json metrics) {
  for (json& epoch : metrics["history"]) epoch.erase("seconds");
  return {metrics["history"], metrics["checksum"]};
}

TEST_F(Camvid, LeavesEveryFile) {
  const Ended ended = run("whole", "--class-weights --warm-up 1");
  ASSERT_EQ(ended.exit_code, 0) << ended.text;
  for (const char* word : {"1782731 parameters", "epoch 2/2", "bicyclist", "pixel accuracy", "AR loss"})
    EXPECT_NE(ended.text.find(word), std::string::npos) << word;
  const json result = metrics("whole");
  EXPECT_TRUE(result["is_complete"].get<bool>());
  EXPECT_EQ(result["history"].size(), 2u);
  EXPECT_EQ(result["final"]["iou"].size(), 11u);
  EXPECT_EQ(result["evaluation_images"], 4);
  EXPECT_GT(result["history"][0]["ar_loss"].get<double>(), 0);
  EXPECT_GT(result["share_of_step"]["ar_loss"].get<double>(), 0);
  EXPECT_TRUE(fs::exists(folder / "whole" / "checkpoint.pt"));
  EXPECT_EQ(demo::read_rgb_png((folder / "whole" / "predictions.png").string()).width, 3 * 488 + 8);
}

TEST_F(Camvid, CrossEntropyAlone) {
  const Ended ended = run("alone", "--loss-weight 0 --upsample-logits --holdout 2 --epochs 1");
  ASSERT_EQ(ended.exit_code, 0) << ended.text;
  const json result = metrics("alone");
  EXPECT_EQ(result["training_images"], 2);
  EXPECT_EQ(result["evaluation_images"], 2);
  EXPECT_TRUE(result["history"][0]["ar_loss"].is_null());
  EXPECT_EQ(result["share_of_step"]["ar_loss"], 0);
}

/// Stopped in the midst of the second epoch, whose first step is then taken again.
TEST_F(Camvid, ResumedRunHasTheSameBits) {
  ASSERT_EQ(run("whole", "").exit_code, 0);
  ASSERT_EQ(run("again", "").exit_code, 0);
  EXPECT_EQ(learned(metrics("again")), learned(metrics("whole")));
  const Ended stopped = run("parts", "--resume --max-steps 3");
  ASSERT_EQ(stopped.exit_code, 0) << stopped.text;
  EXPECT_NE(stopped.text.find("stopped by --max-steps 3"), std::string::npos) << stopped.text;
  EXPECT_FALSE(metrics("parts")["is_complete"].get<bool>());
  const Ended resumed = run("parts", "--resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.text;
  EXPECT_EQ(resumed.text.find("epoch 1/2"), std::string::npos) << resumed.text;
  EXPECT_EQ(learned(metrics("parts")), learned(metrics("whole")));
  ASSERT_EQ(run("other", "--seed 1").exit_code, 0);
  EXPECT_NE(learned(metrics("other")), learned(metrics("whole")));
}

TEST_F(Camvid, WrongCheckpointsAreRefused) {
  ASSERT_EQ(run("refused", "--epochs 1").exit_code, 0);
  expect_refused("--resume", {"checkpoint.pt", "epochs 1", "has 2"});
  std::ofstream(folder / "refused" / "checkpoint.pt") << "no checkpoint";
  expect_refused("--resume", {"checkpoint.pt", "is no checkpoint"});
}

TEST_F(Camvid, WrongArgumentsAreRefused) {
  expect_refused("--penalty cubic", {"--penalty", "cubic"});
  expect_refused("--penalty huber --penalty-param -1", {"ar_loss", "penalty_param"});
  expect_refused("--holdout 5", {"--holdout 5", "only 4"});
}

TEST_F(Camvid, MissingFoldersAndFilesAreRefused) {
  fs::remove(data() / "test" / "labels" / "picture2.png");
  expect_refused("", {"test/labels/picture2.png", "No such file"});
  fs::remove_all(data() / "test");
  expect_refused("", {"test/images", "No such file"});
  EXPECT_EQ(run("without_test", "--holdout 2 --epochs 1").exit_code, 0);
}

TEST_F(Camvid, WrongPicturesAreRefused) {
  const auto refuse = [this](const char* name, const std::vector<std::string>& words) {
    SCOPED_TRACE(name);
    expect_refused("", words);
  };
  const fs::path label = data() / "train" / "labels" / "picture0.png";
  demo::LabelMap labels = banded_labels(0);
  labels.at(7, 9) = 12;
  write_labels(label, labels);
  refuse("value", {"picture0.png", "row 7, column 9", "12", "11 for void"});
  write_labels(label, demo::LabelMap(180, 240, 0));
  refuse("label size", {"picture0.png", "180 x 240", "360 x 480"});
  write_labels(label, banded_labels(0));

  const fs::path image = data() / "train" / "images" / "picture0.jpg";
  write_jpeg(image, demo::Picture(90, 120, {}));
  refuse("image size", {"picture0.jpg", "90 x 120", "180 x 240"});
  write_jpeg(image, picture_of(banded_labels(0)));
  fs::resize_file(image, fs::file_size(image) / 2);
  refuse("cut short", {"picture0.jpg", "no JPEG can be read"});
  std::ofstream(image) << "no JPEG";
  refuse("text", {"picture0.jpg", "no JPEG can be read"});
}

/// study.py runs what is missing and no more.
TEST_F(Camvid, StudyGoesOn) {
  if (std::system("python3 -c '' >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no python3";
  const fs::path out = folder / "study";
  const std::string command =
      "python3 -B '" ARLOSS_CAMVID_STUDY "' --program '" ARLOSS_CAMVID "' --data '" + data().string() + "' --out '" +
      out.string() + "' --seeds 0,1 --setting 'alone=--loss-weight 0' --setting both= -- --epochs 1 --limit 2 ";
  const Ended stopped = run_command(command + "--max-steps 1 --batch 1", folder / "log");
  EXPECT_EQ(stopped.exit_code, 1) << stopped.text;
  const Ended ended = run_command(command + "--batch 1", folder / "log");
  ASSERT_EQ(ended.exit_code, 0) << ended.text;
  EXPECT_NE(ended.text.find("| runs | 2 | 2 |"), std::string::npos) << ended.text;
  const Ended again = run_command(command + "--batch 1", folder / "log");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.text.find("parameters"), std::string::npos) << again.text;
}

}  // namespace
