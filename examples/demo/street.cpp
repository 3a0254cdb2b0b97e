// The lists of this file read best packed.
// clang-format off
#include "street.h"

#include <algorithm>
#include <cmath>

namespace demo {
namespace {

enum StreetClass : uint8_t {
  kRoad, kPavement, kBuilding, kWall, kFence, kPole, kTrafficLight, kSign, kTree, kGrass,
  kSky, kPedestrian, kRider, kCar, kLorry, kBus, kTram, kMotorcycle, kBicycle, kNumClasses,
  kIgnored = kStreetIgnore
};
static_assert(kNumClasses == kStreetClasses);

constexpr const char *kNames[kStreetClasses] = {
    "road", "pavement",   "building", "wall", "fence", "pole", "traffic light", "sign",       "tree",   "grass",
    "sky",  "pedestrian", "rider",    "car",  "lorry", "bus",  "tram",          "motorcycle", "bicycle"};

struct Point {
  double x, y;
};

/// Paints shapes over one another, far things first. Coordinates in pixels, x to the right, y down; a pixel belongs to
/// a shape when its centre does.
class Canvas {
 public:
  Canvas(int64_t height, int64_t width) : map(height, width, kSky) {}

  void rectangle(StreetClass c, double left, double top, double right, double bottom) {
    polygon(c, {{left, top}, {right, top}, {right, bottom}, {left, bottom}});
  }

  void ellipse(StreetClass c, double centre_x, double centre_y, double half_width, double half_height) {
    fill(c, [&](double x, double y) {
      return std::hypot((x - centre_x) / half_width, (y - centre_y) / half_height) <= 1;
    });
  }

  void polygon(StreetClass c, const std::vector<Point> &corners) {
    fill(c, [&](double x, double y) { return is_inside(corners, x, y); });
  }

  LabelMap map;

 private:
  /// Even-odd rule: a ray to the right crosses the outline an odd number of times.
  static bool is_inside(const std::vector<Point> &corners, double x, double y) {
    bool inside = false;
    for (size_t a = 0, b = corners.size() - 1; a < corners.size(); b = a++) {
      const Point &p = corners[a], &q = corners[b];
      if ((p.y > y) != (q.y > y) && x < p.x + (y - p.y) / (q.y - p.y) * (q.x - p.x)) inside = !inside;
    }
    return inside;
  }

  template <typename Test>
  void fill(StreetClass c, Test is_in_shape) {
    for (int64_t y = 0; y < map.height; ++y) {
      for (int64_t x = 0; x < map.width; ++x) {
        if (is_in_shape(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5)) map.at(y, x) = c;
      }
    }
  }
};

// Things that occur several times. (x, ground) is where they stand; size is their height in pixels.

void paint_tree(Canvas &canvas, double x, double ground, double size) {
  canvas.rectangle(kTree, x - 0.04 * size, ground - 0.5 * size, x + 0.04 * size, ground);
  canvas.ellipse(kTree, x, ground - 0.68 * size, 0.30 * size, 0.32 * size);
  canvas.ellipse(kTree, x - 0.20 * size, ground - 0.55 * size, 0.18 * size, 0.18 * size);
  canvas.ellipse(kTree, x + 0.22 * size, ground - 0.57 * size, 0.17 * size, 0.19 * size);
}

void paint_person(Canvas &canvas, StreetClass c, double x, double ground, double size) {
  canvas.ellipse(c, x, ground - 0.91 * size, 0.07 * size, 0.09 * size);
  canvas.ellipse(c, x, ground - 0.64 * size, 0.14 * size, 0.22 * size);
  canvas.polygon(c, {{x - 0.10 * size, ground - 0.50 * size}, {x + 0.10 * size, ground - 0.50 * size},
                     {x + 0.13 * size, ground}, {x + 0.05 * size, ground}, {x, ground - 0.35 * size},
                     {x - 0.07 * size, ground}, {x - 0.15 * size, ground}});
}

void paint_car(Canvas &canvas, double x, double ground, double size) {
  const double w = 1.15 * size;  // half the width
  canvas.polygon(kCar, {{x - 0.62 * w, ground - 0.55 * size}, {x - 0.45 * w, ground - size},
                        {x + 0.40 * w, ground - size}, {x + 0.66 * w, ground - 0.55 * size}});
  canvas.polygon(kCar, {{x - w, ground - 0.50 * size}, {x - 0.6 * w, ground - 0.60 * size},
                        {x + 0.7 * w, ground - 0.60 * size}, {x + w, ground - 0.45 * size},
                        {x + w, ground - 0.15 * size}, {x - w, ground - 0.15 * size}});
  canvas.ellipse(kCar, x - 0.58 * w, ground - 0.17 * size, 0.19 * size, 0.17 * size);
  canvas.ellipse(kCar, x + 0.58 * w, ground - 0.17 * size, 0.19 * size, 0.17 * size);
}

void paint_two_wheels(Canvas &canvas, StreetClass c, double x, double ground, double size) {
  const double rim = 0.22 * size;
  canvas.ellipse(c, x - 0.34 * size, ground - rim, rim, rim);
  canvas.ellipse(c, x + 0.34 * size, ground - rim, rim, rim);
  canvas.polygon(c, {{x - 0.40 * size, ground - 0.30 * size}, {x - 0.26 * size, ground - 0.56 * size},
                     {x + 0.34 * size, ground - 0.56 * size}, {x + 0.40 * size, ground - 0.15 * size}});
  paint_person(canvas, kRider, x - 0.04 * size, ground - 0.10 * size, 1.05 * size);
}

void paint_lamp(Canvas &canvas, double x, double ground, double size, double reach) {
  const double thick = 0.014 * size;
  canvas.rectangle(kPole, x - thick, ground - size, x + thick, ground);
  canvas.rectangle(kPole, std::min(x, x + reach), ground - size, std::max(x, x + reach), ground - size + 2 * thick);
}

void paint_sign(Canvas &canvas, double x, double ground, double size) {
  canvas.rectangle(kPole, x - 0.018 * size, ground - size, x + 0.018 * size, ground);
  canvas.ellipse(kSign, x, ground - 0.88 * size, 0.13 * size, 0.13 * size);
}

void paint_traffic_light(Canvas &canvas, double x, double ground, double size) {
  canvas.rectangle(kPole, x - 0.018 * size, ground - size, x + 0.018 * size, ground);
  canvas.rectangle(kTrafficLight, x - 0.07 * size, ground - 1.02 * size, x + 0.07 * size, ground - 0.68 * size);
}

// The picture from back to front; the road vanishes at (540, 215).

void paint_buildings(Canvas &canvas) {
  canvas.polygon(kBuilding, {{0, 0}, {120, 0}, {120, 30}, {245, 62}, {245, 110}, {330, 128}, {330, 100},
                             {400, 122}, {400, 160}, {470, 178}, {470, 240}, {0, 300}});
  canvas.polygon(kBuilding, {{1024, 20}, {900, 48}, {900, 90}, {790, 110}, {790, 70}, {705, 100},
                             {705, 150}, {610, 172}, {610, 240}, {1024, 300}});
  canvas.rectangle(kBuilding, 470, 196, 610, 240);
}

void paint_ground(Canvas &canvas) {
  canvas.polygon(kPavement, {{0, 262}, {490, 224}, {590, 224}, {1024, 268}, {1024, 512}, {0, 512}});
  canvas.polygon(kGrass, {{0, 285}, {380, 238}, {420, 238}, {0, 345}});
  canvas.polygon(kRoad, {{515, 222}, {565, 222}, {985, 512}, {60, 512}});
  canvas.polygon(kWall, {{1024, 228}, {800, 236}, {690, 231}, {690, 241}, {800, 262}, {1024, 306}});
  canvas.polygon(kFence, {{0, 238}, {250, 228}, {400, 226}, {400, 238}, {250, 252}, {0, 284}});
}

void paint_trees(Canvas &canvas) {
  paint_tree(canvas, 440, 238, 90);
  paint_tree(canvas, 370, 246, 125);
  paint_tree(canvas, 205, 268, 205);
  paint_tree(canvas, 665, 240, 105);
  paint_tree(canvas, 860, 272, 215);
}

void paint_vehicles(Canvas &canvas) {
  canvas.polygon(kTram, {{505, 176}, {572, 176}, {576, 190}, {576, 238}, {503, 238}, {503, 188}});
  canvas.polygon(kLorry, {{596, 170}, {672, 158}, {672, 196}, {690, 200}, {698, 222}, {698, 256},
                          {596, 248}});
  canvas.ellipse(kLorry, 616, 248, 9, 12);
  canvas.ellipse(kLorry, 680, 254, 11, 14);
  canvas.polygon(kBus, {{352, 166}, {452, 178}, {460, 186}, {460, 256}, {344, 272}, {344, 174}});
  canvas.ellipse(kBus, 368, 268, 12, 15);
  canvas.ellipse(kBus, 440, 258, 10, 12);
  paint_car(canvas, 520, 256, 26);
  paint_car(canvas, 690, 296, 48);
  paint_car(canvas, 300, 330, 66);
  paint_car(canvas, 815, 376, 92);
}

void paint_people(Canvas &canvas) {
  paint_person(canvas, kPedestrian, 300, 268, 46);
  paint_person(canvas, kPedestrian, 120, 372, 120);
  paint_person(canvas, kPedestrian, 168, 366, 104);
  paint_person(canvas, kPedestrian, 772, 282, 58);
  paint_person(canvas, kPedestrian, 968, 372, 128);
  paint_two_wheels(canvas, kBicycle, 468, 330, 76);
  paint_two_wheels(canvas, kMotorcycle, 610, 330, 70);
}

void paint_street_furniture(Canvas &canvas) {
  paint_lamp(canvas, 478, 234, 84, 14);
  paint_lamp(canvas, 262, 292, 190, 40);
  paint_lamp(canvas, 52, 352, 330, 90);
  paint_lamp(canvas, 906, 316, 260, -70);
  paint_sign(canvas, 735, 280, 96);
  paint_sign(canvas, 228, 318, 128);
  paint_traffic_light(canvas, 588, 246, 70);
  paint_traffic_light(canvas, 995, 330, 190);
}

/// What carries no label: the bonnet of the car that looks, and a rim as cameras leave one after rectification.
void paint_ignored(Canvas &canvas) {
  const auto height = static_cast<double>(canvas.map.height), width = static_cast<double>(canvas.map.width);
  canvas.ellipse(kIgnored, 0.5 * width, height + 30, 0.46 * width, 84);
  canvas.rectangle(kIgnored, 0, 0, width, 5);
  canvas.rectangle(kIgnored, 0, height - 5, width, height);
  canvas.rectangle(kIgnored, 0, 0, 6, height);
  canvas.rectangle(kIgnored, width - 6, 0, width, height);
}

}  // namespace

LabelMap paint_street() {
  Canvas canvas(512, 1024);
  paint_buildings(canvas);
  paint_ground(canvas);
  paint_trees(canvas);
  paint_vehicles(canvas);
  paint_people(canvas);
  paint_street_furniture(canvas);
  paint_ignored(canvas);
  return canvas.map;
}

const char *street_class_name(int64_t class_index) {
  return class_index >= 0 && class_index < kStreetClasses ? kNames[class_index] : "none";
}

}  // namespace demo
