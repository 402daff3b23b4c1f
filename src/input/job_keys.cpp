#include "gatesweep/input/job_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "gatesweep/base/settings.h"
#include "gatesweep/input/built_in_job_reference.h"
#include "gatesweep/terms/audit_parameters.h"
#include "gatesweep/terms/edit_mode.h"
#include "gatesweep/terms/rank_class.h"
#include "gatesweep/terms/signal_kind.h"

namespace gatesweep {
namespace {

using T = KeyType;
using Words = std::vector<std::string>;

template <class List, class Word>
Words words_of(List const& list, Word const& word) {
    Words out;
    for (auto const& one : list)
        out.emplace_back(word(one));
    return out;
}

Words mode_words(bool (*is_wanted)(EditModeFacts const&)) {
    Words out;
    for (EditModeFacts const& mode : edit_modes) {
        if (is_wanted(mode)) out.emplace_back(mode.word);
    }
    return out;
}

// Adds keys to one section after the other.
class Keys {
public:
    Keys& in(std::string section) {
        section_ = std::move(section);
        return *this;
    }
    Keys& add(std::string_view key, KeyType type, Words choices = {}) {
        all.push_back({section_, std::string(key), type, std::move(choices)});
        return *this;
    }
    Keys& whole(std::string_view key, std::int64_t min, std::int64_t max, KeyType type = T::whole) {
        all.push_back({section_, std::string(key), type, {}, min, max});
        return *this;
    }
    Keys& required(std::string_view key) {
        all.push_back({section_, std::string(key), T::text});
        all.back().is_required = true;
        return *this;
    }

    std::vector<JobKey> all;

private:
    std::string section_;
};

void add_settings(Keys& keys) {
    for (SettingFacts const& facts : settings) {
        bool const takes_any = facts.words[1].empty();
        Words choices;
        for (std::string_view const one : facts.words) {
            if (!one.empty()) choices.emplace_back(one);
        }
        keys.add(facts.key, takes_any ? T::text : T::word, takes_any ? Words{} : choices);
    }
}

void add_sweep(Keys& keys) {
    Words const modes = mode_words([](EditModeFacts const&) { return true; });
    Words const undosed = mode_words([](EditModeFacts const& mode) { return mode.value != EditValue::dose; });
    Words const scope_words = words_of(edit_scopes, [](EditScope scope) { return to_string(scope); });
    Words classes = {"malicious-dominant", "weak-malicious", "benign-dominant", "weak-benign", "shared"};
    classes.insert(classes.end(), rank_classes.begin(), rank_classes.end());
    constexpr std::int64_t any = 1'000'000;  // sizes of sets
    keys.in("sweep").add("enabled", T::flag).add("prompts", T::texts).add("side_effects", T::texts);
    keys.whole("max_new_tokens", 1, 4096).whole("slots", 1, 65536, T::whole_or_auto).add("signals", T::texts);
    keys.add("classes", T::words, classes).add("sizes", T::sizes_or_auto).add("gap_thresholds", T::section);
    keys.add("modes", T::words, modes).add("scopes", T::words, scope_words).add("bias", T::numbers);
    keys.whole("activate", 0, any, T::wholes).whole("deactivate", 0, any, T::wholes).add("reverse", T::flag);
    keys.whole("seed", 0, no_maximum).add("allow_fewer", T::flag).add("controls", T::section);
    keys.add("labels", T::section).add("screen", T::section).add("trial", T::sections);
    keys.in("sweep.gap_thresholds");
    for (SignalFacts const& signal : signal_kinds)
        keys.add(signal.job_word, T::numbers);
    keys.in("sweep.controls").whole("random", 0, 10'000).add("match", T::word, {"size", "layers", "traffic"});
    keys.add("reverse", T::flag).add("bottom", T::flag);
    keys.in("sweep.labels").add("method", T::word, {"phrases", "judge"}).add("phrases", T::text).add("judge", T::text);
    keys.add("judge_template", T::text).add("human", T::text).add("mixed", T::word, {"leave-out", "allow"});
    keys.add("validation", T::text);
    keys.in("sweep.screen").add("enabled", T::flag).add("mode", T::word, undosed).whole("limit", 1, no_maximum);
    keys.add("refusals", T::texts).add("compliances", T::texts);
    keys.in("sweep.trial").required("name").add("experts", T::experts).add("file", T::text).add("from", T::section);
    keys.add("mode", T::word, modes).add("scope", T::word, scope_words).add("bias", T::number).add("activate", T::flag);
    keys.in("sweep.trial.from").required("provider").whole("activate", 0, any).whole("deactivate", 0, any);
    keys.add("reverse", T::flag);
}

void add_harden(Keys& keys) {
    constexpr std::int64_t many = 1 << 20;
    keys.in("harden").add("provider", T::text).whole("experts", 1, no_maximum).add("budget", T::number);
    keys.whole("rank", 1, 4096).add("alpha", T::number).whole("steps", 1, no_maximum).add("learning_rate", T::number);
    keys.add("weight_decay", T::number).add("warmup", T::number).add("clip", T::number).add("beta", T::number);
    keys.add("gamma", T::number).whole("batch", 2, many).whole("parts", 1, many).whole("evaluate", 0, no_maximum);
    keys.whole("patience", 0, no_maximum).add("validation", T::number).whole("save", 1, no_maximum);
    keys.whole("seed", 0, no_maximum).whole("max_new_tokens", 1, 4096).add("train", T::section);
    keys.add("held_out", T::section)
        .required("refusals")
        .add("compare", T::words, {"random", "all-experts", "attention"});
    keys.add("suppress", T::experts).add("limits", T::section);
    keys.in("harden.train").add("harmful", T::text_or_texts).add("benign", T::text_or_texts);
    keys.in("harden.held_out").add("harmful", T::text_or_texts).add("benign", T::text_or_texts);
    keys.add("near_miss", T::text_or_texts);
    keys.in("harden.limits").add("refusal", T::number).add("compliance_drop", T::number);
    keys.add("perplexity_ratio", T::number).add("js", T::number).add("overlap", T::number);
}

std::vector<JobKey> all_keys() {
    Keys keys;
    keys.in("")
        .add("model", T::section)
        .add("parallel", T::section)
        .add("prompts", T::sections)
        .add("pairs", T::sections);
    keys.add("signals", T::section).add("analysis", T::section).add("scores", T::section).add("audit", T::section);
    keys.add("sweep", T::section).add("harden", T::section).add("report", T::section);
    keys.in("model").required("path").add("dtype", T::word, {"float32", "bfloat16", "auto"});
    keys.add("tokenization", T::word, {"huggingface", "mistral"}).add("special_in_text", T::word, {"text", "parse"});
    keys.add("chat_template", T::text).add("template_arguments", T::variables).add("date", T::text);
    keys.add("adapter", T::text);
    keys.in("parallel").whole("expert_parallel", 1, 4096).add("device", T::word, {"cpu", "cuda", "auto"});
    keys.whole("threads", 1, 1024, T::whole_or_auto);
    add_settings(keys);
    keys.in("prompts").required("group").required("file").add("column", T::text).add("where", T::columns);
    keys.whole("limit", 0, no_maximum).add("template", T::word, {"chat", "raw"});
    keys.in("pairs")
        .add("name", T::text)
        .add("file", T::text)
        .add("prompts", T::text)
        .add("column", T::text)
        .add("where", T::columns);
    keys.add("response_0", T::text).add("response_1", T::text).add("document", T::text).add("question", T::text);
    keys.add("count", T::word, {"response", "target", "prompt", "auto"}).whole("limit", 0, no_maximum);
    keys.in("signals")
        .whole("batch_tokens", 1, no_maximum)
        .add("memory", T::bytes_or_auto)
        .add("stream", T::flag_or_auto);
    keys.add("phases", T::words, {"prompt", "generated"});
    keys.in("analysis")
        .add("benign", T::text)
        .add("malicious", T::text)
        .add("coverage", T::numbers)
        .whole("top", 1, 1'000'000);
    for (SignalFacts const& signal : signal_kinds)
        keys.add(signal.job_word, T::section);
    for (SignalFacts const& signal : signal_kinds)
        keys.in("analysis." + std::string(signal.job_word)).add("gap", T::number).add("min", T::number);
    keys.in("scores").add("providers", T::texts).whole("bootstrap", 0, 100'000).add("refusals", T::texts);
    keys.add("compliances", T::texts).add("import", T::sections);
    keys.in("scores.import").required("name").required("file");
    Words const conditions = words_of(audit_conditions, [](AuditConditionFacts const& facts) { return facts.word; });
    keys.in("audit").add("conditions", T::words, conditions).add("topic", T::text).add("pair", T::text);
    keys.add("refusals", T::text).add("compliances", T::text);
    add_sweep(keys);
    add_harden(keys);
    keys.in("report").add("title", T::text).add("mark", T::text).add("by", T::text);
    return std::move(keys.all);
}

std::string_view trimmed(std::string_view text) {
    std::size_t const first = text.find_first_not_of(' ');
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// One line of the documented job: "[section]", "key = value", behind "# " those without a default.
struct Line {
    std::string_view section;  // named here
    std::string_view key, value, comment;
    bool has_default = true;
};
Line parse_line(std::string_view text) {
    Line line;
    if (text.starts_with("# ")) {
        line.has_default = false;
        text.remove_prefix(2);
    }
    std::size_t const hash = text.find('#');
    if (hash != text.npos) line.comment = trimmed(text.substr(hash + 1));
    text = trimmed(text.substr(0, hash));
    if (text.starts_with('[')) {
        std::size_t const first = text.find_first_not_of('['), last = text.find_first_of(']');
        line.section = text.substr(first, last - first);
    } else if (std::size_t const equals = text.find('='); equals != text.npos) {
        line.key = trimmed(text.substr(0, equals));
        line.value = trimmed(text.substr(equals + 1));
    }
    return line;
}

}  // namespace

std::vector<JobKey> const& job_keys() {
    static std::vector<JobKey> const keys = all_keys();
    return keys;
}

std::vector<std::string_view> keys_of(std::string_view section) {
    std::vector<std::string_view> out;
    for (JobKey const& key : job_keys()) {
        if (key.section == section) out.push_back(key.key);
    }
    return out;
}

std::string_view documented_job() {
    return built_in_job_reference;
}

std::optional<KeyDocumentation> documentation_of(std::string_view section, std::string_view key) {
    std::string_view rest = documented_job(), at;
    while (!rest.empty()) {
        std::size_t const end = std::min(rest.find('\n'), rest.size());
        Line const line = parse_line(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!line.section.empty()) {
            at = line.section;
            bool const is_asked = section.empty() ? at == key : at == fmt::format("{}.{}", section, key);
            if (is_asked && !line.comment.empty()) return KeyDocumentation{std::string(line.comment), std::nullopt};
        }
        if (at != section || line.key != key) continue;
        KeyDocumentation out{std::string(line.comment), std::nullopt};
        if (line.has_default) out.value = line.value;
        return out;
    }
    return std::nullopt;
}

}  // namespace gatesweep
