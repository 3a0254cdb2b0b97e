#!/usr/bin/env python3
"""curves.py [--out DIR]: draws DIR/curves.png, losses and mIoU over the epochs, from DIR/metrics.json.

Takes arloss_camvid's arguments and looks at --out alone.
"""
import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as pyplot


def draw(metrics, path):
  history = metrics["history"]
  epochs = range(1, len(history) + 1)
  figure, (losses, scores) = pyplot.subplots(1, 2, figsize=(10, 3.8), constrained_layout=True)
  for name, label in (("cross_entropy", "cross-entropy"), ("ar_loss", "AR loss")):
    if name == "cross_entropy" or metrics["settings"]["loss_weight"] > 0:
      losses.plot(epochs, [epoch[name] for epoch in history], label=label)
  for name, label in (("mean_iou", "mIoU"), ("pixel_accuracy", "pixel accuracy")):
    scores.plot(epochs, [100 * epoch[name] for epoch in history], label=label)
  losses.set(xlabel="epoch", ylabel="mean over the training images", yscale="log")
  scores.set(xlabel="epoch", ylabel="% of the evaluation images", ylim=(0, 100))
  for axes in (losses, scores):
    axes.grid(color="#e8e8e8")
    axes.legend(frameon=False)
  figure.savefig(path)


def main():
  parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
  parser.add_argument("--out", type=Path, default=Path("camvid-out"))
  out = parser.parse_known_args()[0].out
  if (out / "metrics.json").exists():  # not after --help, for instance
    draw(json.loads((out / "metrics.json").read_text()), out / "curves.png")


if __name__ == "__main__":
  main()
