#include "allocation_hooks.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__) && !defined(ARLOSS_TESTS_THINNED)
#define ARLOSS_TESTS_COUNT_MALLOC 1
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* block);
}
#endif

namespace support::allocations {
namespace {

std::atomic<std::int64_t> g_count{0}, g_live{0};
std::atomic<std::int64_t> g_until_failure{-1};

/// operator new's turn to fail?
bool is_failing() {
  std::int64_t left = g_until_failure.load();
  while (left > 0)
    if (g_until_failure.compare_exchange_weak(left, left - 1)) return false;
  return left == 0;
}

void* raw_allocate(std::size_t bytes, std::size_t alignment) {
#ifdef ARLOSS_TESTS_COUNT_MALLOC
  return alignment == 0 ? __libc_malloc(bytes) : __libc_memalign(alignment, bytes);
#else
  return alignment == 0 ? std::malloc(bytes)
                        : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
#endif
}

void raw_free(void* block) {
#ifdef ARLOSS_TESTS_COUNT_MALLOC
  __libc_free(block);
#else
  std::free(block);
#endif
}

/// NULL where memory is short, or made to be.
void* try_allocate(std::size_t bytes, std::size_t alignment) {
  ++g_count;
  if (is_failing()) return nullptr;
  void* const block = raw_allocate(bytes == 0 ? 1 : bytes, alignment);
  if (block != nullptr) ++g_live;
  return block;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* const block = try_allocate(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void release(void* block) {
  if (block == nullptr) return;
  --g_live;
  raw_free(block);
}

}  // namespace

bool counts_malloc() {
#ifdef ARLOSS_TESTS_COUNT_MALLOC
  return true;
#else
  return false;
#endif
}
std::int64_t count() { return g_count; }
std::int64_t live_blocks() { return g_live; }
void fail_new_from(std::int64_t n) { g_until_failure = n; }

}  // namespace support::allocations

namespace hooks = support::allocations;

void* operator new(std::size_t bytes) { return hooks::allocate(bytes, 0); }
void* operator new[](std::size_t bytes) { return hooks::allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return hooks::allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return hooks::allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return hooks::try_allocate(bytes, 0); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return hooks::try_allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return hooks::try_allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return hooks::try_allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { hooks::release(block); }
void operator delete[](void* block) noexcept { hooks::release(block); }
void operator delete(void* block, std::size_t) noexcept { hooks::release(block); }
void operator delete[](void* block, std::size_t) noexcept { hooks::release(block); }
void operator delete(void* block, std::align_val_t) noexcept { hooks::release(block); }
void operator delete[](void* block, std::align_val_t) noexcept { hooks::release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { hooks::release(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { hooks::release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { hooks::release(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { hooks::release(block); }

#ifdef ARLOSS_TESTS_COUNT_MALLOC
extern "C" {
void* malloc(std::size_t bytes) {
  ++hooks::g_count;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++hooks::g_count;
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) {
  ++hooks::g_count;
  return __libc_realloc(block, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++hooks::g_count;
  return __libc_memalign(alignment, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  ++hooks::g_count;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  ++hooks::g_count;
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) { __libc_free(block); }
}
#endif
