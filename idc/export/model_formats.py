"""The formats of model files: how each is written, and how its own runtime answers.

Every file takes uint8 RGB patches, shape (n, side, side, 3), any n, and returns float32, shape
(n, 2): the probabilities of class 0 and class 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from idc.errors import ConfigError
from idc.export.packages import package_version, require_packages
from idc.networks.light_export import export_model

_Answer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class OpenedModel:
    """A model file in its runtime.

    Attributes:
        answer: patches -> probabilities, see the module.
        input_name, output_name: of the file's tensors.
    """

    answer: _Answer
    input_name: str
    output_name: str


@dataclass(frozen=True)
class ModelFormat:
    """One format.

    Attributes:
        suffix: of its files.
        runtime: the package that opens it in the check.
        modules: what has to be importable.
        write: writes a model to a path with that suffix.
        open: opens a file.
    """

    suffix: str
    runtime: str
    modules: tuple[str, ...]
    write: Callable[[keras.Model, Path], None]
    open: Callable[[Path], OpenedModel]

    def require(self, name: str) -> None:
        """Raise `ConfigError` if a package of the format is missing, or Keras runs on JAX."""
        require_packages(f"The format {name}", *self.modules)
        if self.modules and keras.backend.backend() != "tensorflow":
            raise ConfigError(
                f"The format {name} is written by Keras on TensorFlow, also for runs that trained "
                "on JAX: unset KERAS_BACKEND and export again."
            )

    def runtime_text(self) -> str:
        """ "onnxruntime 1.32.0"."""
        return f"{self.runtime} {package_version(self.runtime)}"


def _write_keras(model: keras.Model, path: Path) -> None:
    model.save(path)


def _open_keras(path: Path) -> OpenedModel:
    model = keras.saving.load_model(path, compile=False)

    def answer(patches: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict_on_batch(patches))

    return OpenedModel(answer, model.inputs[0].name, model.outputs[0].name)


def _write_exported(kind: str) -> Callable[[keras.Model, Path], None]:
    def write(model: keras.Model, path: Path) -> None:
        export_model(model, path, kind)

    return write


def _open_onnx(path: Path) -> OpenedModel:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [given], [returned] = session.get_inputs(), session.get_outputs()

    def answer(patches: np.ndarray) -> np.ndarray:
        return np.asarray(session.run([returned.name], {given.name: patches})[0])

    return OpenedModel(answer, given.name, returned.name)


def _open_litert(path: Path) -> OpenedModel:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    [given], [returned] = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(patches: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(given["index"], patches.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], patches)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(returned["index"]))

    return OpenedModel(answer, str(given["name"]), str(returned["name"]))


FORMATS: Mapping[str, ModelFormat] = {
    "keras": ModelFormat(".keras", "keras", (), _write_keras, _open_keras),
    "onnx": ModelFormat(
        ".onnx",
        "onnxruntime",
        ("tf2onnx", "onnx", "onnxruntime"),
        _write_exported("onnx"),
        _open_onnx,
    ),
    "litert": ModelFormat(
        ".tflite",
        "ai-edge-litert",
        ("ai_edge_litert",),
        _write_exported("litert"),
        _open_litert,
    ),
}
