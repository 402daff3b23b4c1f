#include "gatesweep/input/chat_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "input/jinja/jinja.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_template_bytes = 64 << 10;  // real ones have 0.5 to 15 kB

jinja::Value conversation(std::vector<Message> const& messages, std::size_t count) {
    jinja::List out;
    for (std::size_t i = 0; i < count; ++i) {
        // The role too: where a template prints it, it comes from the prompt file and never becomes a control piece.
        out.push_back(jinja::make_dict({{"role", jinja::Text(messages[i].role, jinja::Text::by_user)},
                                        {"content", jinja::Text(messages[i].content, jinja::Text::by_user)}}));
    }
    return jinja::make_list(std::move(out));
}

// Of JSON, which the job's and the checkpoint's authors wrote, not the user.
jinja::Value value_of(nlohmann::ordered_json const& json) {
    if (json.is_null()) return jinja::None{};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_float()) return json.get<double>();
    if (json.is_number()) return json.get<std::int64_t>();
    if (json.is_string()) return jinja::make_text(json.get_ref<std::string const&>());
    jinja::List items;
    jinja::Names entries;
    for (auto const& [name, item] : json.items()) {
        if (json.is_array())
            items.push_back(value_of(item));
        else
            entries.emplace_back(name, value_of(item));
    }
    return json.is_array() ? jinja::make_list(std::move(items)) : jinja::make_dict(entries);
}
jinja::Value value_of(std::string const& json) {
    return value_of(nlohmann::ordered_json::parse(json));
}

// The control piece that the template wrote at `at`, the longest one.
ControlPiece const* control_piece_at(jinja::Text const& text, std::size_t at, Tokenizer const& tokenizer) {
    ControlPiece const* best = nullptr;
    for (auto const& candidate : tokenizer.control_pieces()) {
        std::size_t const size = candidate.text.size();
        if (size == 0 || (best && best->text.size() >= size) || text.bytes.compare(at, size, candidate.text) != 0)
            continue;
        if (text.authors.find(jinja::Text::by_user, at) < at + size) continue;
        best = &candidate;
    }
    return best;
}

class TurnEncoder {
public:
    TurnEncoder(jinja::Text const& text, Tokenizer const& tokenizer, std::vector<TokenPlace>* places)
        : text_(text), tokenizer_(tokenizer), places_(places) {}

    std::vector<std::int32_t> run(std::vector<std::size_t> const& turn_ends) {
        auto end = turn_ends.begin();
        for (std::size_t at = 0; at < text_.bytes.size();) {
            if (end != turn_ends.end() && at >= *end) {
                finish_segment(at);
                ++end;
                continue;
            }
            // User text holds no control pieces: go to where the template speaks again.
            if (text_.authors[at] == jinja::Text::by_user) {
                std::size_t const next = std::min(text_.authors.find(jinja::Text::by_template, at), text_.bytes.size());
                at = end != turn_ends.end() ? std::min(next, *end) : next;
                continue;
            }
            if (ControlPiece const* control = control_piece_at(text_, at, tokenizer_)) {
                finish_segment(at);
                ids_.push_back(control->id);
                if (places_) places_->push_back({at, at + control->text.size()});
                at += control->text.size();
                begin_ = at;
            } else {
                ++at;
            }
        }
        finish_segment(text_.bytes.size());
        return std::move(ids_);
    }

private:
    void finish_segment(std::size_t end) {
        if (begin_ < end && text_.bytes[begin_] == ' ' && text_.authors[begin_] == jinja::Text::by_template) ++begin_;
        std::vector<TokenPlace> places;
        auto const ids =
            tokenizer_.encode(std::string_view(text_.bytes).substr(begin_, end - begin_), places_ ? &places : nullptr);
        ids_.insert(ids_.end(), ids.begin(), ids.end());
        for (TokenPlace const& place : places)  // a dummy prefix alone is part of what follows
            places_->push_back({begin_ + place.begin, begin_ + std::max(place.end, place.begin + 1)});
        begin_ = end;
    }

    jinja::Text const& text_;
    Tokenizer const& tokenizer_;
    std::vector<TokenPlace>* places_;
    std::size_t begin_ = 0;  // of the segment that is being read
    std::vector<std::int32_t> ids_;
};

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::string name, TemplateSettings settings)
    : source_(std::move(source)), name_(std::move(name)), settings_(std::move(settings)) {
    GATESWEEP_VALIDATE(source_.size() <= max_template_bytes, ExitCode::bad_data,
                       "{}: the chat template has {} bytes: is it the right file?", name_, source_.size());
    GATESWEEP_VALIDATE(find_invalid_utf8(source_) == std::string::npos, ExitCode::bad_data,
                       "{}: the chat template is not UTF-8: save it as UTF-8", name_);
    try {
        template_ = std::make_shared<jinja::Template const>(source_);
    } catch (Error const& error) {
        fail(error.code(), "{}: chat template, {}: put a simpler chat_template.jinja into the checkpoint's folder",
             name_, error.what());
    }
}

jinja::Rendering ChatTemplate::rendering(std::vector<Message> const& messages, std::size_t count, Turns turns,
                                         Tokenizer const& tokenizer) const {
    jinja::Names globals = {{"tools", jinja::None{}}, {"documents", jinja::None{}}};
    for (auto const& [name, text] : tokenizer.named_tokens())
        put(globals, name, jinja::make_text(text));
    for (auto const& [name, value] : settings_.special_tokens)
        put(globals, name, value == "null" ? jinja::Undefined{name} : value_of(value));
    for (auto const& [name, value] : settings_.arguments)
        put(globals, name, value_of(value));
    put(globals, "messages", conversation(messages, count));
    put(globals, "add_generation_prompt", turns == Turns::all);
    return template_->render(globals, settings_.date);
}

// Where a turn ends: the rendering of the conversation's first turns is the beginning of the whole. A template that
// treats the last turn in another way has no such place, and is encoded in one piece there.
std::vector<std::size_t> ChatTemplate::turn_ends(std::vector<Message> const& messages, jinja::Text const& whole,
                                                 Tokenizer const& tokenizer) const {
    std::vector<std::size_t> ends;
    for (std::size_t count = 1; count < messages.size(); ++count) {
        try {
            jinja::Text const part = rendering(messages, count, Turns::some, tokenizer).text;
            if (whole.bytes.starts_with(part.bytes) && whole.authors.starts_with(part.authors))
                ends.push_back(part.bytes.size());
        } catch (Error const&) {  // it refuses a conversation that ends there
        }
    }
    return ends;
}

ChatText ChatTemplate::render(std::vector<Message> const& messages, Turns turns, Tokenizer const& tokenizer) const {
    try {
        jinja::Rendering out = rendering(messages, messages.size(), turns, tokenizer);
        ChatText text{std::move(out.text.bytes), std::move(out.text.authors), {}};
        for (auto const& [begin, end] : out.generated)
            text.generated.emplace_back(begin, end);
        return text;
    } catch (Error const& error) {
        fail(error.code(), "{}: chat template, {}: correct the conversation or the template", name_, error.what());
    }
}

std::vector<std::int32_t> ChatTemplate::encode(std::vector<Message> const& messages, Tokenizer const& tokenizer) const {
    GATESWEEP_VALIDATE(!messages.empty() && messages.back().role == "user", ExitCode::bad_data,
                       "the conversation does not end with a user turn (the model answers one): end it with one");
    return encode(render(messages, Turns::all, tokenizer), messages, tokenizer, nullptr);
}

ChatTokens ChatTemplate::tokens(std::vector<Message> const& messages, Tokenizer const& tokenizer) const {
    bool const is_answered = !messages.empty() && messages.back().role == "assistant";
    ChatTokens out;
    out.text = render(messages, is_answered ? Turns::some : Turns::all, tokenizer);
    out.ids = encode(out.text, messages, tokenizer, &out.places);
    return out;
}

std::vector<std::int32_t> ChatTemplate::encode(ChatText const& rendered, std::vector<Message> const& messages,
                                               Tokenizer const& tokenizer, std::vector<TokenPlace>* places) const {
    jinja::Text text;
    text.bytes = rendered.bytes;
    text.authors = rendered.authors;
    static_assert(jinja::Text::by_user == Tokenizer::by_user);
    if (tokenizer.tokenization() == Tokenization::huggingface) {
        auto ids = tokenizer.encode(text.bytes, text.authors, places);
        bool const has_two = ids.size() > 1 && ids[0] == tokenizer.bos_id() && ids[1] == ids[0];
        GATESWEEP_VALIDATE(!has_two, ExitCode::bad_data,
                           "{}: the chat template writes \"{}\" 2 times (a sequence begins with exactly one): correct "
                           "the template",
                           name_, tokenizer.piece(tokenizer.bos_id()));
        return ids;
    }
    auto ids = TurnEncoder(text, tokenizer, places).run(turn_ends(messages, text, tokenizer));
    auto const count = std::count(ids.begin(), ids.end(), tokenizer.bos_id());
    if (count == 0) {
        ids.insert(ids.begin(), tokenizer.bos_id());
        if (places) places->insert(places->begin(), {0, 0});
    }
    GATESWEEP_VALIDATE(
        count <= 1 && ids.front() == tokenizer.bos_id(), ExitCode::bad_data,
        "{}: the chat template writes \"{}\" {} (a sequence begins with exactly one): correct the template", name_,
        tokenizer.piece(tokenizer.bos_id()), count > 1 ? fmt::format("{} times", count) : "after other text");
    return ids;
}

}  // namespace gatesweep
