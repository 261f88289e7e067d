"""A method's notebook, executed by papermill in a kernel of its own. Loads no torch, pandas or matplotlib: what the
notebook needs, its kernel loads."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saccade import products
from saccade.files import verbatim, write_atomic
from saccade.product_names import DRAWN
from saccade.records import SaccadeError
from saccade.temporary import work_folder

NOTEBOOK = Path("workflow/notebooks/method.ipynb")
# for a kernel to start or a cell's output to arrive; the libraries' 60 and 4 are too few where the machine is busy
PATIENCE_S = 600


def run_notebook(root: Path, budget: str, method: str) -> None:
    """Executes the method's notebook, which writes results/<budget>/{tables,figures}/<method>/, and keeps it under
    reports/."""
    import papermill
    from traitlets.config import Config

    drawn = [root / "results" / budget / kind / method for kind in DRAWN]
    for folder in drawn:  # what an earlier run of the notebook left there may no longer be planned
        shutil.rmtree(folder, ignore_errors=True)
    target = root / "reports" / budget / "notebooks" / f"{method}.ipynb"
    failed = target.with_suffix(".failed.ipynb")
    parameters = {"root": ".", "budget": budget, "method": method}
    options = {
        "kernel_name": "python3",
        "cwd": str(root),
        "progress_bar": False,
        "start_timeout": PATIENCE_S,
        "iopub_timeout": PATIENCE_S,
    }

    def execute(path: Path) -> None:
        # Not TCP: other notebooks run beside this one, and a port may be taken between its choice and the kernel's use
        # of it. /tmp whatever TMPDIR says: a socket's path has at most 107 characters, and not every network's file
        # system takes sockets.
        with work_folder(Path("/tmp")) as sockets:
            kernel = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
            try:
                papermill.execute_notebook(
                    verbatim(root / NOTEBOOK), verbatim(path), parameters, config=kernel, **options
                )
            except papermill.exceptions.PapermillExecutionError as error:
                shutil.copyfile(path, failed)
                said = f"the notebook of {method} failed in its cell {error.exec_count}: {error.ename}: {error.evalue}"
                raise SaccadeError(f"{said}; the traceback is in {failed}") from error
            # the latter is an OSError, but says nothing of the file to write
            except (RuntimeError, TimeoutError) as error:
                raise SaccadeError(
                    f"the kernel of the notebook of {method} did not start, or died: {error}; run it again"
                ) from error

    with _environment(MPLBACKEND="Agg", PYTHONPATH=str(Path(__file__).resolve().parents[2])):
        write_atomic(target, execute)
    for folder in drawn:
        products.seal_folder(folder)
    failed.unlink(missing_ok=True)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Sets environment variables, which a notebook's kernel inherits, for a while."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
