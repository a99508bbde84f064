"""Still more files as strangers have them: encodings, exports of services, formats that are none of ours."""

from __future__ import annotations

from tests.data.label_files import GOOD, TWO
from tests.data.tag_files import ANN, PER
from tests.data.text_files import Labelled, TaggedFile
from throughtime.data.label_sets import LabelRule

TABLE = "text,label\nso good,pos\nso bad,neg\n"
MOODS = "text,labels\na,joy love\nb,anger\nc,joy\nd,anger fear\ne,love\nf,fear\n"
SAID = ["joy love", "anger", "joy", "anger fear", "love", "fear"]
LUIS = (
    '{"luis_schema_version": "3.2.0", "intents": [{"name": "Fly"}, {"name": "Hi"}], "utterances": [{"text": '
    '"fly to Rome", "intent": "Fly", "entities": [{"entity": "city", "startPos": 7, "endPos": 10}]}, '
    '{"text": "hi", "intent": "Hi", "entities": []}]}'
)
SNIPS = (
    '{"language": "en", "intents": {"Fly": {"utterances": [{"data": [{"text": "fly to "}, {"text": "Rome", '
    '"entity": "place", "slot_name": "city"}]}]}, "Hi": {"utterances": [{"data": [{"text": "hi"}]}]}}}'
)
FLY, FLOWN, WANTED = ["fly to Rome", "hi"], ["O O B-city", "O"], ["Fly", "Hi"]

OTHER_LABELS = [
    # encodings
    Labelled("big.csv", b"\xfe\xff" + TABLE.encode("utf-16-be"), GOOD, TWO),
    Labelled("wide32.csv", TABLE.encode("utf-32"), GOOD, TWO),
    Labelled("unmarked16.csv", TABLE.encode("utf-16-le"), error="got a NUL at character 2; .*--encoding utf-16-le"),
    Labelled("cut16.csv", TABLE.encode("utf-16")[:-1], error="it begins like UTF-16, and does not go on so"),
    Labelled("odd16.csv", TABLE.encode("utf-16"), error="got a NUL at character 4", options={"encoding": "latin-1"}),
    Labelled("gb.csv", "文本,标签\n好,正\n坏,负\n".encode("gb18030"), error="--encoding gb18030"),
    Labelled(
        "gb2.csv",
        "文本,标签\n好,正\n坏,负\n".encode("gb18030"),
        ["好", "坏"],
        ["正", "负"],
        options={"encoding": "gb18030"},
    ),
    Labelled("mac.csv", TABLE.replace("\n", "\r"), GOOD, TWO),
    Labelled("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), error="got an old office document; take the"),
    Labelled("rich.rtf", "{\\rtf1 so good}", error="got an RTF document"),
    Labelled("base.db", b"SQLite format 3\x00" + bytes(60), error="got a database"),
    Labelled("part.arrow", b"\xff\xff\xff\xff\x00", error="got an Arrow stream, as of Hugging Face's data sets"),
    Labelled("train.spacy", b"x\x9c\xab\xaa", error="got compressed data, as spaCy's DocBin is"),
    # put together from several
    Labelled("cat.csv", TABLE + "\ufeff" + TABLE, GOOD * 2, TWO * 2, note="1 row like the header: left out"),
    Labelled(
        "gap.jsonl", '{"text": "a", "label": 1}\n\n{"text": "b", "label": 0}\n', error="row 2: .* no empty line between"
    ),
    # labels
    Labelled("true0.csv", "text,label\na,True\nb,0\n", error="row 3: the label 0, and True in row 2; write all of"),
    Labelled("true0.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": false}\n', error="label False, and 1"),
    Labelled("unseen.csv", "text,label\nso good,pos\nso bad,neg\u200b\nx,\ufeffneg\n", [*GOOD, "x"], [*TWO, "neg"]),
    Labelled("form.csv", "text,label\na,caf\u00e9\nb,cafe\u0301\nc,x\n", ["a", "b", "c"], ["caf\u00e9"] * 2 + ["x"]),
    Labelled("space.csv", "text,label\nso good,pos \nso bad,\u00a0neg\n", GOOD, TWO),
    Labelled("dump.tsv", "text\tlabel\nso good\tpos\nso bad\t\\N\n", error="row 3: the label is missing"),
    Labelled("moods.csv", MOODS, [*"abcdef"], SAID, note="labels hold ' ' and are taken as one label each"),
    Labelled(
        "moods2.csv",
        MOODS,
        [*"abcdef"],
        ['["joy", "love"]', '["anger"]', '["joy"]', '["anger", "fear"]', '["love"]', '["fear"]'],
        options={"rule": LabelRule(separator=" ")},
    ),
    Labelled("signs.csv", "text,label\na,-1\nb,1\nc,-1\n", [*"abc"], ["-1", "1", "-1"], "integer"),
    Labelled(
        "faces.csv",
        "text,label\n👩\u200d👩\u200d👧 good,😀\nbad 🏳\ufe0f\u200d🌈,😡\n",
        ["👩\u200d👩\u200d👧 good", "bad 🏳\ufe0f\u200d🌈"],
        ["😀", "😡"],
    ),
    Labelled("rtl.csv", "text,label\nجيد,\u200fنعم\nسيئ,لا\n", ["جيد", "سيئ"], ["نعم", "لا"]),
    # columns
    Labelled("title.csv", "title,body,label\nx,so good,pos\ny,so bad,neg\n", GOOD, TWO, note="label; not read: title"),
    Labelled("two.csv", "id,text,sentiment,topic\n1,so good,pos,a\n2,so bad,neg,b\n", GOOD, TWO, note="read: topic"),
    Labelled("uuid.csv", "uuid,text,label\n0-a,so good,pos\n0-b,so bad,neg\n", GOOD, TWO, note="labels: column label"),
    Labelled("nli.tsv", "premise\thypothesis\tlabel\na\tb\tx\nc\td\ty\n", error="there are premise, hypothesis, label"),
    Labelled("news.csv", '"3","Oil","Prices rise."\n"4","Chips","New."\n', error="which column holds the texts?"),
    Labelled("zh.csv", "标签,内容\n正,so good\n负,so bad\n", GOOD, ["正", "负"]),
    # lines
    Labelled("end.txt", "so good __label__pos\nso bad __label__neg\n", GOOD, TWO),
    Labelled(
        "ends.txt",
        "so good __label__a __label__b\nso bad __label__a\n",
        GOOD,
        ['["a", "b"]', '["a"]'],
        note="several labels a text, from lists",
    ),
    Labelled("svm.txt", "+1 1:0.5 7:1.2\n-1 2:0.1 9:1\n", error="row 1: .*got numbered features"),
    Labelled("bars.txt", "so good ||| pos\nso bad ||| neg\n", error=r"every line has one '\|\|\|'; .*put a tab there"),
    Labelled("arrows.txt", "so good -> pos\nwell bad -> neg\n", error="every line has one '->'"),
    Labelled("commas.txt", "pos,so good, yes\nneg,so bad\npos,well, ok\n", error="hold commas, as 'pos,so'"),
    Labelled("trec.txt", "DESC:manner so good\nENTY:dog so bad\n", GOOD, ["DESC:manner", "ENTY:dog"]),
    # other formats
    Labelled("weka.arff", "% x\n@relation x\n@data\n'so good',pos\n", error="got ARFF, which is not read; write it as"),
    Labelled("page.html", "<table><tr><td>so good</td></tr></table>\n", error="got XML or HTML"),
    Labelled("data.xml", "<?xml version='1.0'?>\n<d/>\n", error="got XML or HTML"),
    Labelled("tags.txt", "<pos> so good\n<neg> so bad\n", GOOD, ["<pos>", "<neg>"]),
    Labelled("python.txt", "{'text': 'so good', 'label': 'pos'}\n", error="got objects as Python writes them"),
    Labelled("rows.yaml", "- text: so good\n  label: pos\n", error="expected intents and examples as Rasa has them"),
    Labelled("table.md", "| text | label |\n|------|:-----:|\n| so good | pos |\n| so bad | neg |\n", GOOD, TWO),
    Labelled(
        "rasa2.yml",
        'version: "2.0"\nnlu:\n- intent: faq/ask\n  examples: |\n    - so good\n- intent: bye\n  examples:\n'
        '  - text: |\n      so bad\n    metadata: x\n  - text: "see you"\n',
        [*GOOD, "see you"],
        ["faq/ask", "bye", "bye"],
    ),
    Labelled("luis.json", LUIS, FLY, WANTED, note="labels are the intents"),
    Labelled("snips.json", SNIPS, FLY, WANTED),
    Labelled("pairs.json", '[["so good", "pos"], ["so bad", "neg"]]', error="row 0: expected a JSON object"),
    Labelled("chat.jsonl", '{"messages": []}\n{"messages": []}\n', error="which column holds the texts?"),
]

OTHER_TAGS = [
    # tags within the text
    TaggedFile(
        "brown.txt",
        "The/at dog/nn ran/vbd ./.\nIt/pps sat/vbd\n",
        ["The dog ran .", "It sat"],
        ["at nn vbd .", "pps vbd"],
        "none",
        note="a sentence in each line, '/' between each token and its tag",
    ),
    TaggedFile("people.txt", "中国/ns 人民/n\n", ["中国 人民"], ["ns n"], "none"),
    TaggedFile("ptb.txt", "The_DT dog_NN\nIt_PRP sat_VBD\n", ["The dog", "It sat"], ["DT NN", "PRP VBD"], "none"),
    TaggedFile("three.txt", "Ann|NNP|B-PER Lee|NNP|I-PER left|VBD|O\n", ANN, PER),
    TaggedFile("round.txt", "fly to [Rome](city)\nhi\n", FLY, FLOWN),
    TaggedFile("angles.txt", "<PER>Ann Lee</PER> left\n", ANN, PER, texts=["Ann Lee left"]),
    TaggedFile("nested.txt", "<A>in <B>Rome</B></A>\n", error="row 1: expected <kind>a text</kind>, none within"),
    TaggedFile("train.py", 'TRAIN_DATA = [\n    ("Ann Lee left", {"entities": [(0, 7, "PER")]}),\n]\n', ANN, PER),
    TaggedFile("pairs.py", 'X = [("so good", "pos")]\n', error="entities.*give such pairs"),
    TaggedFile("code.py", 'X = [("so good", f(1))]\n', error="expected a list of texts and spans as Python writes it"),
    # services
    TaggedFile("luis.json", LUIS, FLY, FLOWN, intents=WANTED, texts=[*FLY]),
    TaggedFile("snips.json", SNIPS, FLY, FLOWN, intents=WANTED),
    TaggedFile(
        "flow.json",
        '[{"id": "1", "data": [{"text": "fly to "}, {"text": "Rome", "alias": "city"}], "isTemplate": false}]',
        FLY[:1],
        FLOWN[:1],
    ),
    TaggedFile(
        "turks.json",
        '{"content": "in Rome", "annotation": [{"label": ["LOC"], "points": [{"start": 3, '
        '"end": 6, "text": "Rome"}]}]}\n{"content": "hi", "annotation": null}\n',
        ["in Rome", "hi"],
        ["O B-LOC", "O"],
    ),
    TaggedFile(
        "clue.jsonl",
        '{"text": "叶老桂在", "label": {"name": {"叶老桂": [[0, 2]]}}}\n{"text": "在", "label": {}}\n',
        ["叶 老 桂 在", "在"],
        ["B-name I-name I-name O", "O"],
    ),
    TaggedFile(
        "wit.json",
        '[{"text": "fly to Rome", "intent": "fly", "entities": [{"entity": "city", "start": 7, '
        '"end": 11}]}, {"text": "hi", "intent": "hi", "entities": []}]',
        FLY,
        FLOWN,
        intents=["fly", "hi"],
    ),
    # a token a line
    TaggedFile(
        "spaced.conllu", "1 Go go VERB VB _ 0 root _ _\n2 on on ADV RB _ 1 x _ _\n", ["Go on"], ["VERB ADV"], "none"
    ),
    TaggedFile("wiki.txt", "en:Ann\tB-PER\nen:Lee\tI-PER\nen:left\tO\n", ANN, PER, note="token begins with 'en:'"),
    TaggedFile("codes.txt", "Ann 1\nLee 2\nleft 0\n", error="the tags are numbers; give their names .*--tag-names"),
    TaggedFile("codes2.txt", "Ann 1\nLee 2\nleft 0\n", ANN, PER, options={"tag_names": ("O", "B-PER", "I-PER")}),
    TaggedFile("strings.jsonl", '{"tokens": ["Ann", "left"], "ner_tags": ["1", "0"]}\n', error="are numbers; give"),
    TaggedFile("none2.txt", "Ann _\nleft _\n", error="the tags are all '_', which says nothing"),
    TaggedFile("onto.conll", "#begin document (bc/x); part 000\nbc/x 0 0 Ann NNP (PERSON)\n", error="as of OntoNotes"),
    TaggedFile("mixed2.txt", "Ann\tB-PER\nLee I-PER\nleft\tO\n", ANN, PER),
    TaggedFile(
        "blank.txt",
        "Ann B-PER\r\nLee I-PER\r\nleft O\r\n \r\nin O\n\t\nRome B-LOC\n",
        ["Ann Lee left", "in", "Rome"],
        ["B-PER I-PER O", "O", "B-LOC"],
    ),
    TaggedFile("long.tsv", "New York\tB-LOC\nwins\tO\n", ["New York wins"], ["B-LOC O"]),
    TaggedFile("deeper.json", '[{"id": 0, "paragraphs": [{"raw": "x"}]}]', error="no tokens, expected tokens"),
    TaggedFile("alone.ann", "T1\tPER 0 3\tAnn\n", error="expected the text of its spans in .*alone.txt"),
    TaggedFile("bare.conll", "-DOCSTART-\n\nAnn B-PER\nLee I-PER\nleft O\n\n-DOCSTART-\n", ANN, PER),
]
