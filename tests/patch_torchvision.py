"""Let torchvision's models import beside a torch that its compiled ops do not fit.

The wheel of torchvision on PyPI is built for CUDA. Beside a CPU torch its library does
not load, and `import torchvision` fails with "operator torchvision::nms does not exist".
`make test` runs this script once: it adds the two missing op schemas to torchvision's
extension.py in the test environment, for pytest and for every program the tests start.
Where the real ops load, the addition does nothing. Users get no such patch: the
program names a broken pair of torch and torchvision instead.
"""

import importlib.util
import sys
from pathlib import Path

MARK = "# Added by slimgui's tests/patch_torchvision.py"
ADDITION = f"""

{MARK}
if not _has_ops():
    _slimgui_schemas = torch.library.Library("torchvision", "FRAGMENT")  # the schemas live as long as it does
    for _op in ("nms", "qnms"):
        _slimgui_schemas.define(_op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def patch(extension: Path) -> bool:
    """Add the schemas to torchvision's extension.py; False when they are there already."""
    source = extension.read_text(encoding="utf-8")
    if MARK in source:
        return False
    # A new file renamed over the old one: the old may be a hard link into an installer's cache.
    temporary = extension.with_suffix(".slimgui-tmp")
    temporary.write_text(source + ADDITION, encoding="utf-8")
    temporary.replace(extension)
    return True


def main() -> int:
    # find_spec looks without importing: importing is what fails.
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        print("torchvision is not installed here", file=sys.stderr)
        return 1
    print("torchvision patched" if patch(Path(found.origin).with_name("extension.py")) else "already patched")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
