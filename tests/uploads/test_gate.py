"""idc.uploads.gate: formats, headers, messages and decoder processes."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idc.errors import UploadError, UploadTimeout
from idc.processes.child import Child
from idc.uploads.decoder_pool import (
    STANDARD_LIMITS,
)
from idc.uploads.gate import (
    DecodedImage,
    Gate,
    ImageHeader,
    decode_image,
    image_header,
    warm_gate,
)
from tests.support.gate_files import ALL, GOOD, LOSSLESS, exif, pixels, refusal
from tests.support.made_files import (
    one_bit_png,
    picture,
    png,
    saved,
)
from tests.support.waiting import wait_until

# Formats


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_format_keeps_every_pixel(kind: str) -> None:
    image = decode_image(LOSSLESS[kind](picture()))
    assert image.format == kind.split(",")[0]
    assert image.notes == ()
    assert image.rgb.dtype == np.uint8
    np.testing.assert_array_equal(image.rgb, np.asarray(picture()))


def test_jpeg_is_close_to_the_original() -> None:
    image = decode_image(saved(picture(), "JPEG", quality=100, subsampling=0))
    assert (image.format, image.notes) == ("JPEG", ())
    np.testing.assert_allclose(image.rgb.astype(int), np.asarray(picture()), atol=3)


def test_jpeg_in_tiff_is_close_to_the_original() -> None:
    image = decode_image(saved(picture(), "TIFF", compression="jpeg", quality=100))
    assert (image.format, image.notes) == ("TIFF", ())
    np.testing.assert_allclose(image.rgb.astype(int), np.asarray(picture()), atol=12)


def test_format_is_detected_by_content_not_by_name() -> None:
    data = saved(picture(), "JPEG")
    assert decode_image(data, "cells.png").format == "JPEG"
    assert decode_image(data, "cells.svg").format == "JPEG"


def test_pixels_are_read_only() -> None:
    assert not decode_image(GOOD).rgb.flags.writeable


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("is empty", b""),
        ("is a GIF image", saved(Image.new("P", (2, 2)), "GIF")),
        ("is an SVG drawing", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("is an SVG drawing", b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg/>'),
        ("is a web page", b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>"),
        ("is a PDF document", b"%PDF-1.7\n"),
        ("is a zip archive or an office document", b"PK\x03\x04" + bytes(30)),
        ("is a HEIC photo", b"\0\0\0\x18ftypheic" + bytes(8)),
        ("is an AVIF image", b"\0\0\0\x18ftypavif" + bytes(8)),
        ("is a JPEG 2000 image", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("is an icon", b"\0\0\x01\0\x01\0"),
        ("is a DICOM file", bytes(128) + b"DICM"),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", b"case,x,y\n1,2,3\n"),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", random.Random(1).randbytes(5000)),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", bytes(5000)),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", b"\n" + GOOD),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", saved(Image.new("RGB", (2, 2)), "PPM")),
    ],
)
def test_other_file_is_refused_with_its_type(what: str, data: bytes) -> None:
    assert refusal(data).startswith(f"cells.png {what}")


@pytest.mark.parametrize(
    "start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0+", b"BM", b"RIFF\0\0\0\0WEBP"]
)
def test_start_of_an_image_without_the_rest_is_refused(start: bytes) -> None:
    assert "is damaged" in refusal(start)
    assert "is damaged" in refusal(start + random.Random(2).randbytes(300))


def test_bytes_after_the_image_are_ignored() -> None:
    assert pixels(GOOD + b"PK\x03\x04 a zip, a script, anything") == [[[1, 2, 3], [4, 5, 6]]]


# The header


def test_header_has_format_and_upright_size_without_pixels() -> None:
    assert image_header(one_bit_png(9_000, 11)) == ImageHeader("PNG", 11, 9_000, None)
    turned = saved(picture(24, 32), "JPEG", exif=exif(6))
    assert image_header(turned) == ImageHeader("JPEG", 32, 24, None)
    assert decode_image(turned).rgb.shape == (32, 24, 3)


def test_header_of_a_bomb_or_another_file_is_refused() -> None:
    with pytest.raises(UploadError, match="would expand"):
        image_header(one_bit_png(9_000, 9_000))
    with pytest.raises(UploadError, match="is a PDF document"):
        image_header(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("dots_per_inch", "mpp_um"),
    [(101_600, 0.25), (6_350, 4.0), (72, None), (300, None), (10**9, None), (0, None)],
)
def test_plausible_scale_is_read_from_a_tiff(dots_per_inch: int, mpp_um: float | None) -> None:
    data = saved(picture(), "TIFF", dpi=(dots_per_inch, dots_per_inch))
    assert image_header(data).mpp_um == pytest.approx(mpp_um)
    assert decode_image(data).mpp_um == pytest.approx(mpp_um)


def test_scale_per_centimetre_is_read_unless_pixels_are_not_square() -> None:
    centimetre = saved(picture(), "TIFF", resolution_unit="cm", resolution=20_000)
    assert image_header(centimetre).mpp_um == pytest.approx(0.5)
    assert image_header(saved(picture(), "TIFF", dpi=(6_350, 12_700))).mpp_um is None


# Messages


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cells.png", "cells.png"),
        ("C:\\Users\\me\\cells.png", "cells.png"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\x1b[31m\u202egnp.exe", "ab31mgnp.exe"),
        ("![x](http:/y) `z`", "y) z"),
        ("Zelle ä 細胞 (2).png", "Zelle ä 細胞 (2).png"),
        ("x" * 300 + ".png", "x" * 40 + "…" + "x" * 11 + ".png"),
        ("", "The file"),
        ("\n", "The file"),
    ],
)
def test_message_begins_with_a_printable_name(name: str, shown: str) -> None:
    assert refusal(b"", name) == f"{shown} is empty; choose another file."


def test_message_states_a_remedy() -> None:
    assert refusal(b"GIF89a") == (
        "cells.png is a GIF image, which cannot be read here; "
        "save it as PNG, JPEG, TIFF, BMP or WebP and try again."
    )


# Decoder processes


def pid_of(gate: Gate) -> int:
    gate.decode(GOOD, "good")
    pid = gate.standard.idle_children[-1].pid()
    assert pid is not None
    return pid


def test_decoder_process_is_reused(gate: Gate) -> None:
    assert pid_of(gate) == pid_of(gate)


def test_decoder_process_survives_a_refusal(gate: Gate) -> None:
    pid = pid_of(gate)
    with pytest.raises(UploadError):
        gate.decode(GOOD[:-20], "cut")
    assert pid_of(gate) == pid


def test_decoder_process_is_replaced_after_its_last_image() -> None:
    gate = Gate(images_per_child=2)
    pids = [pid_of(gate) for _ in range(3)]
    gate.close()
    assert pids[0] == pids[1] != pids[2]


def test_next_image_is_decoded_after_a_killed_process(gate: Gate) -> None:
    pid = pid_of(gate)
    os.kill(pid, signal.SIGKILL)
    assert gate.decode(GOOD, "good").rgb.tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert gate.standard.idle_children[-1].pid() != pid


def test_hung_decoder_causes_one_refusal() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, time_s=2.0))
    os.kill(pid_of(gate), signal.SIGSTOP)
    with pytest.raises(UploadTimeout, match=r"^good takes longer than 2 s to read; .*\.$"):
        gate.decode(GOOD, "good")
    assert gate.decode(GOOD, "good").format == "PNG"
    gate.close()


def test_hung_file_does_not_block_others() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, time_s=60.0), decoders=2)
    stopped = pid_of(gate)
    os.kill(stopped, signal.SIGSTOP)
    hung = threading.Thread(target=refused_or_not, args=(gate,))
    hung.start()
    wait_until(lambda: len(gate.standard.idle_children) == 1, "the hung file has its decoder")
    for _ in range(5):
        assert gate.decode(GOOD, "good").format == "PNG"
    assert hung.is_alive()
    os.kill(stopped, signal.SIGKILL)
    hung.join()
    gate.close()


def refused_or_not(gate: Gate) -> None:
    with contextlib.suppress(UploadError):
        gate.decode(GOOD, "hung")


def test_file_is_refused_after_queueing_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("idc.uploads.decoder_pool.MAX_WAIT_S", 0.01)
    monkeypatch.setattr("idc.uploads.decoder_pool.MAX_QUEUED_AHEAD", 0)
    gate = Gate(decoders=1)
    with (
        gate.standard.semaphore,
        pytest.raises(UploadError, match="was not read because the server is busy"),
    ):
        gate.decode(GOOD, "good")
    gate.close()


def test_queue_timeout_exceeds_two_slow_files() -> None:
    gate = Gate()
    for pool in (gate.standard, gate.large):
        assert pool.semaphore.acquire_timeout_s > 2 * pool.limits.time_s


def test_image_over_the_memory_limit_causes_one_refusal() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, memory_bytes=60 * 2**20))
    with pytest.raises(UploadError, match=r"^large needs too much memory to read; .*\.$"):
        gate.decode(one_bit_png(4000, 4000), "large")
    assert gate.decode(GOOD, "good").format == "PNG"
    gate.close()


def test_decoder_that_cannot_start_causes_one_refusal(gate: Gate) -> None:
    gate.standard.idle_children[-1] = Child("tests.no_such_child")
    with pytest.raises(UploadError, match=r"^good could not be read safely; .*\.$"):
        gate.decode(GOOD, "good")


@pytest.mark.parametrize(
    ("header", "block"),
    [
        ({}, b""),
        ({"ok": True}, b""),
        ({"ok": True, "height": 1, "width": 1, "notes": []}, b"12"),
        ({"ok": True, "height": -1, "width": -1, "notes": []}, b"123"),
        ({"ok": True, "height": 0, "width": 5, "notes": []}, b""),
        ({"ok": True, "height": "1", "width": 1, "notes": []}, b"123"),
        ({"ok": True, "height": 1, "width": 1, "notes": "no list"}, b"123"),
        ({"ok": True, "height": 10**6, "width": 1, "notes": []}, bytes(3 * 10**6)),
        ({"ok": False, "reason": "a\nb" * 1000}, b""),
        ({"ok": False}, b""),
        (
            {"ok": True, "height": 1, "width": 1, "notes": [], "um_per_px": "4", "scale_note": ""},
            b"123",
        ),
        ({"ok": True, "height": True, "width": 1, "notes": []}, b"123"),
    ],
)
def test_invalid_answer_of_a_decoder_is_rejected(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, header: dict[str, Any], block: bytes
) -> None:
    monkeypatch.setattr(gate.standard.idle_children[-1], "ask", lambda *_, **__: (header, block))
    with pytest.raises(UploadError) as caught:
        gate.decode(GOOD, "good")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 250


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_decoder_cannot_write_files_or_dump_core(gate: Gate) -> None:
    limits = Path(f"/proc/{pid_of(gate)}/limits").read_text()
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert found["Max file size"] == ["0", "0"]
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max processes"] == ["0", "0"]
    assert found["Max open files"] == ["32", "32"]
    assert found["Max address space"] == [str(STANDARD_LIMITS.memory_bytes)] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_decoder_does_not_inherit_secrets(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    assert b"KAGGLE_KEY" not in Path(f"/proc/{pid_of(gate)}/environ").read_bytes()


def test_decoder_imports_few_modules() -> None:
    code = "import json, sys, idc.uploads.decoder_worker; print(json.dumps(list(sys.modules)))"
    modules = set(json.loads(subprocess.check_output([sys.executable, "-c", code])))
    assert modules.isdisjoint({"numpy", "cv2", "tensorflow", "streamlit", "PIL.AvifImagePlugin"})


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for save in ALL.values():
        gate.decode(save(picture()), "good")
    assert list(tmp_path.iterdir()) == []


def test_concurrent_requests_get_their_own_images() -> None:
    wrong: list[int] = []

    def visit(grey: int) -> None:
        data = png(1, 1, 8, 0, bytes([0, grey]))
        for _ in range(20):
            if pixels(data) != [[[grey] * 3]]:
                wrong.append(grey)

    threads = [threading.Thread(target=visit, args=(grey,)) for grey in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_warm_gate_starts_the_process_that_decodes(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr("idc.uploads.gate._gate", gate)
    warm_gate()
    pid = gate.standard.idle_children[-1].pid()
    assert pid is not None
    assert isinstance(decode_image(GOOD), DecodedImage)
    assert gate.standard.idle_children[-1].pid() == pid
