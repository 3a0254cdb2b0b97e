#!/usr/bin/env python3
"""study.py --data DIR [options] [-- ARGS]: named settings x seeds, one run after another, and their table.

Run it again after an interruption: what is complete is skipped, what was begun goes on from its last epoch. Seeds are
the outer loop, so that a study cut off has all settings of the seeds it came to. ARGS go to every run of arloss_camvid
(./run camvid --study builds it and takes the same arguments).
"""
import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "build/release/examples/camvid/arloss_camvid"
SETTINGS = ["cross-entropy=--loss-weight 0", "ar-0.1=--loss-weight 0.1", "ar-0.3=--loss-weight 0.3",
            "ar-1=--loss-weight 1", "ar-3=--loss-weight 3"]


def parse_arguments():
  usage = "study.py --data DIR [options] [-- ARGS]"
  parser = argparse.ArgumentParser(usage=usage, description=__doc__.split("\n\n", 1)[1])
  parser.add_argument("--data", type=Path, required=True)
  parser.add_argument("--out", type=Path, default=Path("camvid-study"), help="runs are OUT/SETTING/seed-N")
  parser.add_argument("--setting", action="append", metavar="NAME=ARGS", help=f"default: {SETTINGS}")
  parser.add_argument("--seeds", default="0,1,2", help="with commas between; default: 0,1,2")
  parser.add_argument("--program", type=Path, default=PROGRAM)
  end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
  arguments = parser.parse_args(sys.argv[1:end])
  arguments.common = sys.argv[end + 1:]
  return arguments


def is_complete(out):
  metrics = out / "metrics.json"
  return metrics.exists() and json.loads(metrics.read_text())["is_complete"] and (out / "predictions.png").exists()


def run(arguments, setting, seed):
  """True if the run is complete now."""
  name, _, options = setting.partition("=")
  out = arguments.out / name / f"seed-{seed}"
  if is_complete(out):
    print(f"study: {out} is complete", flush=True)
    return True
  print(f"study: {out}", flush=True)
  own = ["--data", str(arguments.data), "--out", str(out), "--seed", seed, "--resume"]
  finished = subprocess.run([str(arguments.program), *own, *arguments.common, *shlex.split(options)])
  subprocess.run([sys.executable, "-B", str(HERE / "curves.py"), "--out", str(out)])
  return finished.returncode == 0 and is_complete(out)


def main():
  arguments = parse_arguments()
  runs = [run(arguments, setting, seed)
          for seed in arguments.seeds.split(",") for setting in arguments.setting or SETTINGS]
  subprocess.run([sys.executable, "-B", str(HERE / "summary.py"), str(arguments.out)])
  sys.exit(not all(runs))


if __name__ == "__main__":
  main()
