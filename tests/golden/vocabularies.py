"""Two small SentencePiece vocabularies of the kind Mixtral uses: BPE, byte fallback, identity normaliser."""

import io

import sentencepiece

BOS, EOS = 1, 2

# Little text, so that many prompts need byte pieces and many words split in several ways.
SENTENCES = [
    "How do I repair a wooden chair at home?",
    "The river runs past the old mill and the new bridge.",
    "Explain the rules of chess to a child in three steps.",
    "She reads a short story to the class every morning.",
    "What is the best way to learn a language in one year?",
    "Write a list of things to pack for a trip to the mountains.",
    "The train to the city leaves at 7:45 and arrives at 9:30.",
    "Can you tell me where the nearest library is?",
    "They planted tomatoes, carrots and herbs behind the house.",
    "A good question is worth more than a quick answer.",
    "Please summarise the letter and keep it short.",
    "The children built a tower of 120 blocks; it fell down twice.",
    "Sure, here is a simple plan for the weekend.",
    "I'm sorry, but I cannot help with that request.",
    "If it rains, we shall stay inside and play a board game.",
    "The expert looked at the painting and wrote down its price.",
]
MORE = [  # the larger vocabulary also knows these
    "Le café près de la gare est fermé; où irons-nous après l'école?",
    "Die Tür öffnet sich früh am Morgen, und die Straße ist noch naß.",
    "El niño pidió una canción más; ¿quién la cantará mañana?",
    "Где находится ближайшая библиотека, и когда она открыта?",
    "def main(args): return {x: x * 2 for x in range(10)}  # code",
    "Experts are chosen by a router; each token uses two of eight.",
]


def train(size, sentences):
    """The model file's bytes. [INST] is plain text in this generation of chat formats, so the text contains it."""
    lines = [f"[INST] {s} [/INST]" for s in sentences] + list(sentences)
    blob = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=blob, model_type="bpe", vocab_size=size, byte_fallback=True,
        split_digits=True, add_dummy_prefix=True, remove_extra_whitespaces=False, normalization_rule_name="identity",
        allow_whitespace_only_pieces=True, character_coverage=0.99995, unk_id=0, bos_id=BOS, eos_id=EOS, pad_id=-1,
        num_threads=1, minloglevel=2)
    return blob.getvalue()


def all_vocabularies():
    """size -> model file"""
    return {384: train(384, SENTENCES), 512: train(512, SENTENCES + MORE)}


def encode_messages(processor, messages):
    """The reference rule: BOS, then each turn on its own, so SentencePiece puts its dummy prefix at every turn.

    A system message goes into the first user turn. The space that the later template generation renders before
    [INST] is dropped: it stands for the same dummy prefix.
    """
    ids, system = [BOS], ""
    for message in messages:
        content = message["content"]
        if message["role"] == "system":
            system = content + "\n\n"
        elif message["role"] == "user":
            ids += processor.encode(f"[INST] {system}{content} [/INST]")
            system = ""
        else:
            ids += processor.encode(content) + [EOS]
    return ids
