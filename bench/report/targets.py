"""What the library is to reach: numbers of one process each, from best quartiles, float32, all threads unless told."""
from dataclasses import dataclass
from typing import Callable, Optional

import numpy

import quantities
from results import CELL_SWEEP, FORWARD_BACKWARD
from tables import markdown

MATERIALISED = "materialised"
FACTORED = "factored"
FACTORED_BLOCKED = "factored_blocked"
SOFTMAX = "softmax"
COPY = "copy"
TORCH_MATERIALISED = "torch_materialised"
TORCH_FACTORED = "torch_factored"
TORCH_CROSS_ENTROPY = "torch_cross_entropy"
LEAST_SWEEP_CELLS = 2**14  # below, a call's fixed cost shows
MOST_SWEEP_CELLS = 2**22
MOST_CELL_TIME = 1.5  # of the median
LEAST_SCALING_LOGITS = 128 * 256 * 19  # of city_q


@dataclass(frozen=True)
class Target:
  """measure(run) is to be within [at_least, at_most]; it is None where the run has not measured it."""
  workload: str
  text: str
  measure: Callable
  at_least: Optional[float] = None
  at_most: Optional[float] = None

  def bound(self):
    bounds = [(self.at_least, ">= "), (self.at_most, "<= ")]
    return ", ".join(sign + quantities.three_digits(value) for value, sign in bounds if value is not None)

  def verdict(self, value):
    if value is None:
      return "not measured"
    is_low = self.at_least is not None and value < self.at_least
    is_high = self.at_most is not None and value > self.at_most
    return "NOT MET" if is_low or is_high else "met"


def best(run, workload, operation, scales="1", threads=None):
  """{source: best quartile in seconds}."""
  found = run.find(workload=workload, operation=operation, dtype="float32", scales=scales)
  return {
      measurement.key.source: measurement.quartile(1) for measurement in found
      if measurement.key.threads == (threads or run.threads(measurement.key.source))
  }


def ratio(numerators, denominators):
  """Of the process that has both; None where none has."""
  return next((numerators[source] / denominators[source] for source in numerators if source in denominators), None)


def faster(workload, rival, times, operation=FORWARD_BACKWARD):
  return Target(workload, f"{operation}, times faster than {rival}",
                lambda run: ratio(best(run, workload, rival), best(run, workload, operation)), at_least=times)


def slower(workload, rival, times):
  return Target(workload, f"{FORWARD_BACKWARD}, times {rival}",
                lambda run: ratio(best(run, workload, FORWARD_BACKWARD), best(run, workload, rival)), at_most=times)


def scales_cost(run):
  three, one = (best(run, "city_q", FORWARD_BACKWARD, scales) for scales in ("1,2,4", "1"))
  return ratio(three, one)


def thread_scaling(run):
  """The least of all workloads of city_q's size and more that ran on two threads and on one."""
  workloads = {
      one.key.workload for one in run.find(operation=FORWARD_BACKWARD)
      if numpy.prod(one.shape()) >= LEAST_SCALING_LOGITS
  }
  scaling = [
      ratio(*(best(run, workload, FORWARD_BACKWARD, threads=threads) for threads in (1, 2))) for workload in workloads
  ]
  return min((value for value in scaling if value is not None), default=None)


def extra_memory(run):
  found = run.find(workload="city_full", operation=FORWARD_BACKWARD, dtype="float32", scales="1")
  return found[0].counters["extra_bytes"] / found[0].counters["logits_bytes"] if found else None


def slope(measurements, size=lambda one: one.cells()):
  """Of log time against log size(measurement): best quartiles, least squares."""
  sizes, times = ([function(one) for one in measurements] for function in (size, lambda one: one.quartile(1)))
  return float(numpy.polyfit(numpy.log(sizes), numpy.log(times), 1)[0])


def swept(run):
  """The sizes that targets are about, or None where the sweep does not reach from end to end."""
  sizes = [one for one in run.sweep(CELL_SWEEP, FORWARD_BACKWARD) if one.cells() >= LEAST_SWEEP_CELLS]
  is_whole = len(sizes) > 2 and sizes[0].cells() == LEAST_SWEEP_CELLS and sizes[-1].cells() >= MOST_SWEEP_CELLS
  return sizes if is_whole else None


def cell_slope(run):
  sizes = swept(run)
  return slope(sizes) if sizes else None


def worst_cell_time(run):
  """The longest time for a cell, as a multiple of the median size's."""
  sizes = swept(run)
  if not sizes:
    return None
  cell_times = [one.quartile(1) / one.cells() for one in sizes]
  return max(cell_times) / float(numpy.median(cell_times))


TARGETS = (
    faster("city_97", MATERIALISED, 300),
    faster("city_q", FACTORED, 3),
    faster("city_q", FACTORED_BLOCKED, 3),
    slower("city_q", SOFTMAX, 1.5),
    slower("ade_4_b1", SOFTMAX, 5),
    slower("city_full", COPY, 2.5),
    faster("torch_city_97", TORCH_MATERIALISED, 3000),
    faster("torch_city_q", TORCH_FACTORED, 20),
    slower("torch_city_q", TORCH_CROSS_ENTROPY, 1),
    slower("torch_ade_4", TORCH_CROSS_ENTROPY, 1.5),
    slower("torch_city_full", TORCH_CROSS_ENTROPY, 1),
    Target(CELL_SWEEP, "log-log slope of time, 2^14 to 2^22 cells", cell_slope, at_least=0.95, at_most=1.08),
    Target(CELL_SWEEP, "longest time for a cell, times the median", worst_cell_time, at_most=MOST_CELL_TIME),
    Target("city_q", "scales 1,2,4, times scale 1", scales_cost, at_most=1.25),
    Target("city_q and above", "two threads, times faster than one", thread_scaling, at_least=1.8),
    Target("city_full", "extra memory, of the logits' bytes", extra_memory, at_most=0.05),
    faster("city_97", "materialised_huber", 4, operation="pairwise"),
)


def target_table(run):
  rows = []
  for target in TARGETS:
    value = target.measure(run)
    rows.append((target.workload, target.text, target.bound(), quantities.times(value), target.verdict(value)))
  return "## Targets\n\n" + markdown(("workload", "what", "target", "measured", "verdict"), rows, left=2)
