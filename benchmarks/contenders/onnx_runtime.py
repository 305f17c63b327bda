"""ONNX Runtime: the network as a graph of Gemm nodes. It predicts only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.workloads import Job, Turn, some

CHUNK = 8192
OPSET, IR_VERSION = 17, 8


def graph(job: Job) -> bytes:
    nodes, constants, x = [], [], "x"
    layers = job.parameters()
    for i, (W, b) in enumerate(layers, 1):
        constants += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [x, f"W{i}", f"b{i}"], [f"z{i}"]))
        x = f"z{i}"
        if i < len(layers):
            kind = {"relu": "Relu", "tanh": "Tanh"}[job.hidden]
            nodes.append(helper.make_node(kind, [x], [f"a{i}"]))
            x = f"a{i}"
    if job.classifies:
        nodes.append(helper.make_node("Softmax", [x], ["p"]))
        x = "p"
    real = TensorProto.FLOAT if job.dtype == np.float32 else TensorProto.DOUBLE
    made = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", real, [None, job.net.n_in])],
        [helper.make_tensor_value_info(x, real, [None, job.net.n_out])],
        constants,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return model.SerializeToString()


def prepare(job: Job) -> Callable[[], Turn]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    session = onnxruntime.InferenceSession(graph(job), options, providers=["CPUExecutionProvider"])
    return lambda: (one_row if job.workload.kind == "row" else all_rows)(job, session)


def one_row(job: Job, session: onnxruntime.InferenceSession) -> Turn:
    rows = [x[None] for x in job.X]
    began = job.clock()
    for _ in range(job.workload.repeats):
        for x in rows:
            a = session.run(None, {"x": x})[0]
    seconds = job.clock() - began
    return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a))


def all_rows(job: Job, session: onnxruntime.InferenceSession) -> Turn:
    began = job.clock()
    a = np.empty((len(job.X), job.net.n_out), job.dtype)
    for first in range(0, len(a), CHUNK):
        a[first : first + CHUNK] = session.run(None, {"x": job.X[first : first + CHUNK]})[0]
    return Turn(job.clock() - began, outputs=some(a))
