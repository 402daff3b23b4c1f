#include "decoder.h"

#include <algorithm>

#include "byte_alphabet.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"
#include "unicode.h"

namespace gatesweep::bpe {
namespace {

constexpr int max_depth = 8;           // of Sequences in Sequences
constexpr std::size_t max_steps = 16;  // real ones have up to 4
constexpr std::size_t max_bytes = 1 << 26;
constexpr std::uint64_t max_strip = 1 << 16;

std::string joined(std::vector<std::string> const& tokens) {
    std::string text;
    for (auto const& token : tokens)
        text += token;
    return text;
}

std::string replaced(Pattern const& pattern, std::string const& content, std::string const& token) {
    std::string out;
    std::size_t at = 0;
    for (Match const match : pattern.find_all(token)) {
        out.append(token, at, match.begin - at).append(content);
        at = match.end;
    }
    return out.append(token, at);
}

// Bytes in a row are text if all of them together are UTF-8; otherwise each is lost.
std::vector<std::string> without_byte_names(std::vector<std::string> const& tokens) {
    std::vector<std::string> out;
    std::string bytes;
    auto const finish = [&] {
        if (find_invalid_utf8(bytes) != std::string::npos)
            out.insert(out.end(), bytes.size(), std::string(replacement_utf8));
        else if (!bytes.empty())
            out.push_back(bytes);
        bytes.clear();
    };
    for (auto const& token : tokens) {
        if (auto const byte = byte_named(token)) {
            bytes += static_cast<char>(*byte);
            continue;
        }
        finish();
        out.push_back(token);
    }
    finish();
    return out;
}

std::string stripped(std::string_view token, std::string_view content, std::size_t start, std::size_t stop) {
    for (; start > 0 && token.starts_with(content); --start)
        token.remove_prefix(content.size());
    for (; stop > 0 && token.ends_with(content); --stop)
        token.remove_suffix(content.size());
    return std::string(token);
}

}  // namespace

Decoder::Decoder(Fields const& fields) : exists_(true) {
    add(fields, 0);
}

void Decoder::add(Fields const& fields, int depth) {
    std::string const type = fields.text("type");
    if (steps_.size() >= max_steps) fields.refuse("type");
    auto const one_character = [&](char const* name) {
        std::string text = fields.text(name);
        if (text.empty() || character_at(text, 0).size != text.size()) fields.refuse(name);
        return text;
    };
    if (type == "Sequence" && depth < max_depth) {
        fields.allow_only({"type", "decoders"});
        for (Fields const& part : fields.objects("decoders"))
            add(part, depth + 1);
    } else if (type == "ByteLevel") {
        fields.allow_only({"type", "add_prefix_space", "trim_offsets", "use_regex"});  // of encoding
        steps_.emplace_back(ByteLevel{});
    } else if (type == "ByteFallback") {
        fields.allow_only({"type"});
        steps_.emplace_back(ByteFallback{});
    } else if (type == "Fuse") {
        fields.allow_only({"type"});
        steps_.emplace_back(Fuse{});
    } else if (type == "Strip") {
        fields.allow_only({"type", "content", "start", "stop"});
        steps_.emplace_back(
            Strip{one_character("content"), fields.number("start", max_strip), fields.number("stop", max_strip)});
    } else if (type == "Replace") {
        fields.allow_only({"type", "pattern", "content"});
        steps_.emplace_back(Replace{Pattern::read(fields), fields.text("content")});
    } else if (type == "Metaspace") {
        fields.allow_only({"type", "replacement", "prepend_scheme", "split", "str_rep", "add_prefix_space"});
        bool const never = fields.optional_text("prepend_scheme").value_or("always") == "never" ||
                           !fields.flag("add_prefix_space", true);
        steps_.emplace_back(Metaspace{one_character("replacement"), !never});
    } else {
        fields.refuse("type");
    }
}

void Decoder::apply(Step const& step, std::vector<std::string>& tokens) {
    if (std::holds_alternative<ByteLevel>(step)) {
        std::string bytes;
        for (auto const& token : tokens)
            bytes += bytes_behind(token).value_or(token);
        tokens = {with_replacements(bytes)};
    } else if (std::holds_alternative<ByteFallback>(step)) {
        tokens = without_byte_names(tokens);
    } else if (std::holds_alternative<Fuse>(step)) {
        tokens = {joined(tokens)};
    } else if (auto const* strip = std::get_if<Strip>(&step)) {
        for (auto& token : tokens)
            token = stripped(token, strip->content, strip->start, strip->stop);
    } else if (auto const* replace = std::get_if<Replace>(&step)) {
        for (auto& token : tokens)
            token = replaced(replace->pattern, replace->content, token);
    } else {
        auto const& metaspace = std::get<Metaspace>(step);
        Pattern const pattern(metaspace.replacement);
        for (std::size_t i = 0; i < tokens.size(); ++i)
            tokens[i] = replaced(pattern, i == 0 && metaspace.drops_first ? "" : " ", tokens[i]);
    }
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
    if (!exists_) {
        for (std::size_t i = 1; i < tokens.size(); ++i)
            tokens[i] = std::string(1, ' ').append(tokens[i]);
    }
    for (Step const& step : steps_) {
        apply(step, tokens);
        std::size_t size = 0;
        for (auto const& token : tokens)
            size += token.size();
        GATESWEEP_VALIDATE(size <= max_bytes, ExitCode::bad_data,
                           "the tokenizer's decoder makes {} bytes of {} tokens (no real one does): is it the "
                           "checkpoint's tokenizer.json?",
                           size, tokens.size());
    }
    return joined(tokens);
}

}  // namespace gatesweep::bpe
