"""Instructions that a piece of work executes, counted by callgrind; what is around the work is not.

A process under `valgrind --tool=callgrind --instr-atstart=no` is told by client requests when to count.
Such a request is a few instructions that do nothing (valgrind.h: rotations of rdi by 128 bits in all, and an
exchange of rbx with itself), which valgrind alone takes for a call; its arguments lie where rax points.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

_TOOL = 0x43540000  # 'CT', the first request of callgrind
ZERO, DUMP, START, STOP = _TOOL + 1, _TOOL + 3, _TOOL + 4, _TOOL + 5
_REQUEST = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
"""mov rax, rdi; xor edx, edx; rol rdi, 3; 13; 61; 51; xchg rbx, rbx; mov rax, rdx; ret"""
OUT = "callgrind"


def missing() -> str:
    """Why nothing can be counted here; empty where it can."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return (
            f"instructions are counted on Linux on x86_64, not on {platform.system()} on {platform.machine()}"
        )
    return "" if which("valgrind") else "valgrind is not installed (apt-get install valgrind)"


def command(folder: Path) -> list[str]:
    """What runs a process under callgrind, its counts going into files in a folder."""
    return [
        *("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"),
        f"--callgrind-out-file={folder / OUT}",
    ]


class Counter:
    """Counts named pieces of work. Outside valgrind it does nothing."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._page.write(_REQUEST)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        self._ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Count what happens within, under a name."""
        told = name.encode()
        self._tell(START)
        self._tell(ZERO)
        yield
        self._tell(DUMP, ctypes.cast(told, ctypes.c_void_p).value or 0)
        self._tell(STOP)

    def _tell(self, request: int, *arguments: int) -> None:
        words = (ctypes.c_uint64 * 6)(request, *arguments)
        self._ask(ctypes.addressof(words))


def counts(folder: Path) -> dict[str, int]:
    """Instructions by name, from the files of a process that has ended."""
    found = {}
    for file in sorted(folder.glob(f"{OUT}*")):
        text = file.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.M)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.M)
        if name and total:
            found[name[1]] = int(total[1])
    return found
