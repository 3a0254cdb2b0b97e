#ifndef ARLOSS_TESTS_LABEL_MAPS_H
#define ARLOSS_TESTS_LABEL_MAPS_H

#include <cstdint>
#include <optional>
#include <vector>

#include "oracle/oracle.h"
#include "support/random.h"

namespace support {

enum class LabelMap {
  kScene,     // blocks of one class, poles one or two label pixels wide, an ignored band: as in street scenes
  kNoise,     // every label pixel drawn alone, some ignored
  kOneClass,  // one class per image, nothing ignored
};

const char* name_of(LabelMap map);

/// [batch][label_depth][label_height][label_width] labels out of the first `num_labels` classes, and `ignored` where
/// the map has ignored pixels (empty: it has none). A class equal to `ignored` is never drawn.
std::vector<std::int64_t> make_labels(LabelMap map, const oracle::Problem& problem, std::int64_t num_labels,
                                      std::optional<std::int64_t> ignored, Random& random);

}  // namespace support

#endif
