#include "memory/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace emulator {
namespace {

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t pages_begin(std::size_t offset) { return (offset + page_bytes() - 1) / page_bytes() * page_bytes(); }
std::size_t pages_end(std::size_t end) { return end / page_bytes() * page_bytes(); }

}  // namespace

Mapping::Mapping(std::size_t bytes, Protection protection) : bytes_(bytes) {
  const int access = protection == Protection::kNone ? PROT_NONE : PROT_READ | PROT_WRITE;
  void* const place = mmap(nullptr, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) {
    throw std::runtime_error("the emulated device needs " + std::to_string(bytes >> 20) + " MiB of address space: " +
                             std::strerror(errno) + " (limits: ulimit -v, vm.overcommit_memory = 2)");
  }
  madvise(place, bytes, MADV_DONTDUMP);  // a core file would list gibibytes of reserved pages
  data_ = static_cast<std::byte*>(place);
}

Mapping::~Mapping() { munmap(data_, bytes_); }

void Mapping::discard(std::size_t offset, std::size_t bytes) {
  const std::size_t begin = pages_begin(offset), end = pages_end(offset + bytes);
  if (begin < end) madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace emulator
