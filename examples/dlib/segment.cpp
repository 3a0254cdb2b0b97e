// Semantic segmentation with dlib: a tiny network learns to find discs and boxes on noisy, made-up pictures, by dlib's
// log loss for each pixel and the AR loss, joined in one layer. A few seconds on one core.
#include <arloss/dlib.h>

#include <cstdint>
#include <exception>
#include <iostream>
#include <vector>

using Picture = dlib::matrix<dlib::rgb_pixel>;
using Labels = arloss::dlib::LabelMap;

constexpr long kHeight = 32, kWidth = 48;
constexpr int kClasses = 3;  // background, disc, box

// Any network that ends in one plane per class.
template <class Subnet>
using block = dlib::relu<dlib::bn_con<dlib::con<12, 3, 3, 1, 1, Subnet>>>;
template <class Subnet>
using logits = dlib::con<kClasses, 1, 1, 1, 1, Subnet>;
using Net =
    arloss::dlib::loss_multiclass_log_and_affinity_per_pixel<logits<block<block<block<dlib::input_rgb_image>>>>>;

Labels draw_labels(dlib::rand& random) {
  const long disc_row = random.get_integer_in_range(6, 26), disc_column = random.get_integer_in_range(6, 42);
  const long box_row = random.get_integer_in_range(0, 20), box_column = random.get_integer_in_range(0, 36);
  Labels labels(kHeight, kWidth);
  for (long r = 0; r < kHeight; ++r)
    for (long c = 0; c < kWidth; ++c) {
      const long distance = (r - disc_row) * (r - disc_row) + (c - disc_column) * (c - disc_column);
      const bool is_box = r >= box_row && r < box_row + 10 && c >= box_column && c < box_column + 10;
      labels(r, c) = static_cast<std::uint16_t>(is_box ? 2 : distance < 40 ? 1 : 0);
    }
  // Nobody has labelled the first row.
  dlib::set_rowm(labels, 0) = arloss::dlib::loss_affinity_regression_::label_to_ignore;
  return labels;
}

Picture paint(const Labels& labels, dlib::rand& random) {
  const int colours[kClasses][3] = {{100, 120, 110}, {150, 110, 100}, {110, 100, 150}};
  Picture picture(kHeight, kWidth);
  const auto shade = [&](int colour) {
    return static_cast<unsigned char>(dlib::put_in_range(0.0, 255.0, colour + 40 * random.get_random_gaussian()));
  };
  auto pixel = picture.begin();
  for (const std::uint16_t label : labels) {
    const int* const colour = colours[label < kClasses ? label : 0];
    *pixel++ = dlib::rgb_pixel(shade(colour[0]), shade(colour[1]), shade(colour[2]));
  }
  return picture;
}

// The share of labelled pixels whose class the network finds.
double accuracy(Net& net, const std::vector<Picture>& pictures, const std::vector<Labels>& labels) {
  const std::vector<Labels> found = net(pictures);
  long num_right = 0, num_labelled = 0;
  for (std::size_t b = 0; b < found.size(); ++b) {
    auto found_label = found[b].begin();
    for (const std::uint16_t label : labels[b]) {
      num_right += *found_label++ == label;
      num_labelled += label < kClasses;
    }
  }
  return static_cast<double>(num_right) / static_cast<double>(num_labelled);
}

int main() try {
  constexpr int kPictures = 24, kTrained = 16, kSteps = 60;
  dlib::rand random(1);
  std::vector<Picture> pictures, unseen_pictures;
  std::vector<Labels> labels, unseen_labels;
  for (int b = 0; b < kPictures; ++b) {
    (b < kTrained ? labels : unseen_labels).push_back(draw_labels(random));
    (b < kTrained ? pictures : unseen_pictures)
        .push_back(paint((b < kTrained ? labels : unseen_labels).back(), random));
  }

  arloss::dlib::Options options;
  options.loss_weight = 1;
  options.scales = {1, 2, 4};
  Net net(arloss::dlib::loss_multiclass_log_and_affinity_per_pixel_{options});
  dlib::dnn_trainer<Net, dlib::adam> trainer(net, dlib::adam(1e-4f, 0.9f, 0.999f));
  trainer.set_learning_rate(0.01);
  for (int step = 1; step <= kSteps; ++step) {
    trainer.train_one_step(pictures, labels);
    if (step % 20 == 0)
      std::cout << "step " << step << "  loss " << trainer.get_average_loss() << "  pixels right on unseen pictures "
                << accuracy(trainer.get_net(), unseen_pictures, unseen_labels) << std::endl;
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << std::endl;
  return 1;
}
