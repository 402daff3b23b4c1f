#include "normalizer.h"

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep::bpe {
namespace {

constexpr int max_depth = 8;           // of Sequences in Sequences
constexpr std::size_t max_steps = 64;  // real ones have up to 4
constexpr std::size_t spare_bytes = 1 << 16;
constexpr std::size_t max_growth = 16;

}  // namespace

Normalizer::Normalizer(Fields const& fields) {
    add(fields, 0);
}

void Normalizer::add(Fields const& fields, int depth) {
    std::string const type = fields.text("type");
    if (steps_.size() >= max_steps) fields.refuse("type");
    if (type == "Sequence" && depth < max_depth) {
        fields.allow_only({"type", "normalizers"});
        for (Fields const& part : fields.objects("normalizers"))
            add(part, depth + 1);
    } else if (type == "NFC") {
        fields.allow_only({"type"});
        steps_.emplace_back(Nfc{});
    } else if (type == "Prepend") {
        fields.allow_only({"type", "prepend"});
        steps_.emplace_back(Prepend{fields.text("prepend")});
    } else if (type == "Replace") {
        fields.allow_only({"type", "pattern", "content"});
        steps_.emplace_back(Replace{Pattern::read(fields), fields.text("content")});
    } else {
        fields.refuse("type");
    }
}

MarkedText Normalizer::replace(Replace const& step, MarkedText text) {
    auto const matches = step.pattern.find_all(text.bytes);
    if (matches.empty()) return text;
    MarkedText out;
    std::size_t at = 0;
    bool const is_marked = !text.user.empty(), has_origins = !text.origins.empty();
    auto const keep_until = [&](std::size_t end) {
        out.bytes.append(text.bytes, at, end - at);
        if (is_marked) out.user.append(text.user, at, end - at);
        if (has_origins)
            out.origins.insert(out.origins.end(), text.origins.begin() + static_cast<std::ptrdiff_t>(at),
                               text.origins.begin() + static_cast<std::ptrdiff_t>(end));
    };
    for (Match const match : matches) {
        keep_until(match.begin);
        out.bytes += step.content;
        if (is_marked) {
            auto const begin = text.user.begin();
            bool const of_user = std::find(begin + static_cast<std::ptrdiff_t>(match.begin),
                                           begin + static_cast<std::ptrdiff_t>(match.end),
                                           '\1') != begin + static_cast<std::ptrdiff_t>(match.end);
            out.user.append(step.content.size(), of_user ? '\1' : '\0');
        }
        if (has_origins) out.origins.resize(out.bytes.size(), text.origins[match.begin]);
        at = match.end;
    }
    keep_until(text.bytes.size());
    return out;
}

MarkedText Normalizer::apply(MarkedText text) const {
    std::size_t const limit = spare_bytes + max_growth * text.bytes.size();
    for (Step const& step : steps_) {
        GATESWEEP_VALIDATE(text.bytes.size() <= limit, ExitCode::bad_data,
                           "the tokenizer's normalizer makes {} bytes of a text (no real one does): is it the "
                           "checkpoint's tokenizer.json?",
                           text.bytes.size());
        if (std::holds_alternative<Nfc>(step)) {
            text = to_nfc(std::move(text));
        } else if (auto const* prepend = std::get_if<Prepend>(&step)) {
            if (text.bytes.empty()) continue;
            text.bytes.insert(0, prepend->text);
            if (!text.user.empty()) text.user.insert(0, prepend->text.size(), '\0');
            if (!text.origins.empty())
                text.origins.insert(text.origins.begin(), prepend->text.size(), text.origins.front());
        } else {
            text = replace(std::get<Replace>(step), std::move(text));
        }
    }
    return text;
}

}  // namespace gatesweep::bpe
