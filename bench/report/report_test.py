"""The report of sample_run, three small files of round numbers, holds what can be worked out from them by hand."""
import tempfile
import unittest
from pathlib import Path

import matplotlib.image

import pictures
import quantities
import report
from results import Run
from targets import TARGETS, slope

SAMPLE = Path(__file__).parent / "sample_run"


class ReportTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    cls.folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(cls.folder.cleanup)
    cls.run_read = Run(SAMPLE)
    cls.text, cls.files = report.write_report(cls.run_read, Path(cls.folder.name))

  def cells_of(self, start, below):
    """The cells of the row that begins with the cells `start`, of those after the line that begins with `below`."""
    lines = self.text[self.text.index(below):].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return next(row for row in rows if row[:len(start)] == start)

  def test_row_holds_medians_rates_and_shares(self):
    self.assertEqual(
        self.cells_of(["forward_backward", "float32", "1", "2"], "## city_97: 1 x 9,409 cells, 19 classes"),
        ["forward_backward", "float32", "1", "2", "3 ms [2 ms .. 4 ms]", "3.14 M", "0.715", "8", "7 %", "8 %",
         "34.9 KiB", "1.00"])
    self.assertEqual(self.cells_of(["materialised"], "## city_97")[4:], [
        "700 ms [600 ms .. 800 ms]", "13.4 k", "–", "–", "–", "–", "1,013 MiB", "233"])

  def test_device_has_a_table_and_peaks_of_its_own(self):
    below = "On Example GPU:"
    self.assertIn(below, self.text[self.text.index("## city_97"):self.text.index("## sweep_cells")])
    self.assertEqual(
        self.cells_of(["forward_backward", "float32", "1"], below),
        ["forward_backward", "float32", "1", "20 µs [15 µs .. 25 µs]", "470 M", "107", "1,200", "11 %", "69.8 KiB",
         "1.00"])  # of 1 TB/s
    self.assertEqual(self.cells_of(["copy"], below)[3:],
                     ["5 µs [5 µs .. 5 µs]", "1.88 G", "858", "–", "86 %", "–", "0.250"])
    self.assertEqual(self.cells_of(["cuda_device"], "# ")[1], "Example GPU")

  def test_sweep_has_its_shapes_in_columns(self):
    self.assertEqual(self.cells_of(["forward", "1", "262,144", "19"], "## sweep_cells")[7], "4 ms [4 ms .. 4 ms]")

  def test_targets_divide_best_quartiles(self):
    self.assertEqual(self.cells_of(["city_97", "forward_backward, times faster than materialised"], "## Targets")[2:],
                     [">= 300", "300", "met"])  # 600 ms / 2 ms
    self.assertEqual(self.cells_of(["torch_city_q", "forward_backward, times torch_cross_entropy"], "## Targets")[2:],
                     ["<= 1", "2.00", "NOT MET"])
    self.assertEqual(self.cells_of(["city_full"], "## Targets")[3:], ["–", "not measured"])
    self.assertEqual(self.text[:self.text.index("## city_97")].count("not measured"), len(TARGETS) - 4)

  def test_slope_is_that_of_the_sizes_it_is_given(self):
    sizes = self.run_read.sweep("sweep_cells", "forward_backward")
    self.assertAlmostEqual(slope(sizes[1:]), 1.0)
    self.assertAlmostEqual(slope(sizes[:2]), 0.0)
    self.assertEqual(self.cells_of(["sweep_cells"], "## Targets")[3:], ["1.00", "met"])

  def test_header_names_the_run_and_its_disturbance(self):
    self.assertEqual(self.cells_of(["commit"], "# ")[1], "abc1234")
    self.assertIn("YES: two threads do 1.60 to 1.60 times", self.cells_of(["disturbed"], "# ")[1])

  def test_what_was_not_run_says_why(self):
    self.assertEqual(self.cells_of(["city_97"], "## Not run")[1:],
                     ["cuda/pairwise 1; factored 1", "needs 9 GB of 8 GB available"])
    self.assertEqual(self.cells_of(["sweep_cells/65536"], "## Not run")[2:], ["needs 34 GB; sizes more: 1"])

  def test_failed_benchmark_is_kept_apart(self):
    self.assertEqual(self.run_read.failures, [("city_97/float32/1/check", "did no work")])
    with tempfile.TemporaryDirectory() as folder:
      (Path(folder) / "killed.json").write_text('{"context": {')
      self.assertEqual(Run(folder).failures, [("killed.json", "the file is not complete")])

  def test_quantities_have_three_digits_and_a_unit(self):
    self.assertEqual([quantities.seconds(value) for value in (0.9999, 2.5e-5, 0, None)],
                     ["1 s", "25 µs", "0 ns", "–"])
    self.assertEqual(quantities.byte_count(1536), "1.5 KiB")

  def test_pictures_show_the_library(self):
    self.assertEqual([file.name for file in self.files],
                     ["report.md", *(f"{name}.png" for name in pictures.PICTURES)])
    colour = matplotlib.colors.to_rgb(pictures.COLOURS["forward_backward"])
    for file in self.files[1:]:
      pixels = matplotlib.image.imread(file)[:, :, :3]
      self.assertGreater((abs(pixels - colour).max(axis=2) < 0.05).sum(), 30, file.name)
      self.assertIn(f"({file.name})", self.files[0].read_text())


if __name__ == "__main__":
  unittest.main()
