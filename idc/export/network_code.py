"""A Keras network as the Python code that builds it, layer by layer."""

import inspect
import re
from collections import Counter
from typing import Any

import keras

from idc.export.literals import python_literal, python_name

# Columns for a call and for its arguments on a line of their own: no line has more than a hundred.
_IN_A_LIST, _IN_AN_ASSIGNMENT = (88, 84), (76, 96)

# Every layer has these; the code gives none of them.
_LEFT_OUT = {"trainable", "quantization_config"}
_PAIRS = {"kernel_size", "strides", "pool_size"}


def network_code(model: keras.Model) -> str:
    """The code of a network: statements that end with ``model = ...``.

    The layers are made in the model's order, so that with the same seed they draw the same initial
    weights.

    Args:
        model: a `keras.Sequential`, or a functional model of one input and one output, of layers
            that Keras itself provides.
    """
    if isinstance(model, keras.Sequential):
        return _sequential_code(model)
    return _functional_code(model)


def _sequential_code(model: keras.Sequential) -> str:
    layers = [_input_code(model), *(_layer_code(layer, _IN_A_LIST) for layer in model.layers)]
    lines = [f"        {line}" for layer in layers for line in f"{layer},".split("\n")]
    return "\n".join(
        ["model = keras.Sequential(", "    [", *lines, "    ],", f"    {_name(model)},", ")"]
    )


def _functional_code(model: keras.Model) -> str:
    sources = {
        layer["name"]: _input_layers(layer["inbound_nodes"])
        for layer in model.get_config()["layers"]
    }
    uses = Counter(source for names in sources.values() for source in names)
    lines, variables, previous = [], dict[str, str](), ""
    for layer in model.layers:
        names = sources[layer.name]
        assert all(name in variables or name == previous for name in names)
        inputs = [variables.get(name, "x") for name in names]
        if not inputs:
            lines.append(f"inputs = {_input_code(model)}")
            variables[layer.name] = "inputs"
        else:
            given = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
            variable = "x"
            if uses[layer.name] > 1:
                variable = variables[layer.name] = f"branch_{len(variables)}"
            lines.append(f"{variable} = {_layer_code(layer, _IN_AN_ASSIGNMENT)}({given})")
        previous = layer.name
    return "\n".join([*lines, f"model = keras.Model(inputs, x, {_name(model)})"])


def _name(model: keras.Model) -> str:
    return f"name={_literal(python_name(model.name))}"


def _input_layers(value: Any) -> list[str]:
    """The names of the layers whose outputs appear in a layer's ``inbound_nodes``."""
    if isinstance(value, dict):
        if "keras_history" in value:
            return [str(value["keras_history"][0])]
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [name for item in value for name in _input_layers(item)]
    return []


def _input_code(model: keras.Model) -> str:
    tensor = model.inputs[0]
    return (
        f"keras.Input({tuple(tensor.shape[1:])}, dtype={_literal(tensor.dtype)}, "
        f"name={python_literal(tensor.name)})"
    )


def _layer_code(layer: keras.layers.Layer, room: tuple[int, int]) -> str:
    config = layer.get_config()
    config.pop("name")
    config["dtype"] = _dtype(config["dtype"])
    arguments = []
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        if name not in config or name in _LEFT_OUT:
            continue
        value = _argument(name, config[name])
        if parameter.default is parameter.empty:
            arguments.append(_literal(value))
        elif value != _argument(name, parameter.default) and not _is_implied(name, value, config):
            arguments.append(f"{name}={_literal(value)}")
    if config["dtype"] != keras.config.dtype_policy().name:
        arguments.append(f"dtype={_literal(config['dtype'])}")
    if not _is_automatic(layer):
        arguments.append(f"name={python_literal(layer.name)}")
    return _call(f"layers.{type(layer).__name__}", arguments, room)


def _call(name: str, arguments: list[str], room: tuple[int, int]) -> str:
    """A call on one line, or with its arguments on lines of their own where it is too long."""
    together = ", ".join(arguments)
    if len(name) + len(together) <= room[0]:
        return f"{name}({together})"
    inner = [together] if len(together) <= room[1] else [f"{one}," for one in arguments]
    return "\n".join([f"{name}(", *(f"    {line}" for line in inner), ")"])


def _is_implied(name: str, value: Any, config: dict[str, Any]) -> bool:
    """Whether Keras chooses this value by itself."""
    if name == "data_format":
        return bool(value == keras.config.image_data_format())
    return name == "strides" and value == _argument(name, config.get("pool_size"))


def _literal(value: Any) -> str:
    return python_literal(value).replace("\n", " ")


def _dtype(value: Any) -> str:
    return value["config"]["name"] if isinstance(value, dict) else str(value)


def _argument(name: str, value: Any) -> Any:
    """A value of a layer's configuration as one would write it."""
    if isinstance(value, dict):
        return _snake_case(value["class_name"])
    if name == "activation" and value is None:
        return "linear"
    if name in _PAIRS and isinstance(value, list | tuple) and len(set(value)) == 1:
        return value[0]
    return list(value) if isinstance(value, tuple) else value


def _is_automatic(layer: keras.layers.Layer) -> bool:
    """Whether Keras chose the name: "dense", "dense_1", ..."""
    return bool(re.fullmatch(rf"{_snake_case(type(layer).__name__)}(_\d+)?", layer.name))


def _snake_case(name: str) -> str:
    """As Keras names layers: "Conv2D" -> "conv2d", "MaxPooling2D" -> "max_pooling2d"."""
    partly = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", partly).lower()
