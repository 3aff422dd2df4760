"""Shell commands that build what ships with IDC Lab."""

import argparse

from idc.errors import IdcError


def bundle_command(options: argparse.Namespace) -> None:
    from idc.runs.run import BUNDLED_RUN_ID, open_run
    from idc.shipped.build_assets import (
        install_bundled_model,
        train_bundled_model,
        write_bundled_profile,
    )

    if options.profile and options.data:
        from idc.datasets.store import open_store

        print(
            "profile of "
            f"{write_bundled_profile(open_run(BUNDLED_RUN_ID), open_store(options.data)).patches}"
        )
        return
    if bool(options.run) == bool(options.data):
        raise IdcError("Give either --data NAME, to train the bundled model, or --run RUN.")
    bundled = (
        install_bundled_model(open_run(options.run))
        if options.run
        else train_bundled_model(options.data)
    )
    print(f"sha256 {bundled.best()['sha256']}")


def record_command(options: argparse.Namespace) -> None:
    from idc.shipped.build_assets import record_demo_runs

    for run in record_demo_runs():
        print(run.id)


COMMANDS = {
    "bundle": bundle_command,
    "record": record_command,
}
