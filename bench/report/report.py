"""report.py JSON OUT: from the files of the folder JSON, tables, printed and in OUT/report.md, and pictures in OUT."""
import argparse
import sys
from pathlib import Path

import pictures
import quantities
from results import Run, key_of, sweep_of
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
  low = [source for source, value in scaling.items() if value < LEAST_SCALING]
  least, most = (quantities.times(bound(scaling.values())) for bound in (min, max))
  text = f"two threads do {least} to {most} times the work of one"
  return f"YES: {text}, below {LEAST_SCALING} beside {', '.join(low)}" if low else f"no: {text}"


def header(run):
  """Machine, compiler, commit, date: the context of the JSON files; and whether the numbers can be trusted."""
  facts = [
      (name, text) for name, text in run.facts().items() if name not in LEFT_OUT and not name.startswith(NOT_RUN)
  ]
  return "# Benchmarks\n\n" + markdown(("", ""), [*facts, ("disturbed", disturbance(run))], left=2)


def not_run(run):
  """What the programs left out, and why; of a sweep the first size, and how many more."""
  of_sweep = {}
  for name, reason in run.facts().items():
    if name.startswith(NOT_RUN):
      key = key_of(name[len(NOT_RUN):], "", 0)
      of_sweep.setdefault((sweep_of(key.workload), key.call(), key.scales), {})[key.workload] = reason
  rows = {}  # operations and scales, by workload and reason
  for (_, call, scales), reasons in of_sweep.items():
    first = min(reasons, key=lambda workload: (len(workload), workload))  # the smallest size, by its digits
    more = f"; sizes more: {len(reasons) - 1}" if len(reasons) > 1 else ""
    rows.setdefault((first, reasons[first] + more), []).append(f"{call} {scales}")
  columns = ("workload", "operations or rivals and their scales", "reason")
  texts = [(workload, "; ".join(names), reason) for (workload, reason), names in rows.items()]
  return "## Not run\n\n" + markdown(columns, texts, left=len(columns)) if rows else ""


def write_report(run, folder):
  """Returns the text, and the files written: report.md, which is the text and shows the pictures, and these."""
  tables = [workload_table(run, name, measurements) for name, measurements in run.tables().items()]
  text = "\n".join([header(run), target_table(run), *tables, not_run(run)])
  folder.mkdir(parents=True, exist_ok=True)
  drawn = pictures.draw_all(run, folder)
  shown = "".join(f"\n![{picture.stem}]({picture.name})\n" for picture in drawn)
  (folder / "report.md").write_text(text + shown)
  return text, [folder / "report.md", *drawn]


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("json", type=Path)
  parser.add_argument("out", type=Path)
  arguments = parser.parse_args()
  if not list(arguments.json.glob("*.json")):
    parser.error(f"there are no JSON files in {arguments.json}")
  run = Run(arguments.json)
  text, files = write_report(run, arguments.out)
  print(text, *files, sep="\n")
  for name, message in run.failures:
    print(f"report.py: {name} failed: {message}", file=sys.stderr)
  return 1 if run.failures else 0


if __name__ == "__main__":
  raise SystemExit(main())
