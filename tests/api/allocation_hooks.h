#ifndef ARLOSS_TESTS_ALLOCATION_HOOKS_H
#define ARLOSS_TESTS_ALLOCATION_HOOKS_H

#include <cstdint>

/// This program's operator new (and, where the C library lets it, malloc, calloc, realloc and aligned_alloc) count, and
/// can be made to fail. They replace the ones of every library in the process.
namespace support::allocations {

/// Does the count include malloc and its kin? Not under a sanitizer, which has its own.
bool counts_malloc();

/// Allocations of all threads so far.
std::int64_t count();

/// Blocks from operator new that are still held.
std::int64_t live_blocks();

/// From now on the n-th operator new (0: the next) throws std::bad_alloc, and all after it. Negative: none.
void fail_new_from(std::int64_t n);

}  // namespace support::allocations

#endif
