"""The library's forward_backward, through ctypes: float32 NCHW logits, uint8 labels at the grid, one image."""
import ctypes

MAX_SCALES = 8
INT64, INT32, FLOAT, POINTER = ctypes.c_int64, ctypes.c_int32, ctypes.c_float, ctypes.c_void_p


class Problem(ctypes.Structure):
  """arloss_problem_t"""
  _fields_ = [("struct_size", ctypes.c_size_t),
              *((name, INT64) for name in ("batch", "classes", "depth", "height", "width", "label_depth",
                                           "label_height", "label_width")),
              *((name, ctypes.c_int) for name in ("logits_dtype", "logits_layout", "labels_dtype")),
              ("has_ignore_index", INT32), ("ignore_index", INT64), ("num_scales", INT32),
              ("scales", INT32 * MAX_SCALES), ("scale_weights", FLOAT * MAX_SCALES), ("scale_mode", ctypes.c_int),
              ("penalty", ctypes.c_int), ("penalty_param", FLOAT), ("reduction", ctypes.c_int), ("span", ctypes.c_int),
              ("loss_weight", FLOAT), ("accumulate_gradient", INT32)]


class Options(ctypes.Structure):
  """arloss_options_t"""
  _fields_ = [("struct_size", ctypes.c_size_t), ("device", ctypes.c_int), ("device_index", INT32),
              ("algorithm", ctypes.c_int), ("exact", INT32), ("num_threads", INT32)]


class Tensors(ctypes.Structure):
  """arloss_tensors_t"""
  _fields_ = [("struct_size", ctypes.c_size_t),
              *((name, POINTER) for name in ("logits", "labels", "pixel_weights", "loss", "grad_loss",
                                             "grad_logits"))]


class ForwardBackward:
  """A plan and its memory. Call it with the addresses of logits, labels, loss and gradient."""

  def __init__(self, path, classes, height, width, num_threads):
    self._library = ctypes.CDLL(path)
    self._library.arloss_last_message.restype = ctypes.c_char_p
    problem, options, self._plan = Problem(), Options(), POINTER()
    self._library.arloss_problem_init(ctypes.byref(problem))
    self._library.arloss_options_init(ctypes.byref(options))
    if (problem.struct_size, options.struct_size) != (ctypes.sizeof(problem), ctypes.sizeof(options)):
      raise RuntimeError("arloss.h has changed: its structs are not those of arloss_calls.py")
    problem.classes, problem.height, problem.width = classes, height, width
    options.num_threads = num_threads
    self._check(self._library.arloss_plan_create(ctypes.byref(self._plan), ctypes.byref(problem),
                                                 ctypes.byref(options)))
    self._state, self._state_bytes = self._memory(self._library.arloss_plan_state_bytes)
    self._workspace, self._workspace_bytes = self._memory(self._library.arloss_plan_workspace_bytes)
    self.extra_bytes = self._state_bytes.value + self._workspace_bytes.value

  def _check(self, status):
    if status:
      raise RuntimeError(self._library.arloss_last_message().decode())

  def _memory(self, ask):
    """A 64-byte aligned address, and the bytes there."""
    needed = ctypes.c_size_t()
    self._check(ask(self._plan, ctypes.byref(needed)))
    buffer = ctypes.create_string_buffer(needed.value + 64)
    address = POINTER((ctypes.addressof(buffer) + 63) // 64 * 64)
    address.buffer = buffer  # lives as long
    return address, needed

  def __call__(self, logits, labels, loss, gradient):
    tensors = Tensors(struct_size=ctypes.sizeof(Tensors), logits=logits, labels=labels, loss=loss,
                      grad_logits=gradient)
    self._check(self._library.arloss_forward_backward(self._plan, ctypes.byref(tensors), self._state,
                                                      self._state_bytes, self._workspace, self._workspace_bytes,
                                                      None))

  def __del__(self):
    self._library.arloss_plan_destroy(self._plan)
