#ifndef ARLOSS_TESTS_GUARDED_PAGES_H
#define ARLOSS_TESTS_GUARDED_PAGES_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace support {

/// `bytes` of memory that end where a page without access begins, or begin where one ends: whoever reads or writes
/// past that edge, by however little, crashes.
class GuardedPages {
 public:
  explicit GuardedPages(std::size_t bytes) : bytes_(bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    inside_ = (bytes + page - 1) / page * page;
    mapped_ = inside_ + 2 * page;
    void* memory = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap failed");
    base_ = static_cast<unsigned char*>(memory);
    begin_ = base_ + page;
    if (mprotect(begin_, inside_, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("mprotect failed");
  }
  ~GuardedPages() { munmap(base_, mapped_); }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  unsigned char* at_end() { return begin_ + inside_ - bytes_; }
  unsigned char* at_start() { return begin_; }

 private:
  std::size_t bytes_, inside_ = 0, mapped_ = 0;
  unsigned char *base_ = nullptr, *begin_ = nullptr;
};

}  // namespace support

#endif
