"""Fetches a package of the npm registry, one version of it whose tarball was reviewed, and unpacks files of it."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.commands import CannotWork, how_to_install

__all__ = ["NpmPackage", "NpmPackageError"]


class NpmPackageError(CannotWork):
    """The package could not be fetched, or is not the one that was reviewed; the message says which."""


@dataclass(frozen=True)
class NpmPackage:
    """A version of a package; `sha512` is its tarball's, in Base64."""

    name: str
    version: str
    sha512: str

    def unpack(self, place: str, target: Path) -> None:
        """Writes a file of the package, or those below a folder of it, to the target. Raises NpmPackageError."""
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(self._fetch(Path(scratch))) as archive:
            for member in archive:
                path = Path(member.name)
                content = archive.extractfile(member)
                if content and path.is_relative_to(f"package/{place}"):
                    file = target / path.relative_to(f"package/{place}")
                    file.parent.mkdir(parents=True, exist_ok=True)
                    with file.open("wb") as written:
                        shutil.copyfileobj(content, written)

    def _fetch(self, folder: Path) -> Path:
        if not shutil.which("npm"):
            raise NpmPackageError(f"{self.name} is fetched with `npm`, which is not installed. {how_to_install('npm')}")
        fetched = subprocess.run(
            ["npm", "pack", f"{self.name}@{self.version}", "--silent", "--pack-destination", str(folder)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        tarballs = list(folder.glob("*.tgz"))
        if fetched.returncode or len(tarballs) != 1:
            raise NpmPackageError(
                f"npm could not fetch {self.name} {self.version}: {fetched.stderr.strip()} Does `npm ping` answer?"
            )
        if base64.b64encode(hashlib.sha512(tarballs[0].read_bytes()).digest()).decode() != self.sha512:
            raise NpmPackageError(f"{self.name} {self.version} is not the file that was reviewed: its SHA-512 differs.")
        return tarballs[0]
