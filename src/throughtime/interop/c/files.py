"""The two files of a generated model, from its step."""

from __future__ import annotations

from collections.abc import Sequence

from throughtime.interop.c.build import Built
from throughtime.interop.c.language import helpers
from throughtime.interop.c.source import array_text


def header(built: Built, name: str, notes: Sequence[str]) -> str:
    """The .h: sizes, the state, two functions. notes: lines of its comment."""
    upper, source = name.upper(), built.source
    state, work = (4 * sum(each.values()) for each in (source.states, source.work))
    comment = "\n".join(f" * {one}" for one in notes)
    sizes = [f"#define {upper}_{'TOKENS' if built.rows else 'INPUTS'} {built.rows or built.input}"]
    sizes += [f"#define {upper}_OUTPUTS{k or ''} {size}" for k, size in enumerate(built.outputs)]
    fields = [f"    float {one}[{size}];" for one, size in source.states.items()]
    fields.append("    /* work memory, which nothing carries over */")
    fields += [f"    float {one}[{size}];" for one, size in source.work.items()]
    if not source.work:
        fields.pop()
    fields = fields or ["    char nothing;"]
    what = (
        "Take one token, from 0 to TOKENS - 1. 0; -1 for any other number, and nothing has changed."
        if built.rows
        else "Take one step. Returns 0."
    )
    return f"""/*
{comment}
 */
#ifndef {upper}_H
#define {upper}_H

#ifdef __cplusplus
extern "C" {{
#endif

{chr(10).join(sizes)}
#define {upper}_WEIGHT_BYTES {source.weight_bytes}
#define {upper}_STATE_BYTES {state}
#define {upper}_WORK_BYTES {work}

/* What one stream needs: of {upper}_STATE_BYTES + {upper}_WORK_BYTES. */
typedef struct {{
{chr(10).join(fields)}
}} {name}_state;

/* Forget everything; call it once before the first step. */
void {name}_reset({name}_state *s);

/* {what}
   The answer is written to {", ".join(f"y{k}" for k in range(len(built.outputs)))}. */
{prototype(built, name)};

#ifdef __cplusplus
}}
#endif

#endif
"""


def prototype(built: Built, name: str) -> str:
    """The step's, without its end."""
    taken = "long x" if built.rows else "const float *x"
    given = ", ".join(f"float *y{k}" for k in range(len(built.outputs)))
    return f"int {name}_step({name}_state *s, {taken}, {given})"


def code(built: Built, name: str, header_file: str) -> str:
    """The .c."""
    source, upper = built.source, name.upper()
    arrays = "\n\n".join(array_text(one, values) for one, values in source.arrays.items())
    functions = "\n\n".join(helpers(source.helpers))
    body = "\n".join(source.lines)
    loop = "    size_t i;\n" if "(i = 0" in body else ""
    loop += "" if "s->" in body else "    (void)s;\n"
    check = f"    if (x < 0 || x >= {upper}_TOKENS) {{\n        return -1;\n    }}\n" if built.rows else ""
    return f"""#include "{header_file}"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

{arrays}

{functions}

void {name}_reset({name}_state *s)
{{
    memset(s, 0, sizeof *s);
}}

{prototype(built, name)}
{{
{loop}{check}{body}
    return 0;
}}
"""
