"""A package of the npm registry: the reviewed file, or none. A program of the test's own stands for npm."""

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from local.npm_package import NpmPackage, NpmPackageError

pytestmark = pytest.mark.proves("FR-504")

FILES = {"package/dist/browser/standalone.js": b"render()", "package/README.md": b"read me"}


@pytest.fixture
def tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `npm pack` gives."""
    path = tmp_path / "given.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$2" = "drawer@1.0.0" ] && cp {path} "$5/drawer-1.0.0.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return path


def package_of(tarball: Path, version: str = "1.0.0") -> NpmPackage:
    return NpmPackage("drawer", version, base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode())


def test_a_file_of_it_and_a_folder_of_it_are_unpacked(tarball: Path, tmp_path: Path) -> None:
    package_of(tarball).unpack("dist/browser/standalone.js", tmp_path / "one" / "scalar.js")
    package_of(tarball).unpack("dist", tmp_path / "all")
    assert (tmp_path / "one" / "scalar.js").read_bytes() == b"render()"
    assert [file.relative_to(tmp_path) for file in (tmp_path / "all").rglob("*.*")] == [
        Path("all/browser/standalone.js")
    ]


def test_another_file_than_the_reviewed_one_is_refused(tarball: Path, tmp_path: Path) -> None:
    with pytest.raises(NpmPackageError, match=r"drawer 1\.0\.0 is not the file that was reviewed"):
        NpmPackage("drawer", "1.0.0", sha512="").unpack("dist", tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_version_that_is_not_there_is_told(tarball: Path, tmp_path: Path) -> None:
    with pytest.raises(NpmPackageError, match=r"npm could not fetch drawer 2\.0\.0"):
        package_of(tarball, "2.0.0").unpack("dist", tmp_path / "all")


def test_a_machine_without_npm_is_told_what_it_lacks(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NpmPackageError, match="`npm`, which is not installed"):
        package_of(tarball).unpack("dist", tmp_path / "all")
