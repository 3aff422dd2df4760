"""idc.processes.environment: which secrets a child process inherits."""

from idc.processes.environment import without_api_token, without_secrets

ENVIRON = {
    "PATH": "/bin",
    "IDC_API_TOKEN": "canary-7f3a9c51e2d8",
    "KAGGLE_API_TOKEN": "t",
    "KAGGLE_KEY": "k",
    "KAGGLE_USERNAME": "a",
}


def test_child_process_inherits_no_secret():
    assert without_secrets(ENVIRON) == {"PATH": "/bin", "KAGGLE_USERNAME": "a"}


def test_downloader_inherits_kaggle_secrets_but_not_api_token():
    assert without_api_token(ENVIRON) == {
        name: value for name, value in ENVIRON.items() if name != "IDC_API_TOKEN"
    }
