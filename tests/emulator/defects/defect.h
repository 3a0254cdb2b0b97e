#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_DEFECT_H
#define ARLOSS_TESTS_EMULATOR_DEFECTS_DEFECT_H

namespace emulator::defects {

/// What is wrong with an instance of the sample kernels, or with the host code that launches them. One thing at a time.
enum class Defect {
  kNone,
  // gram_sample.cuh
  kNoBarrierAfterLoad,
  kNoBarrierBeforeNextChunk,
  kGlobalReadOffByOne,
  kSharedRowOutOfRange,
  kTailNotWritten,
  kBarrierInDivergentBranches,
  kReturnBeforeBarrier,
  kCubStorageReused,
  kFloatAtomicSum,
  kOneSlotForAllBlocks,
  kReductionUsedByAllThreads,
  // pair_sample.cuh
  kWaitLeavesGroupInFlight,
  kBufferOverwrittenEarly,
  kWrongAccumulatorLayout,
  kShuffleInDivergentBranch,
  kNoBarrierBeforeWarpSums,
  kRowsNotAligned,
  kNoWarpBarrierInExchange,
  kNoFenceBeforeTicket,
  kMatrixOperandsSwapped,
  kStrayTranspose,
  // host code
  kTooLittleSharedMemory,
  kHostPointerArgument,
  kTooManyPartials,
  kHostDereference,
  kReadBeforeSynchronisation,
};

/// `defect` where it is one of kKnown, else kNone: a kernel is instantiated only for the defects it can have.
template <Defect... kKnown>
constexpr Defect only(Defect defect) {
  return ((defect == kKnown) || ...) ? defect : Defect::kNone;
}

}  // namespace emulator::defects

#endif
