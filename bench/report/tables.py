"""Markdown tables, padded so that they read well in a terminal too."""
import quantities
from results import CPU

COLUMNS = ("operation or rival", "dtype", "scales", "threads", "time [p25 .. p75]", "items/s", "GB/s", "GFLOP/s",
           "of copy", "of multiply-add", "extra memory", "x forward_backward")
SHAPE_COLUMNS = ("images", "cells", "classes")
CPU_COLUMNS = {"threads", "of multiply-add"}  # of a device neither is counted
LEFT_COLUMNS = 1  # the rest are numbers
# The library's, then rivals from the cheapest on, then what has no place here.
OPERATIONS = ("pool", "forward", "backward", "forward_backward", "pairwise", "affinity_rows", "check", "copy",
              "softmax", "factored_blocked", "factored", "materialised", "materialised_huber", "torch_cross_entropy",
              "torch_factored", "torch_materialised", "torch_keops")


def markdown(columns, rows, left=LEFT_COLUMNS):
  """The first `left` columns are flush left, the others right."""
  widths = [max(map(len, column)) for column in zip(columns, *rows)]

  def line(cells):
    padded = [cell.ljust(width) if index < left else cell.rjust(width)
              for index, (cell, width) in enumerate(zip(cells, widths))]
    return "| " + " | ".join(padded) + " |"

  rule = ["-" * width if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
  return "\n".join([line(columns), line(rule), *map(line, rows)]) + "\n"


def ratio_to_library(run, measurement):
  """Medians; of the same process, device, dtype, scales and threads."""
  library = run.beside(measurement.key, operation="forward_backward")
  return measurement.quartile(2) / library.quartile(2) if library else None


def row(run, measurement):
  """{column: text}."""
  key = measurement.key
  spread = f"[{quantities.seconds(measurement.quartile(1))} .. {quantities.seconds(measurement.quartile(3))}]"
  batch, cells, classes = measurement.shape()
  texts = (key.operation, key.dtype, key.scales, str(key.threads),
           f"{quantities.seconds(measurement.quartile(2))} {spread}", quantities.count(measurement.rate("items")),
           quantities.giga(measurement.rate("bytes")), quantities.giga(measurement.rate("flops")),
           quantities.percent(measurement.rate("bytes"), run.bandwidth(key)),
           quantities.percent(measurement.rate("flops"), run.flop_rate(key)),
           quantities.byte_count(measurement.counters.get("extra_bytes")),
           quantities.times(ratio_to_library(run, measurement)))
  return dict(zip((*COLUMNS, *SHAPE_COLUMNS), (*texts, str(batch), f"{cells:,}", str(classes))))


def place(measurement):
  """Order of the rows of a table."""
  key = measurement.key
  operation = OPERATIONS.index(key.operation) if key.operation in OPERATIONS else len(OPERATIONS)
  return measurement.shape(), key.dtype != "float32", key.scales != "1", key.threads, operation


def workload_table(run, name, measurements):
  """Shapes stand in the title, or, where they differ, in columns. What ran on a CUDA device has a table of its own."""
  measurements = sorted(measurements, key=place)
  shapes = {one.shape() for one in measurements}
  title, columns = f"## {name}", (COLUMNS[0], *SHAPE_COLUMNS, *COLUMNS[1:])
  if len(shapes) == 1:
    batch, cells, classes = shapes.pop()
    title, columns = f"## {name}: {batch} x {cells:,} cells, {classes} classes", COLUMNS
  of_device = {}
  for one in measurements:
    of_device.setdefault(one.key.device, []).append(one)
  texts = [title]
  for device, its in sorted(of_device.items()):
    if device != CPU:
      columns = [column for column in columns if column not in CPU_COLUMNS]
      texts.append(f"On {run.contexts[its[0].key.source]['cuda_device']}:")
    rows = [row(run, one) for one in its]
    texts.append(markdown(columns, [[texts_of[column] for column in columns] for texts_of in rows]))
  return "\n\n".join(text.rstrip("\n") for text in texts) + "\n"
