"""arloss_torch.py, found by PYTHONPATH, against the definition of docs/math.md in float64: values, gradients, what
autograd and TorchScript ask of an operator, and what is refused."""
import inspect
import shutil
import tempfile
import threading
import unittest
from pathlib import Path

import torch
import torch.nn.functional as F

import arloss_torch
from arloss_torch import ARLoss, ar_loss

PENALTY_PARAMS = {"huber": 0.1, "cross_entropy": 1e-4, "log_cosh": 0.1}


def label_counts(labels, num_classes, height, width, ignore_index):
  """n^1 [height, width, C] of one image [h, w] (eq. 3, 4)."""
  counts = torch.zeros(height, width, num_classes, dtype=torch.float64)
  rows, columns = labels.shape
  for y in range(height):
    for x in range(width):
      owned = labels[y * rows // height:(y + 1) * rows // height, x * columns // width:(x + 1) * columns // width]
      for label in owned.flatten().tolist():
        if label != ignore_index:
          counts[y, x, label] += 1
  return counts


def label_roots(counts, scale):
  """u^k [N, C] (eq. 4, 5)."""
  height, width, num_classes = counts.shape
  blocks = torch.zeros_like(counts)
  for y in range(0, height, scale):
    for x in range(0, width, scale):
      blocks[y:y + scale, x:x + scale] = counts[y:y + scale, x:x + scale].sum((0, 1))
  return (blocks / blocks.sum(2, keepdim=True).clamp(min=1)).sqrt().reshape(-1, num_classes)


def penalties(outputs, labels, penalty, param):
  """phi of each pair (eq. 10)."""
  residuals = outputs - labels
  if penalty == "squared":
    return residuals**2
  if penalty == "absolute":
    return residuals.abs()
  if penalty == "huber":
    return torch.where(residuals.abs() <= param, residuals**2 / 2, param * (residuals.abs() - param / 2))
  if penalty == "log_cosh":
    return torch.log(torch.cosh(residuals / param))
  outputs, clamped = outputs.clamp(param, 1 - param), labels.clamp(param, 1 - param)
  entropy = -labels * clamped.log() - (1 - labels) * (1 - clamped).log()
  crossed = -labels * outputs.log() - (1 - labels) * (1 - outputs).log() - entropy
  return crossed - torch.diag(crossed.diagonal())


def naive_loss(logits, labels, *, scales=(1,), scale_weights=(), scale_mode="blend", penalty="squared",
               penalty_param=0.0, ignore_index=255, reduction="mean", loss_weight=1.0, pixel_weights=None):
  """The loss of pairs within images, by N x N matrices in float64, for autograd."""
  batch, num_classes, height, width = logits.shape
  shares = torch.tensor(scale_weights or [1.0] * len(scales), dtype=torch.float64)
  shares /= shares.sum()
  losses = []
  for b in range(batch):
    roots = logits[b].double().reshape(num_classes, -1).softmax(0).t().sqrt()
    outputs = roots @ roots.t()
    counts = label_counts(labels[b], num_classes, height, width, ignore_index)
    affinities = [u @ u.t() for u in (label_roots(counts, scale) for scale in scales)]
    if scale_mode == "blend":
      affinities = [sum(share * affinity for share, affinity in zip(shares, affinities))]
    weights = (counts.sum(2) > 0).double()
    if pixel_weights is not None:
      weights *= pixel_weights[b]
    weights = weights.flatten()
    param = penalty_param or PENALTY_PARAMS.get(penalty)
    pairs = [torch.outer(weights, weights).mul(penalties(outputs, affinity, penalty, param)).sum()
             for affinity in affinities]
    total = pairs[0] if scale_mode == "blend" else sum(share * pair for share, pair in zip(shares, pairs))
    losses.append(total if reduction == "sum" else total / weights.sum()**2)
  losses = torch.stack(losses)
  return loss_weight * {"mean": losses.mean, "sum": losses.sum, "none": losses.clone}[reduction]()


def draw(shape=(2, 5, 6, 7), label_size=(6, 7), dtype=torch.float32, labels_dtype=torch.uint8, ignored=True):
  """Seeded logits that require grad, and labels with some ignored."""
  generator = torch.Generator().manual_seed(1)
  logits = (2 * torch.randn(shape, generator=generator)).to(dtype).requires_grad_()
  labels = torch.randint(shape[1], (shape[0], *label_size), generator=generator).to(labels_dtype)
  if ignored:
    labels[:, :2, 1:3] = 255
  return logits, labels


def gradient_of(loss, logits):
  """Of a vector loss, with different incoming gradients."""
  incoming = torch.arange(1, loss.numel() + 1, dtype=loss.dtype).reshape(loss.shape)
  return torch.autograd.grad(loss, logits, incoming)[0]


class TorchPythonTest(unittest.TestCase):

  def expect_accurate(self, logits, labels, bound=1e-5, **options):
    """Within the contract (math.md, 11), for losses of the order of those of random logits."""
    loss = ar_loss(logits, labels, **options)
    expected = naive_loss(logits, labels, **options)
    self.assertEqual((loss.dtype, loss.shape), (torch.float32, expected.shape))
    self.assertLessEqual((loss.double() - expected).abs().max(), 2e-5 * expected.abs().max())
    gradient, expected_gradient = gradient_of(loss, logits), gradient_of(expected, logits)
    self.assertEqual(gradient.dtype, logits.dtype)
    self.assertGreater(expected_gradient.norm(), 0)
    self.assertLessEqual((gradient.double() - expected_gradient.double()).norm(),
                         bound * expected_gradient.double().norm())

  def expect_refused(self, call, *words, error=RuntimeError):
    with self.assertRaises(error) as caught:
      call()
    for word in words:
      self.assertIn(word, str(caught.exception))

  def test_options_are_the_definitions(self):
    weights = torch.rand(2, 6, 7, generator=torch.Generator().manual_seed(2))
    for options in (
        {},
        {"scales": (1, 2, 4), "loss_weight": 0.5},
        {"scales": [2, 3], "scale_weights": [0.75, 0.25], "penalty": "absolute"},
        {"scales": (1, 3), "scale_mode": "separate", "penalty": "huber", "penalty_param": 0.2},
        {"penalty": "absolute", "reduction": "sum"},
        {"penalty": "huber", "pixel_weights": weights},
        {"penalty": "log_cosh", "reduction": "none"},
        {"penalty": "cross_entropy", "ignore_index": 3},
        {"reduction": "none", "pixel_weights": weights, "ignore_index": 0},
    ):
      for label_size in (6, 7), (13, 15):
        with self.subTest(options=options, label_size=label_size):
          self.expect_accurate(*draw(label_size=label_size, ignored="ignore_index" not in options), **options)

  def test_pyramid_and_batch_reach_the_library(self):
    logits, labels = draw()
    perfect = F.one_hot(torch.where(labels == 255, 0, labels).long(), 5).permute(0, 3, 1, 2) * 100.0
    self.assertLess(ar_loss(perfect, labels, scales=[1, 2], scale_mode="pyramid"), 1e-6)
    self.assertGreater(ar_loss(perfect, labels, scales=[1, 2]), 1e-3)
    side_by_side = [torch.cat(list(tensor), -1)[None] for tensor in (logits, labels)]
    torch.testing.assert_close(ar_loss(logits, labels, span="batch"), ar_loss(*side_by_side))

  def test_algorithms_agree(self):
    factored, pairwise = (ar_loss(*draw(), algorithm=algorithm, exact=True) for algorithm in ("factored", "pairwise"))
    torch.testing.assert_close(factored, pairwise, rtol=1e-5, atol=0)

  def test_none_ignores_no_index(self):
    logits, labels = draw(shape=(1, 256, 4, 5), label_size=(4, 5))
    self.expect_accurate(logits, labels, ignore_index=None)

  def test_dtypes(self):
    for labels_dtype in torch.uint8, torch.int32, torch.int64:
      self.expect_accurate(*draw(labels_dtype=labels_dtype))
    for dtype, unit in (torch.float16, 2**-11), (torch.bfloat16, 2**-8):
      with self.subTest(dtype=dtype):
        self.expect_accurate(*draw(dtype=dtype), bound=unit)

  def test_volumes(self):
    logits, labels = draw(shape=(2, 5, 6, 7), label_size=(6, 7))
    flat = ar_loss(logits, labels)
    torch.testing.assert_close(ar_loss(logits[:, :, None], labels[:, None]), flat)

  def test_strides(self):
    logits, labels = draw()
    expected = gradient_of(ar_loss(logits, labels), logits)
    plain = logits.detach()
    for strided in (plain.contiguous(memory_format=torch.channels_last),
                    plain.transpose(2, 3).contiguous().transpose(2, 3), F.pad(plain, (1, 2))[..., 1:-2]):
      strided.requires_grad_()
      torch.testing.assert_close(gradient_of(ar_loss(strided, labels), strided), expected, rtol=1e-5, atol=1e-8)

  def test_autocast_casts_nothing(self):
    for dtype in torch.float32, torch.bfloat16:
      logits, labels = draw(dtype=dtype)
      loss = ar_loss(logits, labels)
      with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = ar_loss(logits, labels)
      self.assertTrue(torch.equal(cast, loss))
      self.assertTrue(torch.equal(gradient_of(cast, logits), gradient_of(loss, logits)))

  def test_gradient_is_the_difference_quotient(self):
    """Steps and bound are those of torch_test.cpp."""
    logits, labels = draw(shape=(1, 3, 4, 4), label_size=(4, 4))
    step, gradient = 2**-5, gradient_of(ar_loss(logits, labels), logits).flatten()
    self.assertGreater(gradient.norm(), 1e-2)
    for i in range(logits.numel()):
      moved = logits.detach().clone(), logits.detach().clone()
      moved[0].view(-1)[i] += step
      moved[1].view(-1)[i] -= step
      ahead, behind = (ar_loss(one, labels).item() for one in moved)
      self.assertAlmostEqual((ahead - behind) / (2 * step), gradient[i].item(), delta=3e-6)

  def test_training_lowers_the_loss(self):
    torch.manual_seed(3)
    images, labels = torch.randn(2, 3, 8, 8), draw(shape=(2, 4, 8, 8), label_size=(16, 16))[1]
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 4, 1))
    criterion = ARLoss(scales=(1, 2))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
      optimizer.zero_grad()
      loss = criterion(network(images), labels)
      loss.backward()
      optimizer.step()
      losses.append(loss.item())
    self.assertLess(losses[-1], 0.7 * losses[0])

  def test_module_is_the_function(self):
    logits, labels = draw()
    options = {"scales": (1, 2), "reduction": "none", "penalty": "huber", "loss_weight": 0.5}
    weights = torch.rand(2, 6, 7)
    self.assertTrue(torch.equal(ARLoss(**options)(logits, labels, weights),
                                ar_loss(logits, labels, pixel_weights=weights, **options)))
    self.assertTrue(repr(ARLoss(scales=[1, 2], span="batch")).startswith("ARLoss(scales=[1, 2], scale_weights=(),"))
    self.assertIn("span='batch'", repr(ARLoss(span="batch")))

  def test_modules_defaults_are_the_operators(self):
    expected = {argument.name: argument.default_value
                for argument in torch.ops.arloss.ar_loss.default._schema.arguments if argument.kwarg_only}
    self.assertIsNone(expected.pop("pixel_weights"))
    defaults = {name: list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
                for name, parameter in inspect.signature(ARLoss).parameters.items()}
    self.assertEqual(defaults, expected)

  def test_script(self):

    @torch.jit.script
    def scripted(logits, labels, weights: torch.Tensor):
      return torch.ops.arloss.ar_loss(logits, labels, scales=[1, 2], penalty="huber", pixel_weights=weights)

    logits, labels = draw()
    weights = torch.rand(2, 6, 7)
    expected = ar_loss(logits, labels, scales=[1, 2], penalty="huber", pixel_weights=weights)
    expected_gradient = gradient_of(expected, logits)
    for _ in range(3):  # after two runs TorchScript optimizes
      loss = scripted(logits, labels, weights)
      self.assertTrue(torch.equal(loss, expected))
      self.assertTrue(torch.equal(gradient_of(loss, logits), expected_gradient))

  @unittest.skipUnless(hasattr(torch, "compiler"), "PyTorch 2.1 or newer")
  def test_compiled_around(self):
    logits, labels = draw()
    compiled = torch.compile(lambda logits: 2 * ar_loss(logits.relu(), labels, scales=[1, 2]).exp(), backend="eager")
    expected = 2 * ar_loss(logits.relu(), labels, scales=[1, 2]).exp()
    loss = compiled(logits)
    self.assertTrue(torch.equal(loss, expected))
    self.assertTrue(torch.equal(gradient_of(loss, logits), gradient_of(expected, logits)))

  def test_threads(self):
    logits, labels = draw(shape=(2, 5, 32, 32), label_size=(32, 32))
    expected = gradient_of(ar_loss(logits, labels), logits)
    gradients = [None] * 4

    def call(index):
      for _ in range(20):
        gradients[index] = gradient_of(ar_loss(logits, labels, num_threads=1 + index % 2), logits)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(gradients))]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    for gradient in gradients:
      self.assertTrue(torch.equal(gradient, expected))

  def test_wrong_words_are_refused(self):
    words = {"scale_mode": "blend, separate, pyramid",
             "penalty": "squared, absolute, huber, cross_entropy, log_cosh",
             "reduction": "mean, sum, none",
             "span": "image, batch",
             "algorithm": "auto, factored, pairwise"}
    for option, allowed in words.items():
      for wrong in "Mean", "", "hubert":
        refusal = f"{option} is '{wrong}'; it must be one of {allowed}"
        self.expect_refused(lambda: ar_loss(*draw(), **{option: wrong}), refusal)
        self.expect_refused(lambda: ARLoss(**{option: wrong}), refusal)

  def test_wrong_options_are_refused_by_the_module(self):
    for options, words in (
        ({"scales": ()}, ["num_scales is 0"]),
        ({"scales": range(1, 10)}, ["scales has 9", "8 or fewer"]),
        ({"scales": (1, 2**32 + 1)}, ["scales[1] is 4294967297", "32 bits"]),
        ({"scale_weights": (1.0, 2.0)}, ["scale_weights has 2", "as scales, 1"]),
        ({"loss_weight": -1.0}, ["loss_weight is -1"]),
        ({"loss_weight": 1e300}, ["loss_weight is inf"]),
        ({"num_threads": -1}, ["num_threads is -1"]),
        ({"num_threads": 2**40}, ["num_threads is 1099511627776", "32 bits"]),
        ({"penalty": "log_cosh", "algorithm": "factored"}, ["LOG_COSH"]),
        ({"span": "batch", "reduction": "none"}, ["reduction is NONE"]),
    ):
      with self.subTest(options=options):
        self.expect_refused(lambda: ARLoss(**options), *words)
    self.expect_refused(lambda: ARLoss(scale=(1,)), "scale", error=TypeError)
    self.expect_refused(lambda: ar_loss(*draw(), scale=(1,)), "scale")

  def test_wrong_tensors_are_refused(self):
    logits, labels = draw()
    self.expect_refused(lambda: ar_loss(logits.double(), labels), "logits are Double", "Float, Half or BFloat16")
    self.expect_refused(lambda: ar_loss(logits[0], labels), "logits have shape [5, 6, 7]", "[B, C, H, W]")
    self.expect_refused(lambda: ar_loss(logits, labels.float()), "labels are Float", "Byte, Int or Long")
    self.expect_refused(lambda: ar_loss(logits, labels[:, :5]), "labels have shape [2, 5, 7]", "h >= H")
    self.expect_refused(lambda: ar_loss(logits, torch.full_like(labels, 5)), "labels[0]", "is 5", "0 to 4")
    weights = torch.ones(2, 6, 7)
    self.expect_refused(lambda: ARLoss()(logits, labels, weights[1:]), "pixel_weights have shape [1, 6, 7]",
                        "the logits' grid, [2, 6, 7]")
    self.expect_refused(lambda: ARLoss()(logits, labels, weights.requires_grad_()), "pixel_weights require grad")

  def test_second_derivative_is_refused(self):
    logits, labels = draw()
    gradient, = torch.autograd.grad(ar_loss(logits, labels), logits, create_graph=True)
    self.expect_refused(lambda: gradient.square().sum().backward(), "ar_loss", "differentiated only once")

  def test_logits_changed_in_place_are_refused(self):
    logits, labels = draw()
    loss = ar_loss(logits, labels)
    with torch.no_grad():
      logits.mul_(1)
    self.expect_refused(loss.backward, "modified by an inplace operation")

  def test_library_that_does_not_load_is_an_import_error(self):
    with tempfile.TemporaryDirectory() as folder:
      path = shutil.copy(arloss_torch.__file__, folder)
      self.expect_refused(lambda: exec(compile(Path(path).read_text(), path, "exec"), {"__file__": path}),
                          folder, torch.__version__, error=ImportError)


if __name__ == "__main__":
  unittest.main()
