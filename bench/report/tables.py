"""Markdown tables, padded so that they read well in a terminal too."""
import quantities

COLUMNS = ("operation or rival", "dtype", "scales", "threads", "time [p25 .. p75]", "items/s", "GB/s", "GFLOP/s",
           "of copy", "of multiply-add", "extra memory", "x forward_backward")
LEFT_COLUMNS = 1  # the rest are numbers
# The library's, then rivals from the cheapest on, then what has no place here.
OPERATIONS = ("pool", "forward", "backward", "forward_backward", "pairwise", "affinity_rows", "check", "copy",
              "softmax", "factored_blocked", "factored", "materialised", "materialised_huber", "torch_cross_entropy",
              "torch_factored", "torch_materialised")


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
  """Medians; of the same process, dtype, scales and threads."""
  library = run.beside(measurement.key, operation="forward_backward")
  return measurement.quartile(2) / library.quartile(2) if library else None


def row(run, measurement):
  key = measurement.key
  spread = f"[{quantities.seconds(measurement.quartile(1))} .. {quantities.seconds(measurement.quartile(3))}]"
  return (key.operation, key.dtype, key.scales, str(key.threads),
          f"{quantities.seconds(measurement.quartile(2))} {spread}", quantities.count(measurement.rate("items")),
          quantities.giga(measurement.rate("bytes")), quantities.giga(measurement.rate("flops")),
          quantities.percent(measurement.rate("bytes"), run.bandwidth(key)),
          quantities.percent(measurement.rate("flops"), run.flop_rate(key)),
          quantities.byte_count(measurement.counters.get("extra_bytes")),
          quantities.times(ratio_to_library(run, measurement)))


def place(measurement):
  """Order of the rows of a table."""
  key = measurement.key
  operation = OPERATIONS.index(key.operation) if key.operation in OPERATIONS else len(OPERATIONS)
  return measurement.shape(), key.dtype != "float32", key.scales != "1", key.threads, operation


def workload_table(run, name, measurements):
  """Shapes stand in the title, or, where they differ, in columns."""
  measurements = sorted(measurements, key=place)
  shapes = [(str(batch), f"{cells:,}", str(classes)) for batch, cells, classes in (one.shape() for one in measurements)]
  rows = [row(run, measurement) for measurement in measurements]
  if len(set(shapes)) == 1:
    images, cells, classes = shapes[0]
    return f"## {name}: {images} x {cells} cells, {classes} classes\n\n" + markdown(COLUMNS, rows)
  columns = (COLUMNS[0], "images", "cells", "classes", *COLUMNS[1:])
  return f"## {name}\n\n" + markdown(columns, [(first, *shape, *rest) for (first, *rest), shape in zip(rows, shapes)])
