#include "checkpoint.h"

#include <torch/serialize.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "picture.h"

namespace camvid {

void write_atomically(const std::string& path, const std::function<void(const std::string& path)>& write) {
  const std::string unfinished = path + ".part";
  try {
    write(unfinished);
    std::filesystem::rename(unfinished, path);
  } catch (const c10::Error& error) {
    throw demo::InputError("'" + path + "': cannot be written: " + error.what_without_backtrace());
  } catch (const std::filesystem::filesystem_error& error) {
    throw demo::InputError("'" + path + "': cannot be written: " + error.code().message());
  }
}

void save_checkpoint(const std::string& path, const UNet& network, const torch::optim::AdamW& optimizer,
                     const nlohmann::json& record) {
  torch::serialize::OutputArchive archive, network_archive, optimizer_archive;
  network->save(network_archive);
  optimizer.save(optimizer_archive);
  archive.write("network", network_archive);
  archive.write("optimizer", optimizer_archive);
  archive.write("record", torch::IValue(record.dump()));
  write_atomically(path, [&](const std::string& unfinished) { archive.save_to(unfinished); });
}

nlohmann::json load_checkpoint(const std::string& path, UNet& network, torch::optim::AdamW& optimizer) {
  try {
    torch::serialize::InputArchive archive, network_archive, optimizer_archive;
    archive.load_from(path);
    archive.read("network", network_archive);
    archive.read("optimizer", optimizer_archive);
    network->load(network_archive);
    optimizer.load(optimizer_archive);
    torch::IValue record;
    archive.read("record", record);
    return nlohmann::json::parse(record.toStringRef());
  } catch (const c10::Error& error) {
    throw demo::InputError("'" + path + "': is no checkpoint of this program: " + error.what_without_backtrace());
  }
}

std::string checksum(const UNet& network) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](const torch::Tensor& tensor) {
    const torch::Tensor dense = tensor.contiguous();
    const auto* bytes = static_cast<const std::uint8_t*>(dense.data_ptr());
    for (std::size_t i = 0; i < dense.nbytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  };
  for (const torch::Tensor& weights : network->parameters()) add(weights);
  for (const torch::Tensor& statistics : network->buffers()) add(statistics);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace camvid
