#include "gatesweep/label/human_labels.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <class Keep>
std::string only(std::string_view text, Keep const& keep) {
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out), keep);
    return out;
}

std::string without_space(std::string_view text) {
    return only(clean_text(text), [](char c) { return !is_space(c); });
}

// A spreadsheet may change line ends and characters beyond ASCII, and a label must not be lost to that.
bool is_same_text(std::string_view of_sheet, std::string_view of_run) {
    if (without_space(of_sheet) == without_space(of_run)) return true;
    std::string const words = only(of_sheet, is_word);
    return !words.empty() && words == only(of_run, is_word);
}

// Equal for replies that one label holds for.
std::string key_of(Reply const& reply, std::size_t index) {
    if (!reply.text) return fmt::format("reply {}", index);
    std::string const prompt =
        reply.prompt.empty() ? fmt::format("prompt {}", reply.prompt_index) : std::string(reply.prompt);
    return fmt::format("{} {} {}", prompt.size(), prompt, *reply.text);
}

std::string text_key(std::string_view prompt, std::string_view completion) {
    return without_space(prompt) + '\0' + without_space(completion);
}

struct Given {
    Label label = Label::unscored;
    HumanLabel const* row = nullptr;
};

class Labels {
public:
    void give(std::string const& key, HumanLabel const& row) {
        auto const [place, is_new] = given_.try_emplace(key, Given{row.label, &row});
        GATESWEEP_VALIDATE(is_new || place->second.label == row.label, ExitCode::bad_data,
                           "{}: {} of a reply that {} calls {} (the prompt and the reply are equal, so one label holds "
                           "for both): give one label, or leave one of the rows empty",
                           row.place, to_string(row.label), place->second.row->place, to_string(place->second.label));
    }
    std::optional<Label> of(std::string const& key) const {
        auto const found = given_.find(key);
        return found == given_.end() ? std::nullopt : std::optional(found->second.label);
    }

private:
    std::unordered_map<std::string, Given> given_;
};

}  // namespace

LabelsOfReplies labels_of_replies(HumanLabels const& human, std::span<Reply const> replies) {
    LabelsOfReplies out;
    out.labels.resize(replies.size());
    if (human.labels.empty()) return out;
    std::map<std::tuple<std::string_view, std::string_view, std::int64_t>, std::size_t> places;
    std::unordered_map<std::string, std::size_t> texts;  // one reply of each text
    for (std::size_t i = 0; i < replies.size(); ++i) {
        Reply const& reply = replies[i];
        places.emplace(std::tuple(reply.trial_id, reply.group, reply.prompt_index), i);
        if (reply.text && !reply.prompt.empty()) texts.emplace(text_key(reply.prompt, *reply.text), i);
    }
    Labels labels;
    for (HumanLabel const& row : human.labels) {
        std::optional<std::size_t> index;
        auto const place = places.find({row.trial_id, row.group, row.prompt_index});
        if (place != places.end()) {
            auto const& text = replies[place->second].text;
            if (!row.completion || !text || is_same_text(*row.completion, *text)) index = place->second;
        }
        if (!index && row.completion && row.prompt) {
            auto const text = texts.find(text_key(*row.prompt, *row.completion));
            if (text != texts.end()) index = text->second;
        }
        if (index) {
            labels.give(key_of(replies[*index], *index), row);
        } else {
            ++out.num_unused;
        }
    }
    for (std::size_t i = 0; i < replies.size(); ++i)
        out.labels[i] = labels.of(key_of(replies[i], i));
    return out;
}

}  // namespace gatesweep
