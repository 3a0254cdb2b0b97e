"""report.py JSON OUT: from the files of the folder JSON, tables, printed and in OUT/report.md, and pictures in OUT."""
import argparse
import sys
from pathlib import Path

import pictures
import quantities
from results import Run
from tables import markdown, workload_table
from targets import target_table

LEAST_SCALING = 1.8  # of the two-thread probe; below, something else had the second core
NOT_RUN = "not_run:"
# Of the JSON's context, what says nothing about the numbers.
LEFT_OUT = {"executable", "host_name", "json_schema_version", "library_build_type", "mhz_per_cpu", "num_cpus"}


def disturbance(run):
  """What the two-thread probes say, in words."""
  scaling = run.probed_scaling()
  if not scaling:
    return "unknown: not probed on one and two threads"
  low = [f"{source} {quantities.times(value)}" for source, value in scaling.items() if value < LEAST_SCALING]
  text = f"two threads do {quantities.times(min(scaling.values()))} times the work of one at least"
  return f"YES, {text} (below {LEAST_SCALING}: {', '.join(low)})" if low else f"no: {text}"


def header(run):
  """Machine, compiler, commit, date: the context of the JSON files; and whether the numbers can be trusted."""
  facts = [
      (name, text) for name, text in run.facts().items() if name not in LEFT_OUT and not name.startswith(NOT_RUN)
  ]
  return "# CPU benchmarks\n\n" + markdown(("", ""), [*facts, ("disturbed", disturbance(run))], left=2)


def not_run(run):
  """What the programs left out, and why."""
  rows = [(name[len(NOT_RUN):], text) for name, text in run.facts().items() if name.startswith(NOT_RUN)]
  return "## Not run\n\n" + markdown(("benchmark", "reason"), rows, left=2) if rows else ""


def write_report(run, folder):
  """Returns the text, and the files written: report.md, which is the text and shows the pictures, and these."""
  tables = [workload_table(run, name, measurements) for name, measurements in run.tables().items()]
  text = "\n".join([header(run), target_table(run), *tables, not_run(run)])
  drawn = pictures.draw_all(run, folder)
  shown = "".join(f"\n![{picture.stem}]({picture.name})\n" for picture in drawn)
  (folder / "report.md").write_text(text + shown)
  return text, [folder / "report.md", *drawn]


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("json", type=Path)
  parser.add_argument("out", type=Path)
  arguments = parser.parse_args()
  run = Run(arguments.json)
  text, files = write_report(run, arguments.out)
  print(text, *files, sep="\n")
  for name, message in run.failures:
    print(f"report.py: {name} failed: {message}", file=sys.stderr)
  return 1 if run.failures else 0


if __name__ == "__main__":
  raise SystemExit(main())
