"""The two generations of Mixtral's chat template, and the three places where a checkpoint may keep one."""

import json

# December 2023: no system role.
FIRST = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)

# 2024: an optional system message, written into the first user turn; a space before [INST].
SECOND = """\
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('After the optional system message, conversation roles must alternate \
user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if loop.first and system_message is defined %}
            {{- " [INST] " + system_message + "\\n\\n" + message["content"] + " [/INST]" }}
        {%- else %}
            {{- " [INST] " + message["content"] + " [/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"] + eos_token}}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported, with the exception of an initial optional \
system message!') }}
    {%- endif %}
{%- endfor %}
"""

GENERATIONS = {"first": FIRST, "second": SECOND}


def write(folder, generation, place):
    """tokenizer_config.json and, for place "file", chat_template.jinja."""
    text = GENERATIONS[generation]
    config = dict(
        add_bos_token=True, add_eos_token=False, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        added_tokens_decoder={
            str(i): dict(content=piece, lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
            for i, piece in enumerate(["<unk>", "<s>", "</s>"])},
        clean_up_tokenization_spaces=False, legacy=True, tokenizer_class="LlamaTokenizer")
    if place == "string":
        config["chat_template"] = text
    elif place == "list":
        unused = "{{ raise_exception('not the default template') }}"
        config["chat_template"] = [dict(name="tool_use", template=unused), dict(name="default", template=text)]
    else:
        (folder / "chat_template.jinja").write_text(text)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    special = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
