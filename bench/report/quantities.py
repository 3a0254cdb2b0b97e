"""Numbers as text: three digits and a unit."""

MISSING = "–"


def three_digits(value):
  if value == 0:
    return "0"
  if abs(value) >= 999.5:
    return f"{value:,.0f}"
  return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"


def scaled(value, units):
  """value in the largest of units, (size, name) by falling size, that it reaches."""
  if value is None:
    return MISSING
  size, name = next((unit for unit in units if abs(value) >= 0.9995 * unit[0]), units[-1])
  return f"{three_digits(value / size)} {name}".rstrip()


def seconds(value):
  return scaled(value, [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")])


def byte_count(value):
  return scaled(value, [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")])


def count(value):
  return scaled(value, [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")])


def giga(value):
  return MISSING if value is None else three_digits(value / 1e9)


def percent(part, whole):
  return MISSING if part is None or not whole else f"{100 * part / whole:.0f} %"


def times(value):
  """A ratio; zeros at the end stay."""
  if value is None:
    return MISSING
  return three_digits(value) if abs(value) >= 999.5 or 0 < abs(value) < 0.001 else f"{value:#.3g}".rstrip(".")
