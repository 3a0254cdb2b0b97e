"""torch_rivals.py LIBRARY FILE [--filter REGEX] [--quick]: the library against PyTorch on the CPU, in turn, as JSON.

float32, one image, labels at the grid in regions, one scale, random logits. Each rival is an eager forward and backward:
  torch_materialised    softmax, square root, A = S S', B = U U', mean squared error of two N x N matrices
  torch_factored        the same loss from C x C products of S and U
  torch_keops           the same loss pair by pair, in C++ that KeOps generates, where that is installed
  torch_cross_entropy   another loss, and the cheapest that a segmentation network pays
"""
import argparse
import datetime
import itertools
import json
import os
import random
import re
import sys
import time

import torch

from arloss_calls import ForwardBackward

WORKLOADS = {"torch_voc": (21, 33, 33), "torch_city_97": (19, 97, 97), "torch_city_q": (19, 128, 256),
             "torch_ade_4": (150, 128, 128), "torch_city_full": (19, 512, 1024)}  # classes, height, width
LARGEST_DIFFERENCE = 1e-3  # of the loss, and of the gradient's norm
MATERIALISED_MATRICES = 3  # N x N floats at once, by the process's peak at 9,409 cells
LEAST_SECONDS = 0.02  # of one repetition
MOST_SECONDS, MOST_QUICK_SECONDS = 60, 2  # of one call, and under --quick
REGION_SIDE = 64  # cells: 5 to 8 classes occur in 256 cells side by side, in CamVid's labels 4
TRIAL_SIDE = 32  # of the grid that tells how long all pairs would take


def square_roots(logits):
  """S: the cells' rows of square roots of probabilities."""
  return logits.flatten(2).softmax(1).sqrt()[0].T


def one_hot_rows(labels, logits):
  """U: the cells' rows of their labels."""
  return torch.nn.functional.one_hot(labels.flatten(), logits.shape[1]).to(logits.dtype)


def materialised(logits, labels):
  rows, label_rows = square_roots(logits), one_hot_rows(labels, logits)
  return torch.nn.functional.mse_loss(rows @ rows.T, label_rows @ label_rows.T)


def keops(logits, labels):
  import pykeops
  from pykeops.torch import LazyTensor
  pykeops.set_verbose(False)
  rows, label_rows = square_roots(logits), one_hot_rows(labels, logits)
  a, b = (LazyTensor(of[:, None, :]) | LazyTensor(of[None, :, :]) for of in (rows, label_rows))
  return ((a - b)**2).sum(1).sum() / rows.shape[0]**2


def factored(logits, labels):
  rows, label_rows = square_roots(logits), one_hot_rows(labels, logits)
  norms = [(left.T @ right).square().sum() for left, right in ((rows, rows), (label_rows, rows),
                                                                (label_rows, label_rows))]
  return (norms[0] - 2 * norms[1] + norms[2]) / rows.shape[0]**2


def cross_entropy(logits, labels):
  return torch.nn.functional.cross_entropy(logits, labels)


LOSSES = {"torch_materialised": materialised, "torch_keops": keops, "torch_factored": factored,
          "torch_cross_entropy": cross_entropy}


def available_bytes():
  with open("/proc/meminfo") as lines:
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


def needed_bytes(rival, cells):
  return 4 * MATERIALISED_MATRICES * cells**2 if rival == "torch_materialised" else 0


def draw_labels(classes, height, width):
  """Where which of smooth random fields is the highest: regions, as labels of pictures are."""
  coarse = torch.randn(1, classes, 2 + height // REGION_SIDE, 2 + width // REGION_SIDE)
  return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear").argmax(1)


class Case:
  """Logits and labels of a workload, and what is timed on them: {name: function}."""

  def __init__(self, library, shape, num_threads):
    classes, height, width = shape
    torch.manual_seed(1)
    self.shape = shape
    self.cells = height * width
    self.logits = torch.randn(1, classes, height, width, requires_grad=True)
    self.labels = draw_labels(classes, height, width)
    self._narrow_labels = self.labels.to(torch.uint8)
    self._loss = torch.empty(1)
    self._gradient = torch.empty_like(self.logits)
    self._library = ForwardBackward(library, classes, height, width, num_threads)
    self.extra_bytes = {"forward_backward": self._library.extra_bytes}
    self.timed = {"forward_backward": self.run_library}
    self.left_out = {}

  def run_library(self):
    self._library(self.logits.data_ptr(), self._narrow_labels.data_ptr(), self._loss.data_ptr(),
                  self._gradient.data_ptr())
    return self._loss, self._gradient

  def run_rival(self, loss):
    self.logits.grad = None
    value = loss(self.logits, self.labels)
    value.backward()
    return value.detach(), self.logits.grad

  def add_rival(self, name, loss, most_seconds):
    """Unless it does not fit, cannot run or takes too long. One that differs from the library ends the program."""
    needed = needed_bytes(name, self.cells)
    if needed > available_bytes():
      self.left_out[name] = f"needs {needed / 2**30:.1f} GiB, {available_bytes() / 2**30:.1f} GiB are available"
      return
    if loss is keops:
      try:
        expected = self._expected_seconds(loss)
      except Exception as error:  # KeOps is not there, or finds no compiler
        self.left_out[name] = f"cannot run: {' '.join(str(error).split())}"
        return
      if expected > most_seconds:
        self.left_out[name] = f"one call would take {expected:.3g} s, by one of {TRIAL_SIDE**2} cells"
        return
    start = time.perf_counter()
    results = self.run_rival(loss)
    seconds = time.perf_counter() - start
    if loss is not cross_entropy:
      self._check(name, results, self.run_library())
    if seconds > most_seconds:
      self.left_out[name] = f"one call takes {seconds:.1f} s"
      return
    self.timed[name] = lambda: self.run_rival(loss)
    self.extra_bytes[name] = self._extra_bytes(loss)

  def _expected_seconds(self, loss):
    """Of a call over all pairs: by its second call on few cells, as the first compiles."""
    logits, labels = (of[..., :TRIAL_SIDE, :TRIAL_SIDE] for of in (self.logits.detach(), self.labels))
    logits = logits.clone().requires_grad_()
    seconds = [seconds_of(lambda: loss(logits, labels).backward()) for _ in range(2)]
    return seconds[1] * (self.cells / labels.numel())**2

  def _extra_bytes(self, loss):
    """The most that a call holds at a time, by PyTorch's profiler, but for the gradient: the last of its size."""
    self.logits.grad = None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
      self.run_rival(loss)
    changes = [event.nbytes() for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    gradient_bytes = 4 * self.logits.numel()
    changes[max(index for index, change in enumerate(changes) if change == gradient_bytes)] = 0
    return max(itertools.accumulate(changes))

  def _check(self, name, rival, library):
    for what, theirs, ours in zip(("loss", "gradient"), rival, library):
      difference = float((theirs - ours).norm() / ours.norm())
      if not difference <= LARGEST_DIFFERENCE:
        sys.exit(f"torch_rivals.py: {name}'s {what} is {difference:.1e} from the library's")


def seconds_of(call):
  start = time.perf_counter()
  call()
  return time.perf_counter() - start


def repetition(call, iterations):
  return seconds_of(lambda: [call() for _ in range(iterations)]) / iterations


def measure(workload, case, rounds):
  """Google Benchmark's entries: every round times everything once, in an order of its own."""
  classes = case.shape[0]
  counters = {"items": case.cells, "logits_bytes": 4 * case.cells * classes, "batch": 1, "cells": case.cells,
              "classes": classes}
  iterations = {name: max(1, int(LEAST_SECONDS / seconds_of(call))) for name, call in case.timed.items()}
  entries = []
  for index in range(rounds):
    for name in random.sample(list(case.timed), len(case.timed)):
      seconds = repetition(case.timed[name], iterations[name])
      entries.append({"name": f"{workload}/float32/1/{name}", "run_type": "iteration", "repetition_index": index,
                      "iterations": iterations[name], "real_time": 1e3 * seconds, "time_unit": "ms", **counters,
                      "extra_bytes": case.extra_bytes[name]})
  return sorted(entries, key=lambda entry: list(case.timed).index(entry["name"].split("/")[-1]))


def blas_library():
  """Of what this process has loaded; PyTorch may also hold one inside."""
  with open("/proc/self/maps") as lines:
    loaded = set(re.findall(r"/(lib\w*(?:blas|mkl_core)[^/\n]*\.so[^/\n]*)\n", lines.read()))
  return ", ".join(sorted(loaded)) or "built in"


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("library", help="libarloss.so")
  parser.add_argument("file", help="JSON file to write")
  parser.add_argument("--filter", default="", help="only workloads whose name matches")
  parser.add_argument("--quick", action="store_true", help="fewer rounds")
  arguments = parser.parse_args()
  num_threads = len(os.sched_getaffinity(0))
  torch.set_num_threads(num_threads)
  context = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "threads": str(num_threads),
             "torch": torch.__version__}
  entries = []
  for workload, shape in WORKLOADS.items():
    if not re.search(arguments.filter, workload):
      continue
    print(f"torch_rivals.py: {workload}", flush=True)
    case = Case(arguments.library, shape, num_threads)
    for name, loss in LOSSES.items():
      case.add_rival(name, loss, MOST_QUICK_SECONDS if arguments.quick else MOST_SECONDS)
    for name, reason in case.left_out.items():
      print(f"not run: {workload}/float32/1/{name}: {reason}")
      context[f"not_run:{workload}/float32/1/{name}"] = reason
    entries += measure(workload, case, 5 if arguments.quick else 11)
  context["torch_blas"] = blas_library()
  if entries:
    with open(arguments.file, "w") as file:
      json.dump({"context": context, "benchmarks": entries}, file, indent=1)


if __name__ == "__main__":
  main()
