#include "pre_tokenizer.h"

#include <algorithm>
#include <utility>

namespace gatesweep::bpe {
namespace {

constexpr int max_depth = 8;           // of Sequences in Sequences
constexpr std::size_t max_steps = 64;  // real ones have up to 7
constexpr char const* gpt2_pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::vector<Match> digits_of(std::string_view text) {
    std::vector<Match> out;
    for (std::size_t at = 0; at < text.size();) {
        Character const c = character_at(text, at);
        if (is_digit(c.code)) out.push_back({at, at + c.size});
        at += c.size;
    }
    return out;
}

}  // namespace

PreTokenizer::PreTokenizer(Fields const& fields) {
    add(fields, 0);
}

void PreTokenizer::add(Fields const& fields, int depth) {
    std::string const type = fields.text("type");
    if (is_byte_level_ || steps_.size() >= max_steps) fields.refuse("type");  // behind ByteLevel a text is in disguise
    if (type == "Sequence" && depth < max_depth) {
        fields.allow_only({"type", "pretokenizers"});
        for (Fields const& part : fields.objects("pretokenizers"))
            add(part, depth + 1);
    } else if (type == "Split") {
        add_split(fields);
    } else if (type == "Digits") {
        fields.allow_only({"type", "individual_digits"});
        steps_.emplace_back(Digits{fields.flag("individual_digits")});
    } else if (type == "Metaspace") {
        add_metaspace(fields);
    } else if (type == "ByteLevel") {
        add_byte_level(fields);
    } else {
        fields.refuse("type");
    }
}

void PreTokenizer::add_split(Fields const& fields) {
    fields.allow_only({"type", "pattern", "behavior", "invert"});
    std::string const word = fields.text("behavior");
    constexpr std::pair<std::string_view, Behaviour> known[] = {{"Removed", Behaviour::removed},
                                                                {"Isolated", Behaviour::isolated},
                                                                {"MergedWithPrevious", Behaviour::merged_with_previous},
                                                                {"MergedWithNext", Behaviour::merged_with_next},
                                                                {"Contiguous", Behaviour::contiguous}};
    auto const* found =
        std::find_if(std::begin(known), std::end(known), [&](auto const& k) { return k.first == word; });
    if (found == std::end(known)) fields.refuse("behavior");
    steps_.emplace_back(Split{Pattern::read(fields), found->second, fields.flag("invert")});
}

void PreTokenizer::add_metaspace(Fields const& fields) {
    // Files of older versions hold str_rep, and add_prefix_space in place of prepend_scheme.
    fields.allow_only({"type", "replacement", "prepend_scheme", "split", "str_rep", "add_prefix_space"});
    Metaspace step{fields.text("replacement"), Prepend::always, fields.flag("split", true)};
    if (step.replacement.empty() || character_at(step.replacement, 0).size != step.replacement.size())
        fields.refuse("replacement");
    std::string const scheme = fields.optional_text("prepend_scheme").value_or("always");
    if (scheme == "first")
        step.prepend = Prepend::first;
    else if (scheme == "never")
        step.prepend = Prepend::never;
    else if (scheme != "always")
        fields.refuse("prepend_scheme");
    if (fields.has("add_prefix_space") && !fields.flag("add_prefix_space")) {
        if (fields.has("prepend_scheme") && scheme != "never") fields.refuse("add_prefix_space");
        step.prepend = Prepend::never;
    }
    steps_.emplace_back(std::move(step));
}

void PreTokenizer::add_byte_level(Fields const& fields) {
    fields.allow_only({"type", "add_prefix_space", "use_regex", "trim_offsets"});  // offsets are not asked for
    if (fields.flag("add_prefix_space")) steps_.emplace_back(PrefixSpace{});
    if (fields.flag("use_regex", true))
        steps_.emplace_back(Split{Pattern(Regex(gpt2_pattern, fields.place())), Behaviour::isolated, false});
    is_byte_level_ = true;
}

// The matches, and what stands between them.
std::vector<PreTokenizer::Part> PreTokenizer::all_parts(std::vector<Match> const& matches, std::size_t size,
                                                        bool is_inverted) {
    std::vector<Part> out;
    std::size_t at = 0;
    for (Match const match : matches) {
        if (at != match.begin) out.push_back({{at, match.begin}, is_inverted});
        out.push_back({match, !is_inverted});
        at = match.end;
    }
    if (at != size) out.push_back({{at, size}, is_inverted});
    return out;
}

void PreTokenizer::cut(Word word, std::vector<Part> const& parts, Behaviour behaviour, std::vector<Word>& out) {
    std::vector<Match> cuts;
    bool was_match = false;
    if (behaviour == Behaviour::merged_with_next) {
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            if (part->is_match && !was_match && !cuts.empty())
                cuts.back().begin = part->match.begin;
            else
                cuts.push_back(part->match);
            was_match = part->is_match;
        }
        std::reverse(cuts.begin(), cuts.end());
    } else {
        for (Part const& part : parts) {
            bool const is_joined =
                !cuts.empty() && ((behaviour == Behaviour::contiguous && part.is_match == was_match) ||
                                  (behaviour == Behaviour::merged_with_previous && part.is_match && !was_match));
            if (is_joined)
                cuts.back().end = part.match.end;
            else if (!part.is_match || behaviour != Behaviour::removed)
                cuts.push_back(part.match);
            was_match = part.is_match;
        }
    }
    for (Match const part : cuts) {
        if (part.begin < part.end)
            out.push_back({word.text.substr(part.begin, part.end - part.begin), word.begins_text && part.begin == 0,
                           word.origins ? word.origins + part.begin : nullptr});
    }
}

void PreTokenizer::apply(Step const& step, Word word, std::deque<Rewritten>& storage, std::vector<Word>& out) {
    if (auto const* split = std::get_if<Split>(&step)) {
        auto const matches = split->pattern.find_all(word.text);
        cut(word, all_parts(matches, word.text.size(), split->is_inverted), split->behaviour, out);
    } else if (auto const* digits = std::get_if<Digits>(&step)) {
        cut(word, all_parts(digits_of(word.text), word.text.size(), false),
            digits->individually ? Behaviour::isolated : Behaviour::contiguous, out);
    } else if (auto const* metaspace = std::get_if<Metaspace>(&step)) {
        auto& [text, origins] = storage.emplace_back();
        bool const may_prepend =
            metaspace->prepend == Prepend::always || (metaspace->prepend == Prepend::first && word.begins_text);
        bool const has_one = word.text.starts_with(' ') || word.text.starts_with(metaspace->replacement);
        if (may_prepend && !has_one) text = metaspace->replacement;
        if (word.origins) origins.resize(text.size(), word.origins[0]);
        for (std::size_t i = 0; i < word.text.size(); ++i) {
            if (word.text[i] == ' ')
                text += metaspace->replacement;
            else
                text += word.text[i];
            if (word.origins) origins.resize(text.size(), word.origins[i]);
        }
        Word const whole{text, word.begins_text, word.origins ? origins.data() : nullptr};
        if (!metaspace->splits) return out.push_back(whole);
        auto const matches = Pattern(metaspace->replacement).find_all(text);
        cut(whole, all_parts(matches, text.size(), false), Behaviour::merged_with_next, out);
    } else {
        if (word.text.starts_with(' ')) return out.push_back(word);
        auto& [text, origins] = storage.emplace_back(Rewritten{" " + std::string(word.text), {}});
        if (word.origins) {
            origins.assign(word.origins, word.origins + word.text.size());
            origins.insert(origins.begin(), word.origins[0]);
        }
        out.push_back({text, word.begins_text, word.origins ? origins.data() : nullptr});
    }
}

std::vector<Word> PreTokenizer::words(Word segment, std::deque<Rewritten>& storage) const {
    std::vector<Word> words = {segment}, next;
    for (Step const& step : steps_) {
        next.clear();
        for (Word const& word : words)
            apply(step, word, storage, next);
        words.swap(next);
    }
    return words;
}

}  // namespace gatesweep::bpe
