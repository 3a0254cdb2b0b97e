#include "runtime/device_facts.h"

namespace emulator::runtime {
namespace {

constexpr std::size_t kKiB = 1024;

constexpr DeviceFacts kTable[] = {
    {75, 1024, 16, 64 * kKiB, 64 * kKiB},    {80, 2048, 32, 164 * kKiB, 163 * kKiB},
    {86, 1536, 16, 100 * kKiB, 99 * kKiB},   {87, 1536, 16, 164 * kKiB, 163 * kKiB},
    {89, 1536, 24, 100 * kKiB, 99 * kKiB},   {90, 2048, 32, 228 * kKiB, 227 * kKiB},
    {110, 1536, 24, 228 * kKiB, 227 * kKiB}, {120, 1536, 24, 100 * kKiB, 99 * kKiB},
};

}  // namespace

const DeviceFacts& device_facts(int architecture) {
  const DeviceFacts* found = &kTable[0];
  for (const DeviceFacts& facts : kTable) {
    if (facts.architecture <= architecture) found = &facts;
  }
  return *found;
}

}  // namespace emulator::runtime
