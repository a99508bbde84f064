"""More files as strangers have them: other columns, signs and tools, each with what it says or is refused with."""

from __future__ import annotations

from tests.data.label_files import GOOD, TWO
from tests.data.tag_files import ANN, BOTH, KINDS, PER
from tests.data.text_files import Labelled, TaggedFile
from throughtime.data.label_sets import LabelRule

MARKED = [
    # tools for annotation
    Labelled(
        "prodigy.jsonl",
        '{"text": "so good", "label": "pos", "answer": "accept"}\n{"text": "x", "label": "pos", "answer": "reject"}\n'
        '{"text": "so bad", "label": "neg", "answer": "accept"}\n{"text": "y", "label": "pos", "answer": "ignore"}\n',
        GOOD,
        TWO,
        note="1 example with the answer reject and 1 example with the answer ignore: left out",
    ),
    Labelled(
        "choice.jsonl",
        '{"text": "so good", "options": [{"id": "pos"}, {"id": "neg"}], "accept": ["pos"], "answer": "accept"}\n'
        '{"text": "so bad", "options": [{"id": "pos"}, {"id": "neg"}], "accept": ["neg"], "answer": "accept"}\n',
        GOOD,
        TWO,
        note="labels: column accept",
    ),
    Labelled(
        "doccano.jsonl",
        '{"id": 1, "text": "so good", "label": ["pos"]}\n{"id": 2, "text": "so bad", "label": ["neg"]}\n',
        GOOD,
        TWO,
        note="each list of labels holds one",
    ),
    Labelled(
        "sets.jsonl",
        '{"id": 1, "text": "so good", "label": ["pos"]}\n{"id": 2, "text": "so bad", "label": ["neg"]}\n',
        GOOD,
        ['["pos"]', '["neg"]'],
        options={"rule": LabelRule(several=True)},
    ),
    Labelled(
        "cats.json",
        '[["so good", {"cats": {"pos": 1.0, "neg": 0.0}}], ["so bad", {"cats": {"pos": 0.0, "neg": 1.0}}]]',
        GOOD,
        TWO,
        note="spaCy's categories",
    ),
    Labelled(
        "cats.jsonl",
        '{"text": "so good", "cats": {"a": true, "b": true}}\n{"text": "so bad", "cats": {"a": false, "b": true}}\n',
        GOOD,
        ['["a", "b"]', '["b"]'],
    ),
    Labelled(
        "shares.json", '[["so good", {"cats": {"pos": 0.7, "neg": 0.3}}]]', error="row 0: expected 0 or 1 for .*pos"
    ),
    Labelled(
        "studio.json",
        '[{"data": {"text": "so good"}, "annotations": [{"result": [{"value": {"choices": ["pos"]}}]}]}, '
        '{"data": {"text": "new"}, "annotations": []}, '
        '{"data": {"text": "so bad"}, "annotations": [{"result": [{"value": {"choices": ["neg"]}}]}]}]',
        GOOD,
        TWO,
        note="1 text that nobody annotated: left out",
    ),
    Labelled(
        "nlu.yml",
        'version: "3.1"\nnlu:\n- intent: pos\n  examples: |\n    - so good\n'
        "- intent: neg\n  examples: |\n    - so [bad](x)\n",
        GOOD,
        TWO,
        note="labels are the intents",
    ),
    Labelled("nlu.md", "## intent:pos\n- so good\n\n## intent:neg\n- so bad\n", GOOD, TWO),
    Labelled(
        "rasa.json",
        '{"rasa_nlu_data": {"common_examples": [{"text": "so good", "intent": "pos", "entities": []}, '
        '{"text": "so bad", "intent": "neg", "entities": []}]}}',
        GOOD,
        TWO,
    ),
    # what stands between cells
    Labelled("excel.csv", "sep=;\ntext;label\nso good;pos\nso bad;neg\n", GOOD, TWO),
    Labelled("pipe.csv", "text|label\nso good|pos\nso bad|neg\n", GOOD, TWO),
    Labelled("named.txt", "text,label\nso good,pos\nso bad,neg\n", GOOD, TWO),
    Labelled("stars.dat", "review;stars\nso good;5\nso bad;1\n", GOOD, ["5", "1"], "integer"),
    Labelled("spaced.csv", 'text, label\n"so good, yes", "pos"\n"so bad", "neg"\n', ["so good, yes", "so bad"], TWO),
    Labelled("marked.txt", "__label__pos\tso good\n__label__neg\tso bad\n", GOOD, TWO),
    Labelled("marked.csv", "text,label\nso good,__label__pos\nso bad,__label__neg\n", GOOD, TWO),
    Labelled("some.txt", "so good\tpos\nso bad\tneg\nI said\tso\tneg\n", error="row 3 has 2 tabs, most others 1"),
    Labelled(
        "prose.txt",
        "".join(f"{word} it went\n" for word in ("So", "Then", "Here", "There", "Once", "Now", "So", "Then")),
        error="the first word of each line, taken for its label, gives 6 classes in 8 lines",
    ),
    # columns
    Labelled("texto.csv", "id,texto,etiqueta\n1,so good,pos\n2,so bad,neg\n", GOOD, TWO, note="texts: column texto"),
    Labelled("ru.csv", "текст,метка\nso good,pos\nso bad,neg\n", GOOD, TWO),
    Labelled(
        "odd.csv",
        "zin,soort\nso good,pos\nso bad,neg\nso so,neg\nx,rare\n",
        error="the first row reads zin, soort; name them",
    ),
    # what labels are
    Labelled("decimal.csv", "text;label\nso good;4,5\nso bad;1,0\n", error="row 2: the label 4,5 is a number"),
    Labelled(
        "emotions.csv",
        'text,label\nso good,"3,27"\nso bad,27\n',
        GOOD,
        ['["27", "3"]', '["27"]'],
        "integer",
        options={"rule": LabelRule(several=True)},
    ),
    Labelled(
        "commas.csv",
        'text,label\na,"x,y"\nb,x\nc,"y,z"\nd,z\ne,"x,z"\nf,y\n',
        [*"abcdef"],
        ["x,y", "x", "y,z", "z", "x,z", "y"],
        note="labels hold ',' and are taken as one label each; --multi-label splits them",
    ),
    Labelled(
        "case.csv",
        "text,label\nso good,Pos\nso bad,neg\nso so,pos\n",
        [*GOOD, "so so"],
        ["Pos", "neg", "pos"],
        note="labels that differ in case or space alone: Pos and pos",
    ),
]

SPANS = [
    # schemes
    TaggedFile("colons.txt", "Ann B:PER\nLee I:PER\nleft O\n", ANN, PER, note="B:PER is read as B-PER"),
    TaggedFile("dashes.txt", "Ann B-PER\nLee I-PER\nleft _\nand _\nwon _\n", ["Ann Lee left and won"],
               ["B-PER I-PER O O O"], note="_ is read as O"),
    TaggedFile("zero.txt", "Ann B-PER\nLee L-PER\nleft 0\nand 0\nwon 0\n", ["Ann Lee left and won"],
               ["B-PER E-PER O O O"], "BIOES", note="0 as O"),
    TaggedFile("io.txt", "Ann PER\nLee PER\nleft O\n", ANN, ["PER PER O"], "none", note="tags mark no spans"),
    # columns
    TaggedFile("first.bio", "B-PER\tAnn\nI-PER\tLee\nO\tleft\n", ANN, PER, note="tags are column 0, tokens column 1"),
    TaggedFile("sure.tsv", "Ann\tB-PER\t0.9\nLee\tI-PER\t0.8\n", error="'0.9', marks no spans, column 1"),
    TaggedFile("scores.tsv", "Ann\t0.9\nLee\t0.8\n", error="the last column holds numbers such as 0.9"),
    TaggedFile("phrases.txt", "Ann B-NP NNP\nleft B-VP VBD\n", error="'NNP', marks no spans, column 1 does"),
    TaggedFile("none.txt", "Ann B-NP O\nLee I-NP O\nleft B-VP O\n", ANN, ["O O O"],
               note="the last column is O throughout; column 1"),
    TaggedFile("from0.tsv", "0\tAnn\tB-PER\n1\tLee\tI-PER\n2\tleft\tO\n", ANN, PER, note="the first column numbers"),
    TaggedFile("running.tsv", "1\tAnn\tB-PER\n2\tLee\tI-PER\n3\tleft\tO\n\n4\tin\tO\n5\tRome\tB-LOC\n",
               ["Ann Lee left", "in Rome"], ["B-PER I-PER O", "O B-LOC"]),
    TaggedFile("ids.tsv", "t1\tAnn\tB-PER\nt2\tLee\tI-PER\n", error="the tokens.*'t1'.*--token-column"),
    TaggedFile("webanno.tsv", "#FORMAT=WebAnno TSV\n\n1-1\t0-3\tAnn\tPER\n1-2\t4-7\tLee\tPER\n",
               error="which column holds the tokens.*'1-1'"),
    TaggedFile("onto.txt", "bc/x 0 Ann NNP (PER*\nbc/x 1 Lee NNP *)\nbc/x 2 left VBD *\n", error="tokens.*'bc/x'"),
    TaggedFile("slashes.txt", "Ann/B-PER Lee/I-PER left/O\nin/O Rome/B-LOC\n", BOTH, KINDS),
    TaggedFile("lines.tsv", "fly to rome\tO O B-city\n", error="expected a token and its tag in each line"),
    # tables
    TaggedFile("gaps.csv", "Word,Tag\nAnn,B-PER\nLee,I-PER\nleft,O\n,\nin,O\nRome,B-LOC\n", BOTH, KINDS),
    TaggedFile("cells.csv", "Word,Tag\nAnn,['B-PER']\nLee,['B-PER']\n", ["Ann", "Lee"], ["B-PER", "B-PER"]),
    # tools
    TaggedFile(
        "answers.jsonl",
        '{"text": "in Rome", "spans": [{"start": 3, "end": 7, "label": "LOC"}], "answer": "accept"}\n'
        '{"text": "in Bern", "spans": [{"start": 0, "end": 2, "label": "LOC"}], "answer": "reject"}\n'
        '{"text": "no more", "answer": "accept"}\n',
        ["in Rome", "no more"],
        ["O B-LOC", "O O"],
        note="1 text that nobody annotated or accepted: left out",
    ),
    TaggedFile(
        "tasks.json",
        '[{"data": {"text": "in Rome"}, "annotations": [{"result": [{"value": {"start": 3, "end": 7, "text": "Rome", '
        '"labels": ["LOC"]}}]}]}, {"data": {"text": "new"}, "annotations": []}, '
        '{"data": {"text": "gone"}, "annotations": [{"was_cancelled": true, "result": []}]}]',
        ["in Rome"],
        ["O B-LOC"],
        note="2 texts that nobody annotated or accepted: left out",
    ),
    TaggedFile(
        "nobody.json",
        '[{"data": {"text": "in Rome"}, "annotations": []}]',
        error="nobody annotated or accepted any of its texts",
    ),
]  # fmt: skip
"""Spans in other dresses."""
