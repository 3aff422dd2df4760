"""The shell's commands that make what ships with IDC Lab."""

import argparse

from idc.errors import IdcError


def bundle_command(options: argparse.Namespace) -> None:
    from idc.runs.run import BUNDLED, open_run
    from idc.shipped.build_assets import bundle, ship_bundled, ship_profile

    if options.profile and options.data:
        from idc.datasets.store import open_store

        print(f"profile of {ship_profile(open_run(BUNDLED), open_store(options.data)).patches}")
        return
    if bool(options.run) == bool(options.data):
        raise IdcError("Either --data NAME, to train the bundled model, or --run RUN.")
    bundled = ship_bundled(open_run(options.run)) if options.run else bundle(options.data)
    print(f"sha256 {bundled.best()['sha256']}")


def record_command(options: argparse.Namespace) -> None:
    from idc.shipped.build_assets import record

    for run in record():
        print(run.id)


COMMANDS = {
    "bundle": bundle_command,
    "record": record_command,
}
