"""A part of a model in each runtime: a function from tensors to tensors, with as many threads as PyTorch has."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

Run = Callable[[Sequence[Tensor]], list[Tensor]]

OPENVINO = {  # fp32 wherever the machine could do with less, one request at a time
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
}
STATIC_BYTES = 2**30  # of weights that OpenVINO may hold several times, once for each shape of the inputs


def open_onnxruntime(file: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait leave the cores alone
    options.log_severity_level = 4  # it raises what it logs
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        given = {name: tensor.contiguous().numpy() for name, tensor in zip(names, tensors, strict=True)}
        return [torch.from_numpy(value) for value in session.run(None, given)]

    return run


def open_openvino(file: Path) -> Run:
    """For each shape of the inputs it is compiled anew, which takes some tenths of a second and makes it up to 1.7
    times as fast; once the weights would fill STATIC_BYTES, further shapes share one compiled for all of them."""
    import openvino

    core, settings = openvino.Core(), OPENVINO | {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
    most = max(STATIC_BYTES // file.stat().st_size, 1)
    requests: dict[Any, Any] = {}

    def opened(shapes: Sequence[Any] | None) -> Any:
        model = core.read_model(file)
        if shapes:
            model.reshape({value: list(shape) for value, shape in zip(model.inputs, shapes, strict=True)})
        return core.compile_model(model, "CPU", settings).create_infer_request()

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in requests:
            kind = shapes if len(requests) < most else None
            requests[shapes] = requests.get(kind) or opened(kind)
            requests[kind] = requests[shapes]
        given = {number: tensor.contiguous().numpy() for number, tensor in enumerate(tensors)}
        return [torch.from_numpy(value) for value in requests[shapes].infer(given, share_inputs=True).to_tuple()]

    return run


OPEN = {"onnxruntime": open_onnxruntime, "openvino": open_openvino}


def compiled(module: nn.Module, args: tuple[Any, ...], only_these: bool) -> Run:
    """By torch.compile, on a CPU with frozen weights; that takes up to half a minute when it is first called.
    `only_these`: for inputs of these shapes; else for all sizes of the dimensions before the last two, compiled once
    more where one of them is 1."""
    from torch._inductor import config  # takes a second

    tensors, structure = tree_flatten(args)
    only = tuple(tensor.shape for tensor in tensors)
    known: set[Any] = set()
    frozen = next(module.parameters()).device.type == "cpu"
    eager = module.forward  # before the runtime takes its place

    def call(*given: Any) -> Any:
        return eager(*given)

    # PyTorch counts the compilations of a code object, of which all modules of a class have the same
    own = FunctionType(call.__code__.replace(), call.__globals__, "call", None, call.__closure__)
    forward = torch.compile(own, dynamic=False if only_these else None)

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        shapes = tuple(tensor.shape for tensor in tensors)
        if only_these and shapes != only:
            raise ValueError(f"compiled for {only}")
        if shapes in known:
            return tree_flatten(forward(*tree_unflatten(tensors, structure)))[0]  # type: ignore[no-any-return]
        given = tensors if only_these else [_with_open_sizes(tensor) for tensor in tensors]
        # freezing as an option of torch.compile would come too late: the weights would be inputs by then; and what is
        # compiled too often would quietly run in eager
        with config.patch(freezing=frozen), torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
            found: list[Tensor] = tree_flatten(forward(*tree_unflatten(given, structure)))[0]
        known.add(shapes)
        return found

    return run


def _with_open_sizes(tensor: Tensor) -> Tensor:
    """A copy that PyTorch compiles for other sizes, too."""
    tensor = tensor.clone()
    for dimension in range(max(tensor.ndim - 2, 1)):
        torch._dynamo.maybe_mark_dynamic(tensor, dimension)
    return tensor
