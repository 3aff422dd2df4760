"""Shell commands for data sets."""

import argparse
import sys

from idc.errors import DownloadError
from idc.processes.console import progress_line


def download_command(options: argparse.Namespace) -> None:
    from idc.datasets.full_set import completeness
    from idc.datasets.store import open_store
    from idc.files.home import download_dir
    from idc.ingest.download import DownloadJob, full_set_size, show_download_progress
    from idc.ingest.download_worker import run_in_foreground

    job = DownloadJob(options.name, options.keep_zip, options.expect or full_set_size())
    with progress_line() as progress:
        ended = run_in_foreground(
            job, on_status=lambda status: show_download_progress(progress, status)
        )
    if ended.state != "done":
        raise DownloadError(ended.reason)
    store = open_store(ended.name)
    print(f"{len(store):,} patches in the data set '{ended.name}'")
    print(completeness(store.index).sentence())
    if job.keep_zip:
        print(f"The zip is kept in '{download_dir()}'.", file=sys.stderr)


def pack_command(options: argparse.Namespace) -> None:
    from idc.datasets.full_set import completeness
    from idc.datasets.store import open_store
    from idc.ingest.layouts.plan import PackOptions
    from idc.ingest.pack_data import pack_data, preview_data

    choices = PackOptions(
        labels=options.labels,
        positive=options.positive,
        class_names=options.classes,
        pattern=options.pattern,
        side_px=options.side,
        mpp_um=options.mpp,
        skip_copies=options.skip_copies,
        with_cases=not options.no_cases,
    )
    if options.dry_run:
        print("\n".join(preview_data(options.source, choices)[0].lines()))
        return
    with progress_line() as progress:
        report = pack_data(
            options.source,
            options.name,
            choices,
            replace_existing=options.replace,
            on_progress=progress.count,
        )
    store = open_store(options.name)
    counts = [int((store.labels == label).sum()) for label in (0, 1)]
    negative, positive = store.description.class_names
    print(f"{len(store):,} patches: {counts[0]:,} {negative}, {counts[1]:,} {positive}")
    if store.description.is_idc_set:
        print(completeness(store.index).sentence())
    for note in report.notes:
        print(note)
    for count, text in (
        (report.second_copies, "second copies dropped"),
        (0 if report.layout else report.resized, "edge patches resized to 50x50"),
        (report.foreign, "foreign files skipped"),
        (report.damaged, "damaged patches skipped"),
    ):
        if count:
            print(f"{count:,} {text}")
    for name in report.damaged_names:
        print(f"damaged: {name}", file=sys.stderr)


def demo_command(options: argparse.Namespace) -> None:
    from idc.datasets.store import open_store
    from idc.demo_tissue.generate import GENERATED_NOTICE
    from idc.shipped.demo import pack_demo

    with progress_line() as progress:
        pack_demo(
            options.name,
            cases=options.cases,
            seed=options.seed,
            replace_existing=options.replace,
            on_progress=progress.count,
        )
    store = open_store(options.name)
    print(GENERATED_NOTICE.capitalize() + ".", file=sys.stderr)
    print(
        f"{len(store):,} patches of {options.cases} cases, {store.labels.mean():.1%} IDC-positive"
    )


def measure_command(options: argparse.Namespace) -> None:
    from idc.datasets.measurements import measure_store
    from idc.datasets.store import open_store

    with progress_line() as progress:
        measured = measure_store(open_store(options.name), on_progress=progress.count)
    print(
        f"{len(measured.tissue):,} patches: mean tissue share {measured.tissue.mean():.1%}, "
        f"mean stain {measured.stain.mean():.3f}"
    )


def verify_command(options: argparse.Namespace) -> None:
    from idc.datasets.store import verify_store

    with progress_line() as progress:
        patches, cases = verify_store(
            options.name, on_progress=lambda done, total: progress.show(done / total, "checking")
        )
    print(f"ok {patches} patches, {cases} cases")


def pack_again_command(options: argparse.Namespace) -> None:
    from idc.datasets.store import open_store
    from idc.shipped.pack_again import pack_again

    with progress_line() as progress:
        pack_again(options.name, on_progress=progress.count)
    print(f"{len(open_store(options.name)):,} patches in the data set '{options.name}'")


def delete_command(options: argparse.Namespace) -> None:
    from idc.launch.deletion import KINDS, delete_named

    kind = delete_named(options.name, options.kind)
    print(
        f"The {KINDS[kind]} '{options.name}' is in the trash. "
        f"To undo: python -m idc restore {options.name} --{kind}"
    )


def restore_command(options: argparse.Namespace) -> None:
    from idc.launch.deletion import KINDS, restore_named

    kind = restore_named(options.name, options.kind)
    print(f"The {KINDS[kind]} '{options.name}' is restored.")


COMMANDS = {
    "download": download_command,
    "pack": pack_command,
    "pack-again": pack_again_command,
    "delete": delete_command,
    "restore": restore_command,
    "demo": demo_command,
    "measure": measure_command,
    "verify": verify_command,
}
