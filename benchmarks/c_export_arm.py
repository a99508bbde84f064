"""Generated C on a Cortex-M4 that qemu plays: built by arm-none-eabi-gcc, its answers brought back bit for bit.

Debian packages: gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from throughtime.interop.c.build import Built
from throughtime.interop.c.files import code, header

COMPILER, SIZE, MACHINE = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
TARGET = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
FLAGS = ("-std=c99", "-Os", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", "-Wconversion", "-pedantic")

SCRIPT = """
ENTRY(start)
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > FLASH
    .ARM.exidx : { *(.ARM.exidx*) } > FLASH
    .bss : { zero_from = .; *(.bss*) *(COMMON) *(.data*) zero_to = .; } > RAM
}
"""
"""Nothing here has initial values that change, so that there is no .data to copy."""

MAIN = r"""
#include "model.h"
#include <stdint.h>

static const float inputs[] = {%(inputs)s};
static model_state s;
static float y[%(total)d];

static void call(int what, const void *with)
{
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = with;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void tell(float value)
{
    char text[10];
    uint32_t bits;
    int k;
    __builtin_memcpy(&bits, &value, 4);
    for (k = 0; k < 8; k++) {
        text[k] = "0123456789abcdef"[bits >> (28 - 4 * k) & 15];
    }
    text[8] = '\n';
    text[9] = 0;
    call(4, text);
}

void start(void);
extern uint32_t zero_from, zero_to;

void start(void)
{
    int t, k;
    uint32_t *word;
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\n\tisb");
    for (word = &zero_from; word < &zero_to; word++) {
        *word = 0;
    }
    model_reset(&s);
    for (t = 0; t < %(steps)d; t++) {
        model_step(&s, %(given)s);
        for (k = 0; k < %(total)d; k++) {
            tell(y[k]);
        }
    }
    call(0x18, (void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20400000, start};
"""


def there() -> bool:
    """Whether the tools are installed."""
    return all(shutil.which(one) for one in (COMPILER, SIZE, MACHINE))


def run(built: Built, stream: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The answers (T, all outputs) to one stream, the bytes of code beside weights with what it takes of libm and libc,
    and the compiler's warnings."""
    total, width = sum(built.outputs), built.input or 1
    inputs = ", ".join(f"{one:.9g}" for one in stream.ravel().tolist())
    ends = np.cumsum([0, *built.outputs])[:-1].tolist()
    place = "(long)inputs[t]" if built.rows else f"inputs + t * {width}"
    given = ", ".join([place, *(f"y + {end}" for end in ends)])
    main = MAIN % {"inputs": inputs, "total": total, "steps": len(stream), "given": given}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts = {"model.h": header(built, "model", ["A benchmark."]), "model.c": code(built, "model", "model.h")}
        for name, text in {**texts, "main.c": main, "only.c": ONLY, "link.ld": SCRIPT}.items():
            (folder / name).write_text(text, encoding="utf-8")
        made = _call([COMPILER, *TARGET, *FLAGS, "-c", "model.c"], folder)
        for name in ("main", "only"):
            _call([COMPILER, *TARGET, "-O1", "-c", f"{name}.c"], folder)
        link = [COMPILER, *TARGET, "-nostartfiles", "-Tlink.ld", "-Wl,--gc-sections", "--specs=nosys.specs"]
        _call([*link, "main.o", "model.o", "-lm", "-o", "main.elf"], folder)
        _call([*link, "only.o", "model.o", "-lm", "-o", "only.elf"], folder)
        _call([*link, "only.o", "-o", "none.elf", "-Wl,--unresolved-symbols=ignore-all"], folder)
        size = _size(folder, "only.elf") - _size(folder, "none.elf") - built.source.weight_bytes
        said = _call([MACHINE, "-M", "mps2-an386", "-nographic", "-semihosting", "-kernel", "main.elf"], folder)
    lines = re.findall(r"\b[0-9a-f]{8}\b", (said.stdout + said.stderr).decode())
    answers = np.array([int(one, 16) for one in lines], np.uint32).view(np.float32).reshape(-1, total)
    return answers, size, len(re.findall(rb"warning:", made.stderr))


ONLY = r"""
#include "model.h"
model_state s;
void start(void);
void start(void)
{
    model_reset(&s);
    ((void (*)(void *, int))model_step)(&s, 0);
}
"""


def _size(folder: Path, name: str) -> int:
    """Bytes of code and constants."""
    return int(_call([SIZE, name], folder).stdout.splitlines()[1].split()[0])


def _call(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    found = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    if found.returncode:
        raise RuntimeError(f"{command[0]}: {found.stderr.decode(errors='replace')[:2000]}")
    return found
