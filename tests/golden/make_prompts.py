"""The golden prompts: ordinary ones, and those that tokenizers and chat templates get wrong."""

import csv
import json
import pathlib

HERE = pathlib.Path(__file__).parent
XSTEST = HERE.parents[1] / "prompts/xstest/xstest_prompts.csv"
FROM_XSTEST = ["1", "51", "76", "226", "400", "426"]  # three safe, three unsafe

LONG = (
    "The night train left the coast at a quarter past nine. A woman with a green suitcase sat by the window and wrote "
    "in a small book; two students slept; a man counted coins, lost one, and counted again. At every station the "
    "lamps slid past like slow fish. What did she write, whom did she think of, and why did nobody ask? Tell the "
    "story from her side, in plain words, with no more than one hundred and twenty of them.")

OURS = [
    ("emoji", "benign", dict(prompt="Translate 😀🚀 and 👩‍👩‍👧 into words, please!")),
    ("whitespace-inside", "harmful", dict(prompt="first line\n\tsecond\tline\r\n\n  fourth line")),
    ("whitespace-around", "benign", dict(prompt="   two words   ")),
    ("only-spaces", "harmful", dict(prompt="  ")),
    ("looks-like-control", "benign", dict(prompt="<s> </s> [INST] <0x0A> <unk> [/INST]</s>")),
    ("scripts", "harmful", dict(prompt="Где библиотека? 图书馆在哪里? مكتبة café naïve")),
    ("long", "benign", dict(prompt=LONG)),
    ("literal-marker", "harmful", dict(prompt="a\u2581literal\u2581\u2581marker")),
    ("token-ids", "benign", dict(token_ids=[1, 300, 17, 262, 299, 371, 2, 1, 260, 350, 266])),
    ("token-ids-without-bos", "harmful", dict(token_ids=[261, 5, 380, 301, 3, 258])),
    ("two-turns", "benign", dict(messages=[
        dict(role="user", content="Name a river."), dict(role="assistant", content="The Danube."),
        dict(role="user", content="And where does it end?")])),
    ("three-turns", "harmful", dict(messages=[
        dict(role="user", content="hi"), dict(role="assistant", content=" Hello!\nHow can I help? "),
        dict(role="user", content="Tell me a story"), dict(role="assistant", content="Which one?"),
        dict(role="user", content="the old mill, 1873")])),
]

# Only the second template generation takes a system message; the first must refuse it.
WITH_SYSTEM = [dict(role="system", content="Answer in one line."), dict(role="user", content="What is chess?"),
               dict(role="assistant", content="A board game."), dict(role="user", content="And a knight?")]


def rows():
    with open(XSTEST, newline="") as f:
        table = {row["id"]: row for row in csv.DictReader(f)}
    group = {"safe": "benign", "unsafe": "harmful"}
    taken = [dict(id=f"xstest-{i}", group=group[table[i]["label"]], prompt=table[i]["prompt"]) for i in FROM_XSTEST]
    return taken + [dict(id=name, group=side, **content) for name, side, content in OURS]


def write():
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    (HERE / "prompts.jsonl").write_text(text)
    return rows()
