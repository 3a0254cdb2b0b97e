// Predictions beside pictures and labels.
#pragma once
#include "dataset.h"
#include "picture.h"
#include "unet.h"

namespace camvid {

/// A row for each of four samples, evenly spaced among all: picture, labels, prediction; the classes' colours below.
/// Leaves the network in evaluation mode.
demo::Picture prediction_sheet(UNet& network, const Samples& samples);

}  // namespace camvid
