#!/usr/bin/env python3
"""Compares the rendering of chat templates with Python's jinja2, set up as Hugging Face's transformers does.

    chat_template_texts.py DRIVER FOLDER         every *.jinja of the folder with the conversations below
    chat_template_texts.py DRIVER FILE           cases, one JSON object a line: t template, v variables
    chat_template_texts.py DRIVER FILE --store   writes into every case what jinja2 gives: e the text, none where it
                                                 raises; refused where the driver refuses what jinja2 renders

DRIVER is build/tests/chat_template_text. A text that differs is wrong and fails the run; a refusal is only counted. A
template that jinja2 refuses as well counts as equal. Needs jinja2 and transformers.
"""

import datetime
import json
import pathlib
import subprocess
import sys

from transformers.utils import chat_template_utils

DATE = datetime.datetime(2026, 3, 5)
ODD = "a\u00a0b \t'x' \"y\" <s> {{ 1 }} \u4f60\u597d \U0001f600 \\n\r\n  end\n"
CONVERSATIONS = {
    "user": [("user", "hi")],
    "system": [("system", " Be brief. "), ("user", "What is 2 + 2?\n")],
    "turns": [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", " d "), ("user", "e")],
    "odd": [("user", ODD), ("assistant", "<think>\nwhy\n</think>\n\nso"), ("user", ODD)],
    "empty": [("user", "")],
    "wrong": [("user", "a"), ("user", "b")],
    "answered": [("user", "a"), ("assistant", "b")],
    "think": [("user", "1"), ("assistant", "<think>x</think>y"), ("user", "2"), ("assistant", "</think>z")],
}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds \u00e9 & <b>.", "parameters": {
    "type": "object", "required": ["a"], "properties": {
        "a": {"type": "number", "description": "first"},
        "b": {"type": "array", "items": {"type": "string"}, "enum": ["x", "y"], "default": 1.5},
        "c": {"type": "object", "properties": {"d": {"type": ["string", "null"]}}}}},
    "return": {"type": "number"}}}
CALL = {"id": "call00001", "type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": ["x"], "c": None, "d": "e'f"}}}
TOOLS_USED = [{"role": "system", "content": "s"}, {"role": "user", "content": "add"},
              {"role": "assistant", "content": "", "tool_calls": [CALL]},
              {"role": "tool", "tool_call_id": "call00001", "name": "add", "content": "{\"sum\": 3}"},
              {"role": "assistant", "content": "3", "reasoning_content": "easy"}, {"role": "user", "content": "thanks"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]


def contexts():
    """Name and variables of every conversation, as transformers gives them to a template."""
    usual = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    conversations = {name: [{"role": role, "content": content} for role, content in turns]
                     for name, turns in CONVERSATIONS.items()}
    conversations["parts"] = PARTS
    for name, messages in conversations.items():
        for prompt in (True, False):
            yield f"{name}/{prompt}", {"messages": messages, "tools": None, "documents": None,
                                       "add_generation_prompt": prompt, **usual}
    base = {"messages": conversations["turns"], "tools": None, "documents": None, "add_generation_prompt": True, **usual}
    for extra in ({"enable_thinking": False}, {"enable_thinking": True}, {"reasoning_effort": "low"}, {"thinking": True},
                  {"keep_past_thinking": True}, {"tools": [TOOL]}):
        yield f"turns/{extra}"[:40], {**base, **extra}
    yield "tools", {**base, "messages": TOOLS_USED, "tools": [TOOL]}
    yield "tools/no prompt", {**base, "messages": TOOLS_USED, "tools": [TOOL], "add_generation_prompt": False}


def spans(compiled, variables, text):
    """First byte and end of what {% generation %} marked, joined where spans meet, as transformers counts it."""
    known = ("messages", "tools", "documents", "add_generation_prompt")
    _, indices = chat_template_utils._render_with_assistant_indices(
        compiled, *(variables.get(name) for name in known), **{k: v for k, v in variables.items() if k not in known})
    out = []
    for begin, end in sorted((len(text[:b].encode()), len(text[:e].encode())) for b, e in indices if b < e):
        if out and begin <= out[-1][1]:
            out[-1][1] = max(end, out[-1][1])
        else:
            out.append([begin, end])
    return out


def jinja2_text(template, variables):
    """The text and the spans of {% generation %}, or why there is none."""
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        text = compiled.render(**variables)
        return {"text": text, "generated": spans(compiled, variables, text) if "generation" in template else []}
    except RecursionError:
        raise
    except Exception as error:  # whatever Python raises, ours must refuse too
        return {"error": f"{type(error).__name__}: {error}"}


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(DATE.year, DATE.month, DATE.day)


def compare(driver, cases):
    """Prints the counts of (group, name, template, variables) by group."""
    chat_template_utils.datetime = FixedDate
    questions = "".join(json.dumps({"template": t, "context": v, "date": DATE.strftime("%Y-%m-%d")}) + "\n"
                        for _, _, t, v in cases)
    answers = subprocess.run([driver], input=questions, capture_output=True, text=True, check=True).stdout
    counts = {}
    for (group, name, template, variables), line in zip(cases, answers.split("\n"), strict=False):
        ours, theirs = json.loads(line), jinja2_text(template, variables)
        same = "text" in ours and ours == theirs
        verdict = ("equal" if same or "error" in ours and "error" in theirs
                   else "refused" if "error" in ours else "wrong")
        counts.setdefault(group, []).append(verdict)
        if verdict != "equal":
            print(f"{verdict}: {group} {name}\n  ours   {json.dumps(ours)[:600]}\n  theirs {json.dumps(theirs)[:600]}")
    whole = sum(all(v == "equal" for v in verdicts) for verdicts in counts.values())
    every = [v for verdicts in counts.values() for v in verdicts]
    print(f"{whole} of {len(counts)} equal in everything; of {len(every)} renderings "
          + ", ".join(f"{every.count(v)} {v}" for v in ("equal", "refused", "wrong")))
    return every.count("wrong") == 0


def store(driver, file, rows):
    chat_template_utils.datetime = FixedDate
    out = []
    for row in rows:
        question = {"template": row["t"], "context": row["v"], "date": DATE.strftime("%Y-%m-%d")}
        ours = json.loads(subprocess.run([driver], input=json.dumps(question), capture_output=True, text=True).stdout)
        theirs = jinja2_text(row["t"], row["v"])
        case = {"t": row["t"], "v": row["v"]}
        if "text" in theirs:
            case["e"] = theirs["text"]
            if "error" in ours:
                case["refused"] = True
        out.append(json.dumps(case) + "\n")
    file.write_text("".join(out), encoding="utf-8")


def main():
    driver, place = sys.argv[1], pathlib.Path(sys.argv[2])
    if place.is_dir():
        cases = [(file.name, name, file.read_text(encoding="utf-8"), variables)
                 for file in sorted(place.glob("**/*.jinja")) for name, variables in contexts()]
    else:
        rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line.strip()]
        cases = [(f"{i}: {row['t'][:60]!r}", row.get("n", ""), row["t"], row.get("v") or {})
                 for i, row in enumerate(rows, 1)]
        if "--store" in sys.argv[3:]:
            return store(driver, place, rows)
    return sys.exit(0 if compare(driver, cases) else 1)


if __name__ == "__main__":
    main()
