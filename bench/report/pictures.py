"""The pictures of a run, as PNG files."""
import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as pyplot
import numpy
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

import quantities
from results import CPU, CELL_SWEEP, CLASS_SWEEP, FORWARD_BACKWARD, sweep_of
from targets import LEAST_SWEEP_CELLS, MATERIALISED, MOST_CELL_TIME, slope

COLOURS = {FORWARD_BACKWARD: "#c8502d", "forward": "#3b78b5", "backward": "#58a066", "pairwise": "#8a5aa8"}
RIVAL_COLOURS = {"materialised": "#404040", "factored": "#606060", "factored_blocked": "#808080", "softmax": "#9c9c9c",
                 "copy": "#bdbdbd"}
MARKERS = "os^Dv<>Ph*Xp"
GREY = "#8c8c8c"
STYLE = {
    "axes.edgecolor": "#b0b0b0",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.dpi": 110,
    "font.size": 10,
    "grid.color": "#e8e8e8",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
}


def power_of_two(value):
  return rf"$2^{{{round(numpy.log2(value))}}}$"


def set_logarithmic(axes, which, base, write, subs=(1,)):
  """which: x or y; write(value) is a tick's text; ticks are at subs times the powers of base."""
  getattr(axes, f"set_{which}scale")("log", base=base)
  axis = getattr(axes, f"{which}axis")
  axis.set_major_locator(LogLocator(base, subs, numticks=20))
  axis.set_minor_locator(NullLocator())
  axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def draw_times(axes, run, sweep, size, fitted_from, write):
  """Time against size(measurement), a line for each operation and rival, its slope from fitted_from on."""
  for (operation, colour), marker in zip({**COLOURS, **RIVAL_COLOURS}.items(), MARKERS):
    measurements = run.sweep(sweep, operation)
    if len(measurements) < 2:
      continue
    sizes = [size(one) for one in measurements]
    times = [[one.quartile(which) for one in measurements] for which in (1, 2, 3)]
    fitted = [one for one in measurements if size(one) >= fitted_from]
    of_all = " of all sizes" if len(fitted) < 2 else ""
    label = f"{operation}, slope {slope(measurements if of_all else fitted, size):.2f}{of_all}"
    axes.fill_between(sizes, times[0], times[2], color=colour, alpha=0.15, linewidth=0)
    axes.plot(sizes, times[1], marker + ("-" if operation in COLOURS else "--"), color=colour, label=label,
              markersize=5 if operation in COLOURS else 3.5)
  set_logarithmic(axes, "x", 2, write)
  set_logarithmic(axes, "y", 10, quantities.seconds)
  axes.set_ylabel("time, median and quartiles")


def draw_unit_times(axes, run, sweep, size, units, name, write):
  """Nanoseconds of the best quartile for a cell or a logit: flat where time is linear."""
  for operation, colour in COLOURS.items():
    measurements = run.sweep(sweep, operation)
    if len(measurements) > 1:
      axes.plot([size(one) for one in measurements],
                [1e9 * one.quartile(1) / units(one) for one in measurements], "o-", color=colour)
  set_logarithmic(axes, "x", 2, write)
  axes.set_ylim(bottom=0)
  axes.set_ylabel(f"ns for {name}, best quartile")


def add_legend(left, right):
  """Of both, at the right."""
  handles = left.get_legend_handles_labels()[0] + right.get_legend_handles_labels()[0]
  right.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))


def draw_cells(run):
  """Time against N."""
  measurements = run.sweep(CELL_SWEEP, FORWARD_BACKWARD)
  if len(measurements) < 2:
    return None
  figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.2))
  draw_times(left, run, CELL_SWEEP, lambda one: one.cells(), LEAST_SWEEP_CELLS, power_of_two)
  draw_unit_times(right, run, CELL_SWEEP, lambda one: one.cells(), lambda one: one.cells(), "a cell", power_of_two)
  of_target = [1e9 * one.quartile(1) / one.cells() for one in measurements if one.cells() >= LEAST_SWEEP_CELLS]
  if of_target:
    most = MOST_CELL_TIME * numpy.median(of_target)
    right.plot([one.cells() for one in measurements], [most] * len(measurements), "--", color=GREY,
               label=f"{MOST_CELL_TIME} x the median of\n{FORWARD_BACKWARD}'s sizes")
    right.set_ylim(top=max(1.1 * most, right.get_ylim()[1]))
  for axes in (left, right):
    axes.set_xlabel("cells N")
  add_legend(left, right)
  figure.suptitle(f"Time against cells: {measurements[0].classes()} classes, float32; "
                  f"slopes fitted from {power_of_two(LEAST_SWEEP_CELLS)} cells on", fontsize=11)
  return figure


def draw_classes(run):
  """Time against C."""
  measurements = run.sweep(CLASS_SWEEP, FORWARD_BACKWARD)
  if len(measurements) < 2:
    return None
  figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.2))
  draw_times(left, run, CLASS_SWEEP, lambda one: one.classes(), 1, quantities.three_digits)
  draw_unit_times(right, run, CLASS_SWEEP, lambda one: one.classes(), lambda one: numpy.prod(one.shape()),
                  "a logit", quantities.three_digits)
  for axes in (left, right):
    axes.set_xlabel("classes C")
  add_legend(left, right)
  figure.suptitle(f"Time against classes: {measurements[0].cells():,} cells, float32", fontsize=11)
  return figure


def draw_memory(run):
  """Memory against N."""
  measurements = run.sweep(CELL_SWEEP, FORWARD_BACKWARD)
  if len(measurements) < 2:
    return None
  figure, axes = pyplot.subplots(figsize=(7, 4.4))
  cells = [one.cells() for one in measurements]
  axes.plot(cells, [4.0 * number**2 for number in cells], "--", color=GREY, label="one N x N float32 matrix")
  rivals = [one for one in run.find(operation=MATERIALISED)
            if one.counters.get("extra_bytes") and one.shape() == (1, one.cells(), measurements[0].classes())]
  if rivals:
    axes.plot([one.cells() for one in rivals], [one.counters["extra_bytes"] for one in rivals], "s", color="#404040",
              label="materialised, measured")
  axes.plot(cells, [one.counters["logits_bytes"] for one in measurements], ":", color=COLOURS["forward"],
            label="the logits themselves")
  axes.plot(cells, [one.counters["extra_bytes"] for one in measurements], "o-", color=COLOURS[FORWARD_BACKWARD],
            label="the library: state and workspace")
  set_logarithmic(axes, "x", 2, power_of_two)
  set_logarithmic(axes, "y", 2**10, quantities.byte_count)
  axes.set_xlabel("cells N")
  axes.set_ylabel("extra memory")
  axes.legend(loc="upper left")
  axes.set_title(f"Memory against cells: {measurements[0].classes()} classes, float32")
  return figure


def on_roofline(run):
  """The library's operations with their flops and bytes: float32, one scale, all threads, no sweeps."""
  return [
      one for key, one in run.measurements.items()
      if key.operation in COLOURS and (key.dtype, key.scales, key.device) == ("float32", "1", CPU) and
      key.threads == run.threads(key.source) and sweep_of(key.workload) == key.workload and
      not key.workload.startswith("torch_") and one.rate("flops") and one.rate("bytes")
  ]


def draw_roofline(run):
  """Flop rate against flops for each byte, under what the machine can do."""
  points = [one for one in on_roofline(run) if run.bandwidth(one.key) and run.flop_rate(one.key)]
  if not points:
    return None
  bandwidth, flop_rate = (max(peak(one.key) for one in points) for peak in (run.bandwidth, run.flop_rate))
  figure, axes = pyplot.subplots(figsize=(8.8, 4.8))
  markers = dict(zip(dict.fromkeys(one.key.workload for one in points), MARKERS * 3))
  intensities = [one.counters["flops"] / one.counters["bytes"] for one in points]
  ridge = flop_rate / bandwidth
  ends = numpy.array([min(*intensities, ridge) / 2, ridge, max(*intensities, ridge) * 2])
  axes.plot(ends, numpy.minimum(bandwidth * ends, flop_rate), color=GREY)
  for one, intensity in zip(points, intensities):
    axes.plot(intensity, one.rate("flops"), markers[one.key.workload], color=COLOURS[one.key.operation], alpha=0.85)
  set_logarithmic(axes, "x", 10, quantities.three_digits, subs=(1, 2, 5))
  set_logarithmic(axes, "y", 10, lambda value: quantities.three_digits(value / 1e9), subs=(1, 2, 5))
  axes.set_xlabel("intensity, flop/byte")
  axes.set_ylabel("GFLOP/s")
  present = {one.key.operation for one in points}
  roofs = [f"copy {quantities.giga(bandwidth)} GB/s,", f"multiply-add {quantities.giga(flop_rate)} GFLOP/s"]
  handles = [Line2D([], [], color=GREY, label="\n".join(roofs))]
  handles += [Line2D([], [], linewidth=4, color=COLOURS[name], label=name) for name in COLOURS if name in present]
  handles += [Line2D([], [], linestyle="", marker=marker, color=GREY, label=name) for name, marker in markers.items()]
  axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
  axes.set_title("Roofline: float32, one scale, all threads")
  return figure


PICTURES = {"time_against_cells": draw_cells, "time_against_classes": draw_classes,
            "memory_against_cells": draw_memory, "roofline": draw_roofline}


def draw_all(run, folder):
  """Writes what the run has numbers for; returns the files."""
  files = []
  with matplotlib.rc_context(STYLE):
    for name, draw in PICTURES.items():
      figure = draw(run)
      if figure:
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1])
        pyplot.close(figure)
  return files
