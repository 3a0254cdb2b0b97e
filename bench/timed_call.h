#ifndef ARLOSS_BENCH_TIMED_CALL_H
#define ARLOSS_BENCH_TIMED_CALL_H

#include <string>

namespace bench {

/// What one call takes: cells it works on, bytes it must move to and from memory, floating-point operations (a
/// multiply-add is two), and memory beyond logits, labels and results.
struct CallCost {
  double items, bytes, flops, extra_bytes;
};

/// An operation of the library, a rival or a probe, with everything it needs allocated. What fails throws.
class TimedCall {
 public:
  virtual ~TimedCall() = default;

  /// Once, before anything is timed: throws where the results are wrong. Also the first touch of all memory.
  virtual void check() = 0;
  /// Overwrites what run() writes by values it cannot write.
  virtual void poison() = 0;
  virtual void run() = 0;
  /// Has run() written all of its results, and not zeros?
  virtual bool has_worked() const = 0;
  virtual CallCost cost() const = 0;
};

}  // namespace bench

#endif
