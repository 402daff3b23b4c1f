#include "gatesweep/input/chat_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "jinja.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_template_bytes = 64 << 10;  // real ones have 0.5 to 15 kB
constexpr std::uint64_t max_config_bytes = 64 << 20;    // later vocabularies list a thousand added tokens

nlohmann::json read_config(std::filesystem::path const& file) {
    auto config = nlohmann::json::parse(read_file(file, max_config_bytes), nullptr, false);
    GATESWEEP_VALIDATE(config.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object: copy the checkpoint's file again", file.string());
    return config;
}

// The template named "default" of a list of {name, template}.
std::string pick_default(nlohmann::json const& list, std::string const& file) {
    std::string names;
    for (auto const& entry : list) {
        bool const sound = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                           entry.contains("template") && entry["template"].is_string();
        GATESWEEP_VALIDATE(sound, ExitCode::bad_data,
                           "{}: an entry of chat_template is not {{name, template}}: correct the file", file);
        auto const& name = entry["name"].get_ref<std::string const&>();
        if (name == "default") return entry["template"];
        names += (names.empty() ? "" : ", ") + printable(name);
    }
    fail(ExitCode::bad_data, "{}: chat_template has no entry named default (it has {}): name the one to use default",
         file, names.empty() ? "none" : names);
}

jinja::Value conversation(std::vector<Message> const& messages, std::size_t count) {
    jinja::List out;
    for (std::size_t i = 0; i < count; ++i) {
        // A role is compared, never printed by known templates; were it printed, it would be the user's text.
        out.push_back(jinja::make_dict({{"role", jinja::Text(messages[i].role, jinja::Text::by_user)},
                                        {"content", jinja::Text(messages[i].content, jinja::Text::by_user)}}));
    }
    return jinja::make_list(std::move(out));
}

std::string piece(Tokenizer const& tokenizer, std::int32_t id) {
    auto const& pieces = tokenizer.control_pieces();
    return std::find_if(pieces.begin(), pieces.end(), [&](auto const& p) { return p.id == id; })->text;
}

enum class Turns { all, some };  // `some`: the beginning of a conversation, which the model does not answer yet

jinja::Text render(jinja::Template const& source, std::vector<Message> const& messages, std::size_t count, Turns turns,
                   Tokenizer const& tokenizer) {
    auto const special = [&](std::int32_t id) { return jinja::Text(piece(tokenizer, id), jinja::Text::by_template); };
    return source.render({{"messages", conversation(messages, count)},
                          {"bos_token", special(tokenizer.bos_id())},
                          {"eos_token", special(tokenizer.eos_id())},
                          {"add_generation_prompt", turns == Turns::all},
                          {"tools", jinja::None{}},
                          {"documents", jinja::None{}}});
}

// Where a turn ends: the rendering of the conversation's first turns is the beginning of the whole. A template that
// treats the last turn in another way has no such place, and is encoded in one piece there.
std::vector<std::size_t> turn_ends(jinja::Template const& source, std::vector<Message> const& messages,
                                   jinja::Text const& whole, Tokenizer const& tokenizer) {
    std::vector<std::size_t> ends;
    for (std::size_t count = 1; count < messages.size(); ++count) {
        try {
            jinja::Text const part = render(source, messages, count, Turns::some, tokenizer);
            if (whole.bytes.starts_with(part.bytes) && whole.authors.starts_with(part.authors))
                ends.push_back(part.bytes.size());
        } catch (Error const&) {  // it refuses a conversation that ends there
        }
    }
    return ends;
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
    TurnEncoder(jinja::Text const& text, Tokenizer const& tokenizer) : text_(text), tokenizer_(tokenizer) {}

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
        auto const ids = tokenizer_.encode(std::string_view(text_.bytes).substr(begin_, end - begin_));
        ids_.insert(ids_.end(), ids.begin(), ids.end());
        begin_ = end;
    }

    jinja::Text const& text_;
    Tokenizer const& tokenizer_;
    std::size_t begin_ = 0;  // of the segment that is being read
    std::vector<std::int32_t> ids_;
};

}  // namespace

ChatTemplate ChatTemplate::load(std::filesystem::path const& folder) {
    std::error_code ignored;
    auto const own_file = folder / "chat_template.jinja";
    if (std::filesystem::exists(own_file, ignored))
        return ChatTemplate(read_file(own_file, max_template_bytes), own_file.string());
    auto const config_file = folder / "tokenizer_config.json";
    std::string const name = config_file.string();
    auto const config = read_config(config_file);
    auto const entry = config.find("chat_template");
    GATESWEEP_VALIDATE(entry != config.end() && !entry->is_null(), ExitCode::input_missing,
                       "{}: there is no chat_template, and no chat_template.jinja beside it (prompts with template = "
                       "\"chat\" need one): "
                       "add the model's, or set template = \"raw\"",
                       name);
    if (entry->is_array()) return ChatTemplate(pick_default(*entry, name), name);
    GATESWEEP_VALIDATE(entry->is_string(), ExitCode::bad_data,
                       "{}: chat_template is neither a text nor a list: correct the file", name);
    return ChatTemplate(entry->get<std::string>(), name);
}

ChatTemplate::ChatTemplate(std::string source, std::string name) : source_(std::move(source)), name_(std::move(name)) {
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

std::vector<std::int32_t> ChatTemplate::encode(std::vector<Message> const& messages, Tokenizer const& tokenizer) const {
    GATESWEEP_VALIDATE(!messages.empty() && messages.back().role == "user", ExitCode::bad_data,
                       "the conversation does not end with a user turn (the model answers one): end it with one");
    jinja::Text text;
    try {
        text = render(*template_, messages, messages.size(), Turns::all, tokenizer);
    } catch (Error const& error) {
        fail(error.code(), "{}: chat template, {}: correct the conversation or the template", name_, error.what());
    }
    auto ids = TurnEncoder(text, tokenizer).run(turn_ends(*template_, messages, text, tokenizer));
    auto const count = std::count(ids.begin(), ids.end(), tokenizer.bos_id());
    if (count == 0) ids.insert(ids.begin(), tokenizer.bos_id());
    GATESWEEP_VALIDATE(
        count <= 1 && ids.front() == tokenizer.bos_id(), ExitCode::bad_data,
        "{}: the chat template writes \"{}\" {} (a sequence begins with exactly one): correct the template", name_,
        piece(tokenizer, tokenizer.bos_id()), count > 1 ? fmt::format("{} times", count) : "after other text");
    return ids;
}

}  // namespace gatesweep
