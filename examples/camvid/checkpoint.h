// What a run needs to go on: network, optimiser and the epochs so far. Order and augmentation of an epoch are drawn
// from the seed and the epoch's number, so no generator's state has to be kept.
#pragma once
#include <torch/optim/adamw.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>

#include "unet.h"

namespace camvid {

/// Writes path anew or, where that fails, leaves it as it was: a file beside it is written and renamed. Throws
/// demo::InputError.
void write_atomically(const std::string& path, const std::function<void(const std::string& path)>& write);

void save_checkpoint(const std::string& path, const UNet& network, const torch::optim::AdamW& optimizer,
                     const nlohmann::json& record);

/// Fills network and optimizer and returns the record. Throws demo::InputError for a file that is none.
nlohmann::json load_checkpoint(const std::string& path, UNet& network, torch::optim::AdamW& optimizer);

/// Of all bits of the network's weights and statistics: FNV-1a, in hexadecimal.
std::string checksum(const UNet& network);

}  // namespace camvid
