import inspect

import pytest

from idc.training.observers.observer import Observer, Observers
from tests.training.observers.states import state_at

EVENTS = [name for name in vars(Observer) if name.startswith("on_")]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_forwarded_in_order_with_its_arguments(event, monkeypatch):
    calls = []
    first, second = Observer(), Observer()
    for name, observer in (("first", first), ("second", second)):
        monkeypatch.setattr(observer, event, lambda *args, n=name: calls.append((n, *args)))
    parameters = list(inspect.signature(getattr(Observer, event)).parameters)[1:]
    arguments = [state_at(), *parameters[1:]]

    getattr(Observers([first, second]), event)(*arguments)

    assert calls == [("first", *arguments), ("second", *arguments)]
