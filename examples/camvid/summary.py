#!/usr/bin/env python3
"""summary.py DIR: a Markdown table of the runs below DIR, mean and standard deviation over the seeds of a setting.

A run is a folder with metrics.json, named SETTING/seed-N as study.py makes them. Those not complete are left out and
named below the table.
"""
import json
import statistics
import sys
from pathlib import Path


def spread(values):
  values = [100 * value for value in values if value is not None]
  if not values:
    return "-"
  deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
  return f"{statistics.mean(values):.2f}{deviation}"


def load(folder):
  """Complete runs by setting, and the folders of the others."""
  runs, unfinished = {}, []
  for path in sorted(folder.glob("*/*/metrics.json")):
    metrics = json.loads(path.read_text())
    if metrics["is_complete"]:
      runs.setdefault(path.parent.parent.name, []).append(metrics)
    else:
      unfinished.append(f"{path.parent} (epoch {len(metrics['history'])} of {metrics['settings']['epochs']})")
  return runs, unfinished


def rows(runs):
  """Quantities by setting: a row each, in per cent."""
  quantities = {
      "mIoU": lambda metrics: metrics["final"]["mean_iou"],
      "pixel accuracy": lambda metrics: metrics["final"]["pixel_accuracy"],
  }
  for name in next(iter(runs.values()))[0]["final"]["iou"]:
    quantities[f"IoU {name}"] = lambda metrics, name=name: metrics["final"]["iou"][name]
  quantities["AR loss of a step"] = lambda metrics: metrics["share_of_step"]["ar_loss"]
  quantities["cross-entropy of a step"] = lambda metrics: metrics["share_of_step"]["cross_entropy"]
  yield "runs", [str(len(group)) for group in runs.values()]
  for name, quantity in quantities.items():
    yield name, [spread(map(quantity, group)) for group in runs.values()]


def table(runs):
  lines = ["| % | " + " | ".join(runs) + " |", "|---" * (1 + len(runs)) + "|"]
  return "\n".join(lines + [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows(runs)])


def main():
  if len(sys.argv) != 2:
    sys.exit(__doc__)
  runs, unfinished = load(Path(sys.argv[1]))
  print(table(runs) if runs else "No run is complete yet.")
  if unfinished:
    print("\nNot complete: " + ", ".join(unfinished))


if __name__ == "__main__":
  main()
