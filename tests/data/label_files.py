"""Labelled texts as people have them, each file with what it says."""

from __future__ import annotations

from tests.data.text_files import Labelled
from throughtime.data.label_sets import LabelRule

GOOD, TWO = ["so good", "so bad"], ["pos", "neg"]

LABELLED = [
    # JSON, under whatever name
    Labelled("lines.jsonl", '{"text": "so good", "label": "pos"}\n{"text": "so bad", "label": "neg"}\n', GOOD, TWO),
    Labelled("lines.txt", '{"text": "so good", "label": "pos"}\n{"text": "so bad", "label": "neg"}\n', GOOD, TWO),
    Labelled("lines.csv", '{"text": "so good", "label": "pos"}\n{"text": "so bad", "label": "neg"}\n', GOOD, TWO),
    Labelled(
        "array.json", '[{"text": "so good", "label": 1},\n {"text": "so bad", "label": 0}]', GOOD, ["1", "0"], "integer"
    ),
    Labelled(
        "data.json",
        '{"data": [{"review": "so good", "stars": 5}, {"review": "so bad", "stars": 1}]}',
        GOOD,
        ["5", "1"],
        "integer",
        "texts: column review; labels: column stars",
    ),
    Labelled(
        "pandas.json",
        '{"text": {"0": "so good", "1": "so bad"}, "label": {"0": true, "1": false}}',
        GOOD,
        ["True", "False"],
        "boolean",
    ),
    Labelled("columns.json", '{"text": ["so good", "so bad"], "label": ["pos", "neg"]}', GOOD, TWO),
    Labelled("broken.json", '[{"text": "so good", "label": 1},\n', error=r"broken.json: (row 1: )?expected .*JSON"),
    Labelled(
        "row.jsonl",
        '{"text": "a", "label": 1}\n{"text": "b" "label": 2}\n',
        error="row.jsonl: row 2: expected one JSON object a line",
    ),
    Labelled(
        "list.jsonl",
        '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": "x"}\n',
        error="list.jsonl: row 1: expected one label, a text or a number, got list",
    ),
    # labels keep their type
    Labelled("ints.csv", "text,label\nso good,1\nso bad,0\n", GOOD, ["1", "0"], "integer"),
    Labelled("floats.csv", "text,label\nso good,1.0\nso bad,0.0\n", GOOD, ["1", "0"], "integer"),
    Labelled("codes.csv", "text,label\nso good,01\nso bad,02\n", GOOD, ["01", "02"]),
    Labelled("truths.csv", "text,label\nso good,true\nso bad,FALSE\n", GOOD, ["True", "False"], "boolean"),
    Labelled(
        "truths.jsonl",
        '{"text": "so good", "label": true}\n{"text": "so bad", "label": false}\n',
        GOOD,
        ["True", "False"],
        "boolean",
    ),
    Labelled("texts.jsonl", '{"text": "so good", "label": "1"}\n{"text": "so bad", "label": "0"}\n', GOOD, ["1", "0"]),
    Labelled("mixed.csv", "text,label\nso good,1\nso bad,none\n", GOOD, ["1", "none"]),
    Labelled("negative.tsv", "so good\t-1\nso bad\t+1\nso so\t-1\n", [*GOOD, "so so"], ["-1", "1", "-1"], "integer"),
    # missing ones
    Labelled("nan.csv", "text,label\na,pos\nb,nan\nc,neg\n", error=r"nan.csv: row 3: the label is missing; .*--drop-m"),
    Labelled(
        "null.csv", "text,label\na,pos\nb,NULL\nc,\nd,N/A\n", error="null.csv: rows 3, 4, 5: 3 labels are missing"
    ),
    Labelled(
        "null.jsonl",
        '{"text": "a", "label": null}\n{"text": "b", "label": 1}\n{"text": "c", "label": 2}\n',
        error="null.jsonl: row 1: the label is missing",
    ),
    Labelled(
        "drop.csv",
        "text,label\nso good,pos\nb,NULL\nc,\nso bad,neg\n",
        GOOD,
        TWO,
        note="2 texts without a label, the first in row 3: left out",
        options={"rule": LabelRule(drop_missing=True)},
    ),
    Labelled(
        "empty.csv",
        "text,label\nso good,pos\n ,neg\nso bad,neg\n",
        GOOD,
        TWO,
        note="1 text without a word, the first in row 3: left out",
    ),
    # quantities
    Labelled(
        "real.csv",
        "text,score\na,0.25\nb,3\nc,1.5\n",
        options={"label": "score"},
        error="real.csv: row 2: the label 0.25 is a real number; .*make classes of it",
    ),
    Labelled(
        "real.jsonl",
        '{"text": "a", "label": 2}\n{"text": "b", "label": 2.5}\n',
        error="real.jsonl: row 2: the label 2.5 is a real number",
    ),
    Labelled(
        "ids.csv",
        "text,label\n" + "".join(f"t {i},{1000 + i}\n" for i in range(30)),
        error="ids.csv: the labels are 30 different numbers in 30 texts, a quantity or numbers of rows",
    ),
    # tables
    Labelled("semicolons.csv", "review;sentiment\nso good;pos\nso bad;neg\n", GOOD, TWO),
    Labelled("quotes.csv", 'text,label\n"so, ""good""",pos\n"so\nbad",neg\n', ['so, "good"', "so\nbad"], TWO),
    Labelled("bom.csv", b"\xef\xbb\xbftext,label\r\nso good,pos\r\nso bad,neg\r\n", GOOD, TWO),
    Labelled(
        "latin.csv",
        "text,label\ncafé,pos\nso bad,neg\n".encode("latin-1"),
        error="latin.csv: expected utf-8 text, got byte 0xe9 .*--encoding latin-1",
    ),
    Labelled("utf16.csv", "text,label\nso good,pos\nso bad,neg\n".encode("utf-16"), GOOD, TWO),
    Labelled(
        "known.csv", "id,phrase,kind\n7,so good,pos\n8,so bad,neg\n", GOOD, TWO, options={"known": ("phrase", "kind")}
    ),
    Labelled("unknown.csv", "id,phrase,kind\n7,so good,pos\n", error="which column holds the texts?"),
    Labelled("wide.csv", "text,label\nso good,pos,x\n", error="wide.csv: row 2 has 3 values, the first row 2"),
    # lines
    Labelled("fasttext.txt", "__label__pos so good\n__label__neg so bad\n", GOOD, TWO),
    Labelled(
        "two.txt",
        "__label__a __label__b so good\n",
        error="row 1: two labels; a text can have one",
        options={"rule": LabelRule(several=False)},
    ),
    Labelled("first.tsv", "pos\tso good\nneg\tso bad\npos\tso fine\n", [*GOOD, "so fine"], [*TWO, "pos"]),
    # composed characters
    Labelled("composed.csv", "text,label\ncafe\u0301,pos\nso bad,neg\n", ["caf\u00e9", "so bad"], TWO),
]
