#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_CELL_CHECK_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_CELL_CHECK_H

#include <optional>

#include "memory/access_report.h"
#include "memory/block_order.h"
#include "memory/read_sets.h"
#include "memory/shadow.h"

namespace emulator {

/// Checks and records what one lane does to one cell: the whole truth, for what quad_check.h does not decide at once.
class CellCheck {
 public:
  CellCheck(const BlockOrder& order, const AccessReport& report) : order_(order), report_(report) {}

  void check(const Horizon& horizon, Cell cell, const LaneAccess& access);
  /// Read sets hold for one epoch.
  void begin_epoch() { sets_.clear(); }

 private:
  void read(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  void write(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  void atomic(const Horizon& horizon, Cell& cell, const LaneAccess& access);

  void check_written(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  void check_write_order(Cell& cell, const LaneAccess& access);
  void check_readers(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  std::optional<EarlierAccess> unordered_reader(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  std::optional<EarlierAccess> unordered_in(Cell& cell, const Readers& readers, const LaneAccess& access);
  /// Readers of this epoch, as exactly as they are known.
  ReadSets::Set readers(Cell& cell) const;

  void add_reader(const Horizon& horizon, Cell& cell, const LaneAccess& access);
  void join_readers(Cell& cell, const LaneAccess& access);
  void add_to_set(Cell& cell, const LaneAccess& access);
  void drop_ordered(ReadSets::Set& set, const LaneAccess& access) const;
  void write_atomics(Cell& cell);

  const BlockOrder& order_;
  const AccessReport& report_;
  ReadSets sets_;
};

}  // namespace emulator

#endif
