"""Reads the JSON files of a run, as Google Benchmark and torch_rivals.py write them (bench/README.md)."""
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy

# Pieces that Google Benchmark adds to a name by itself.
ADDED_TO_NAME = re.compile(r"(real_time|manual_time|process_time|(repeats|iterations|min_time|min_warmup_time):.*)$")
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
FORWARD_BACKWARD = "forward_backward"
CPU = "cpu"
CUDA = "cuda"
CELL_SWEEP = "sweep_cells"
CLASS_SWEEP = "sweep_classes"


@dataclass(frozen=True)
class Key:
  """What was measured. source: the file, which is one process; only what shares it is compared."""
  source: str
  workload: str
  dtype: str
  scales: str
  operation: str
  threads: int
  device: str = CPU

  def call(self):
    """The operation as names have it: that of a device after the device."""
    return self.operation if self.device == CPU else f"{self.device}/{self.operation}"


@dataclass
class Measurement:
  """All repetitions of a key, and its counters, each for one call."""
  key: Key
  counters: dict
  seconds: list = field(default_factory=list)

  def quartile(self, which):
    """Seconds: 1 the best quartile, 2 the median, 3 the worst."""
    return float(numpy.percentile(self.seconds, 25 * which))

  def rate(self, counter, which=2):
    """The counter for each second, or None where it is not counted."""
    count = self.counters.get(counter)
    return count / self.quartile(which) if count else None

  def shape(self):
    """Images, cells of each, classes."""
    return tuple(int(self.counters[name]) for name in ("batch", "cells", "classes"))

  def cells(self):
    """Of one image."""
    return self.shape()[1]

  def classes(self):
    return self.shape()[2]


def sweep_of(workload):
  """The sweep's name of sweep_NAME/SIZE; other workloads stand alone."""
  return workload.split("/")[0] if workload.startswith("sweep_") else workload


def key_of(name, source, all_threads):
  """workload/dtype/scales/operation[/threads:n]; machine/probe[/threads:n] for what the machine can do. cuda/ before
  operation or probe: on the CUDA device."""
  pieces = [piece for piece in name.split("/") if not ADDED_TO_NAME.match(piece)]
  threads = [int(piece.split(":")[1]) for piece in pieces if piece.startswith("threads:")]
  pieces = [piece for piece in pieces if not piece.startswith("threads:")]
  device = CUDA if pieces[-2:-1] == [CUDA] else CPU
  if device == CUDA:
    del pieces[-2]
  if pieces[0] == "machine":
    pieces[1:1] = ["float32", "1"]
  if len(pieces) < 4:
    raise ValueError(f"{source}: '{name}' is not workload/dtype/scales/operation")
  return Key(source, "/".join(pieces[:-3]), *pieces[-3:], threads[0] if threads else all_threads, device)


class Run:
  """Everything that the JSON files of a folder hold."""

  def __init__(self, folder):
    self.contexts = {}  # by source
    self.failures = []  # (name, message)
    self.measurements = {}  # by key, in the order of the files
    for file in sorted(Path(folder).glob("*.json")):
      try:
        self._read(file.stem, json.loads(file.read_text()))
      except json.JSONDecodeError:  # of a process that did not live to its end
        self.failures.append((file.name, "the file is not complete"))

  def _read(self, source, document):
    self.contexts[source] = document["context"]
    all_threads = int(document["context"]["threads"])
    for entry in document["benchmarks"]:
      if entry.get("error_occurred"):
        self.failures.append((entry["name"], entry["error_message"]))
      elif entry["run_type"] == "iteration":
        key = key_of(entry["name"], source, all_threads)
        counters = {name: value for name, value in entry.items() if isinstance(value, (int, float))}
        measurement = self.measurements.setdefault(key, Measurement(key, counters))
        measurement.seconds.append(entry["real_time"] * NANOSECONDS[entry["time_unit"]] / 1e9)

  def facts(self):
    """{name: value} of every context, with all its values where files differ; of the dates the first."""
    values = {}
    for context in self.contexts.values():
      for name, value in context.items():
        if isinstance(value, (str, int)):
          values.setdefault(name, {})[str(value)] = None
    return {name: min(texts) if name == "date" else ", ".join(texts) for name, texts in values.items()}

  def tables(self):
    """{title: measurements}: a workload, or a sweep with all its sizes; without the machine's probes."""
    of_title = {}
    for measurement in self.measurements.values():
      if measurement.key.workload != "machine":
        of_title.setdefault(sweep_of(measurement.key.workload), []).append(measurement)
    return of_title

  def sweep(self, name, operation):
    """One operation's sizes in a sweep, in their order: float32, one scale, all threads."""
    found = [
        one for one in self.find(operation=operation, dtype="float32", scales="1")
        if sweep_of(one.key.workload) == name and one.key.threads == self.threads(one.key.source)
    ]
    return sorted(found, key=lambda measurement: (measurement.cells(), measurement.classes()))

  def find(self, **wanted):
    """The measurements whose key has these values; on the CPU unless told."""
    wanted = {"device": CPU, **wanted}
    return [
        measurement for key, measurement in self.measurements.items()
        if all(getattr(key, name) == value for name, value in wanted.items())
    ]

  def beside(self, key, **changed):
    """The measurement whose key differs from this one as told, or None."""
    return self.measurements.get(Key(**{**vars(key), **changed}))

  def threads(self, source):
    return int(self.contexts[source]["threads"])

  def peak(self, key, probe, counter):
    """The best rate of the key's device, with all threads, in its process, else in the run; None where not probed."""
    probes = self.find(workload="machine", operation=probe, device=key.device)
    probes = [probed for probed in probes if probed.key.threads == self.threads(probed.key.source)]
    own = [probed for probed in probes if probed.key.source == key.source]
    rates = [probed.rate(counter, 1) for probed in own or probes]
    return max((rate for rate in rates if rate), default=None)

  def bandwidth(self, key):
    return self.peak(key, "copy", "bytes")

  def flop_rate(self, key):
    return self.peak(key, "multiply_add", "flops")

  def probed_scaling(self):
    """{source: how many times the work of one thread two threads do, by medians}."""
    scaling = {}
    for two in self.find(workload="machine", operation="two_threads", threads=2):
      one = self.beside(two.key, threads=1)
      if one:
        scaling[two.key.source] = two.rate("flops") / one.rate("flops")
    return scaling
