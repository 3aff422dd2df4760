"""Shell commands that build what ships with IDC Lab."""

import argparse

from idc.errors import IdcError


def bundle_command(options: argparse.Namespace) -> None:
    from idc.runs.run import BUNDLED_RUN_ID, open_run
    from idc.shipped.build_assets import (
        add_digests,
        install_bundled_model,
        train_bundled_model,
        write_bundled_profile,
    )
    from idc.shipped.recorded_runs import RECORDED_DIR

    if options.digests:
        add_digests(open_run(BUNDLED_RUN_ID).folder)
        for path in sorted(RECORDED_DIR.iterdir()):
            add_digests(path)
    elif options.profile and options.data:
        from idc.datasets.store import open_store

        print(
            "profile of "
            f"{write_bundled_profile(open_run(BUNDLED_RUN_ID), open_store(options.data)).patches}"
        )
    elif bool(options.run) == bool(options.data):
        raise IdcError("Give either --data NAME, to train the bundled model, or --run RUN.")
    elif options.run:
        install_bundled_model(open_run(options.run))
    else:
        train_bundled_model(options.data)
    best = open_run(BUNDLED_RUN_ID).best()
    print(f"sha256 {best['sha256']}, model_sha256 {best['model_sha256']}")


def record_command(options: argparse.Namespace) -> None:
    from idc.shipped.build_assets import record_demo_runs

    for run in record_demo_runs():
        print(run.id)


COMMANDS = {
    "bundle": bundle_command,
    "record": record_command,
}
