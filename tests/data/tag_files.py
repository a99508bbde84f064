"""Tagged texts as people have them, each file with what it says."""

from __future__ import annotations

from tests.data.text_files import TaggedFile

CONLLU = (
    "# newdoc\n# sent_id = 1\n# text = Don't stop.\n"
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_\n2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_\n"
    "3\tstop\tstop\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No\n4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_\n\n"
    "# text = Go on\n1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n1.1\tyou\tyou\tPRON\t_\t_\t_\t_\t_\t_\n"
    "2\ton\ton\tADV\tRB\t_\t1\tadvmod\t_\t_\n"
)

ANN, PER = ["Ann Lee left"], ["B-PER I-PER O"]
SPACY = '[["Ann Lee left", {"entities": [[0, 7, "PER"]]}], ["in Rome", {"entities": [[3, 7, "LOC"]]}]]'
BOTH, KINDS = ["Ann Lee left", "in Rome"], ["B-PER I-PER O", "O B-LOC"]

TAGGED = [
    # CoNLL-U and its kin
    TaggedFile(
        "ud.conllu",
        CONLLU,
        ["Do n't stop .", "Go on"],
        ["AUX PART VERB PUNCT", "VERB ADV"],
        "none",
        texts=["Don't stop.", "Go on"],
        note="CoNLL-U: tokens are FORM, tags UPOS",
    ),
    TaggedFile(
        "ud.txt", CONLLU, ["Do n't stop .", "Go on"], ["VB RB VB .", "VB RB"], "none", options={"tag_column": "XPOS"}
    ),
    TaggedFile(
        "lemma.conllu",
        CONLLU,
        ["do not stop .", "go on"],
        ["AUX PART VERB PUNCT", "VERB ADV"],
        "none",
        options={"token_column": "LEMMA", "tag_column": "3"},
    ),
    TaggedFile(
        "wrong.conllu", CONLLU, options={"tag_column": "NER"}, error="no column 'NER' for the tags; there are ID"
    ),
    TaggedFile("plus.conllup", "# global.columns = ID FORM NER\n1\tAnn\tB-PER\n2\tLee\tI-PER\n3\tleft\tO\n", ANN, PER),
    TaggedFile(
        "german.tsv",
        "#\tfrom a paper\n1\tAnn\tB-PER\tO\n2\tLee\tI-PER\tO\n3\tleft\tO\tO\n",
        ANN,
        PER,
        options={"tag_column": "2"},
    ),
    TaggedFile(
        "numbered.tsv", "1\tAnn\tB-PER\n2\tLee\tI-PER\n3\tleft\tO\n", ANN, PER, note="the first column numbers tokens"
    ),
    # CoNLL-2003, WNUT
    TaggedFile(
        "2003.txt", "-DOCSTART- -X- -X- O\n\nAnn NNP B-NP B-PER\nLee NNP I-NP I-PER\nleft VBD B-VP O\n", ANN, PER
    ),
    TaggedFile(
        "chunks.txt",
        "Ann NNP B-NP B-PER\nLee NNP I-NP I-PER\nleft VBD B-VP O\n",
        ANN,
        ["B-NP I-NP B-VP"],
        options={"tag_column": "2"},
    ),
    TaggedFile("wnut.conll", "#Ann\tB-PER\nLee\tI-PER\nleft\tO\n", ["#Ann Lee left"], PER),
    TaggedFile(
        "comment.conll", "# newdoc\nAnn B-PER\nLee I-PER\n# O\nleft O\n", ["Ann Lee # left"], ["B-PER I-PER O O"]
    ),
    TaggedFile("short.conll", "Ann B-PER\nLee\n", error="short.conll: row 2: expected a token and its tag, got 'Lee'"),
    # schemes
    TaggedFile("iob1.txt", "Ann I-PER\nLee I-PER\nleft O\n", ANN, PER, note="counted as a start"),
    TaggedFile(
        "bilou.txt",
        "Ann B-PER\nLee L-PER\nleft O\nRome U-LOC\n",
        ["Ann Lee left Rome"],
        ["B-PER E-PER O S-LOC"],
        "BIOES",
        note="tags are BILOU: L-PER is read as E-PER",
    ),
    TaggedFile(
        "bmewo.txt",
        "Ann B-PER\nvan M-PER\nLee E-PER\nleft O\nRome W-LOC\n",
        ["Ann van Lee left Rome"],
        ["B-PER I-PER E-PER O S-LOC"],
        "BIOES",
        note="tags are BMEWO",
    ),
    TaggedFile("bmes.txt", "中 B-ORG\n国 M-ORG\n队 E-ORG\n赢 O\n", ["中 国 队 赢"], ["B-ORG I-ORG E-ORG O"], "BIOES"),
    TaggedFile("cut.txt", "中 B\n国 E\n人 S\n", ["中 国 人"], ["B-span E-span S-span"], "BIOES"),
    TaggedFile("bare.txt", "Ann B\nLee I\nleft O\n", ANN, ["B-span I-span O"], note="tags are BIO without a kind"),
    TaggedFile("behind.txt", "Ann PER-B\nLee PER-I\nleft O\n", ANN, PER, note="with the sign behind the kind"),
    TaggedFile("underscore.txt", "Ann B_PER\nLee I_PER\nleft O\n", ANN, PER),
    TaggedFile("lower.txt", "Ann b-PER\nLee i-PER\nleft o\n", ANN, PER),
    TaggedFile("plain.txt", "Ann NOUN\nLee NOUN\nleft VERB\n", ANN, ["NOUN NOUN VERB"], "none"),
    TaggedFile(
        "mixed.txt",
        "Ann B-PER\nLee I-PER\nleft VERB\n",
        error="mixed.txt: row 3: expected O or a tag such as B-place or I-place as elsewhere, got 'VERB'",
    ),
    # lists in JSON and CSV
    TaggedFile("lists.jsonl", '{"tokens": ["Ann", "Lee", "left"], "ner_tags": ["B-PER", "I-PER", "O"]}\n', ANN, PER),
    TaggedFile("lists.json", '[{"words": ["Ann", "Lee", "left"], "labels": ["B-PER", "I-PER", "O"]}]', ANN, PER),
    TaggedFile(
        "numbers.jsonl",
        '{"tokens": ["Ann", "Lee", "left"], "ner_tags": [1, 2, 0]}\n',
        ANN,
        PER,
        options={"tag_names": ("O", "B-PER", "I-PER")},
    ),
    TaggedFile(
        "unnamed.jsonl",
        '{"tokens": ["Ann", "Lee", "left"], "ner_tags": [1, 2, 0]}\n',
        error="unnamed.jsonl: the tags in column ner_tags are numbers; give their names in order with --tag-names",
    ),
    TaggedFile(
        "more.jsonl",
        '{"tokens": ["Ann"], "ner_tags": [7]}\n',
        options={"tag_names": ("O", "B-PER")},
        error="more.jsonl: row 1: tag 7 of 2 names, counted from 0",
    ),
    TaggedFile(
        "literal.csv",
        "Sentence,Tag\n\"['Ann', 'Lee', 'left']\",\"['B-PER', 'I-PER', 'O']\"\n",
        ANN,
        PER,
        options={"token_column": "Sentence"},
    ),
    TaggedFile("spaces.csv", "sentence,tags\nAnn Lee left,B-PER I-PER O\n", ANN, PER),
    TaggedFile(
        "uneven.csv",
        "sentence,tags\nAnn Lee left,B-PER I-PER\n",
        error="uneven.csv: row 2: 3 tokens and 2 tags; each token needs one",
    ),
    # a word in each row
    TaggedFile(
        "kaggle.csv",
        "Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B-PER\n,Lee,NNP,I-PER\n,left,VBD,O\n"
        'Sentence: 2,in,IN,O\n,Rome,NNP,B-LOC\n,",",",",O\n',
        ["Ann Lee left", "in Rome ,"],
        ["B-PER I-PER O", "O B-LOC O"],
        note="a word in each row: words are Word, tags Tag",
    ),
    TaggedFile(
        "every.csv",
        "id,sentence_id,token,ner\n1,7,Ann,B-PER\n2,7,Lee,I-PER\n3,7,left,O\n4,8,in,O\n5,8,Rome,B-LOC\n",
        BOTH,
        KINDS,
    ),
    TaggedFile(
        "one.csv", "word,pos,tag\nAnn,NNP,B-PER\nLee,NNP,I-PER\n", error="one.csv: which rows are one sentence?"
    ),
    # spans by characters
    TaggedFile("spacy.json", SPACY, BOTH, KINDS, texts=[*BOTH], note="spans by characters: 2 in 2 texts"),
    TaggedFile("annotator.json", '{"classes": ["PER", "LOC"], "annotations": ' + SPACY + "}", BOTH, KINDS),
    TaggedFile(
        "doccano.jsonl",
        '{"id": 1, "text": "Ann Lee left", "label": [[0, 7, "PER"]]}\n'
        '{"id": 2, "text": "in Rome", "label": [[3, 7, "LOC"]]}\n',
        BOTH,
        KINDS,
    ),
    TaggedFile(
        "doccano2.jsonl",
        '{"text": "in Rome", "entities": [{"id": 3, "label": "LOC", "start_offset": 3, '
        '"end_offset": 7}], "relations": []}\n',
        ["in Rome"],
        ["O B-LOC"],
    ),
    TaggedFile(
        "prodigy.jsonl",
        '{"text": "in Rome", "tokens": [{"text": "in", "start": 0, "end": 2, "id": 0}], '
        '"spans": [{"start": 3, "end": 7, "label": "LOC"}]}\n',
        ["in Rome"],
        ["O B-LOC"],
    ),
    TaggedFile(
        "rasa.json",
        '{"rasa_nlu_data": {"common_examples": [{"text": "fly to Rome", "intent": "fly", "entities": '
        '[{"start": 7, "end": 11, "value": "Rome", "entity": "city"}]}, {"text": "hi", "intent": "hello", '
        '"entities": []}]}}',
        ["fly to Rome", "hi"],
        ["O O B-city", "O"],
        intents=["fly", "hello"],
    ),
    TaggedFile(
        "rasa.yml",
        'version: "3.1"\nnlu:\n- intent: fly\n  examples: |\n    - fly to [New York](city)\n'
        '    - go to [rome]{"entity": "city", "value": "Rome"} now\n- synonym: x\n  examples: |\n    - y\n'
        "- intent: hello\n  examples: |\n    - hi\n",
        ["fly to New York", "go to rome now", "hi"],
        ["O O B-city I-city", "O O B-city O", "O"],
        intents=["fly", "fly", "hello"],
    ),
    TaggedFile(
        "studio.json",
        '[{"id": 1, "data": {"text": "in Rome"}, "annotations": [{"result": [{"type": "labels", '
        '"value": {"start": 3, "end": 7, "text": "Rome", "labels": ["LOC"]}}]}]}]',
        ["in Rome"],
        ["O B-LOC"],
    ),
    TaggedFile(
        "mini.json",
        '[{"text": "in Rome", "label": [{"start": 3, "end": 7, "text": "Rome", "labels": ["LOC"]}]}]',
        ["in Rome"],
        ["O B-LOC"],
    ),
    TaggedFile(
        "inside.jsonl",
        '{"text": "in Rome-bound", "label": [[3, 6, "LOC"]]}\n',
        ["in Rom e - bound"],
        ["O B-LOC O O O"],
        note="1 word cut where a span ends inside, the first in row 1",
    ),
    TaggedFile(
        "beyond.jsonl",
        '{"text": "in Rome", "label": [[3, 9, "LOC"]]}\n',
        error="beyond.jsonl: row 1: the span LOC from 3 to 9 is none of a text of 7 characters",
    ),
    TaggedFile(
        "overlap.jsonl",
        '{"text": "in Rome", "label": [[3, 7, "LOC"], [0, 4, "X"]]}\n',
        error="overlap.jsonl: row 1: the spans X and LOC overlap; a token can have one tag",
    ),
    TaggedFile(
        "shifted.json",
        '[{"text": "in Rome", "label": [{"start": 2, "end": 6, "text": "Rome", "labels": ["L"]}]}]',
        error="shifted.json: row 0: the span L is 'Rome', at 2 to 6 stands ' Rom'",
    ),
]
