#include "gatesweep/input/job.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "gatesweep/input/job_keys.h"
#include "gatesweep/input/toml_section.h"
#include "job_audit.h"
#include "job_harden.h"
#include "job_overrides.h"
#include "job_pairs.h"
#include "job_parts.h"
#include "job_scores.h"
#include "job_sweep.h"
#include "template_arguments.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_job_bytes = 16 << 20;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

toml::table parse_file(fs::path const& file) {
    std::uint64_t const size = InputFile(file).size();
    GATESWEEP_VALIDATE(size <= max_job_bytes, ExitCode::job,
                       "{}: {} bytes are too many for a job file: is it the right file?", file.string(), size);
    return parse_toml(read_file(file), file.string(), "job file");
}

Section whole_job(toml::table const& root, std::string const& file) {
    return {root, "", file, keys_of("")};
}

ModelSpec read_model(Section const& top, std::string const& file, InputPlaces const& places) {
    auto const section = top.section("model", keys_of("model"));
    GATESWEEP_VALIDATE(section, ExitCode::job,
                       "{}: there is no [model] section: add it, with path = \"a checkpoint folder\"", file);
    require(*section, "path", "path = \"a checkpoint folder\" to [model]");
    ModelSpec out;
    out.path = find_input(*section, "path", places, PathKind::folder);
    out.dtype = section
                    ->choice<WeightType>("dtype", {{"float32", WeightType::float32},
                                                   {"bfloat16", WeightType::bfloat16},
                                                   {"auto", WeightType::automatic}})
                    .value_or(out.dtype);
    out.tokenization = section
                           ->choice<Tokenization>("tokenization", {{"huggingface", Tokenization::huggingface},
                                                                   {"mistral", Tokenization::mistral}})
                           .value_or(out.tokenization);
    out.special_in_text =
        section
            ->choice<SpecialInText>("special_in_text", {{"text", SpecialInText::text}, {"parse", SpecialInText::parse}})
            .value_or(out.special_in_text);
    if (out.tokenization == Tokenization::mistral && out.special_in_text == SpecialInText::parse)
        section->refuse("special_in_text",
                        "\"text\" with tokenization = \"mistral\", which never takes text for tokens");
    out.chat_template = section->text("chat_template").value_or("");
    out.template_arguments = read_template_arguments(*section, "template_arguments");
    out.date = read_date(*section, "date");
    out.adapter = find_optional_input(*section, "adapter", places, PathKind::folder);
    return out;
}

std::string read_setting(Section const& section, SettingFacts const& facts) {
    std::string const word = section.text(facts.key).value_or(std::string(facts.words[0]));
    if (!may_say(facts, word)) section.refuse(facts.key, words_text(facts));
    return word;
}

ParallelSpec read_parallel(Section const& top) {
    ParallelSpec out;
    auto const section = top.section("parallel", keys_of("parallel"));
    if (section) {
        for (SettingFacts const& facts : settings)
            out.settings.choose(facts.setting, read_setting(*section, facts));
    }
    out.settings = with_environment(out.settings);
    if (!section) return out;
    out.expert_parallel = static_cast<int>(section->whole("expert_parallel", 1, 4096).value_or(out.expert_parallel));
    out.device =
        section
            ->choice<DeviceKind>(
                "device", {{"cpu", DeviceKind::cpu}, {"cuda", DeviceKind::cuda}, {"auto", DeviceKind::automatic}})
            .value_or(out.device);
    if (section->has("threads") && !says_auto(*section, "threads")) {
        if (!section->node("threads")->is_integer())
            section->refuse("threads", "\"auto\" or a whole number from 1 to 1024");
        out.threads = static_cast<int>(*section->whole("threads", 1, 1024));
    }
    return out;
}

PromptSource read_source(Section const& section, InputPlaces const& places) {
    require(section, "group", "group = \"a name\" to this [[prompts]]");
    require(section, "file", "file = \"a prompt file\" to this [[prompts]]");
    PromptSource out;
    out.group = *section.text("group");
    if (!is_name(out.group)) section.refuse("group", "a name without control characters");
    out.file = find_input(section, "file", places, PathKind::file);
    out.column = section.text("column").value_or("");
    if (auto const where = section.texts_by_key("where")) out.where.insert(where->begin(), where->end());
    out.limit = section.whole("limit", 0, no_limit).value_or(0);
    out.prompt_template =
        section.choice<TemplateKind>("template", {{"chat", TemplateKind::chat}, {"raw", TemplateKind::raw}})
            .value_or(out.prompt_template);
    return out;
}

std::vector<PromptSource> read_prompts(Section const& top, std::string const& file, InputPlaces const& places) {
    std::vector<PromptSource> out;
    for (auto const& section : top.sections("prompts", keys_of("prompts"))) {
        out.push_back(read_source(section, places));
    }
    GATESWEEP_VALIDATE(!out.empty(), ExitCode::job,
                       "{}: there is no [[prompts]] section: add one for each of two groups", file);
    return out;
}

// Bytes of "4 GB", "512 MiB" or "1000000"; 0 when it is no size.
std::uint64_t parse_size(std::string_view text) {
    double value = 0.0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return 0;
    std::string unit(end, text.data() + text.size());
    std::erase(unit, ' ');
    for (char& c : unit)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    double const base = unit.size() == 3 && unit[1] == 'I' ? 1024.0 : 1000.0;
    if (unit.size() == 3 && unit[1] == 'I') unit.erase(1, 1);
    auto const power =
        unit.size() == 2 && unit[1] == 'B' ? std::string_view("KMGT").find(unit[0]) : std::string_view::npos;
    if (power == std::string_view::npos && !unit.empty() && unit != "B") return 0;
    double const bytes =
        value * (power == std::string_view::npos ? 1.0 : std::pow(base, static_cast<double>(power + 1)));
    return bytes >= 1.0 && bytes < 0x1p63 ? static_cast<std::uint64_t>(bytes) : 0;
}

SignalsSpec read_signals(Section const& top) {
    SignalsSpec out;
    auto const section = top.section("signals", keys_of("signals"));
    if (!section) return out;
    out.batch_tokens = section->whole("batch_tokens", 1, no_limit).value_or(out.batch_tokens);
    if (section->has("memory") && !says_auto(*section, "memory")) {
        auto const whole = section->node("memory")->value_exact<std::int64_t>();
        auto const text = section->node("memory")->value_exact<std::string_view>();
        out.memory =
            whole ? static_cast<std::uint64_t>(std::max<std::int64_t>(*whole, 0)) : parse_size(text.value_or(""));
        if (out.memory == 0)
            section->refuse("memory", "\"auto\", a size like \"4 GB\" or \"512 MiB\", or a number of bytes");
    }
    if (section->has("stream") && !says_auto(*section, "stream")) {
        auto const value = section->node("stream")->value_exact<bool>();
        if (!value) section->refuse("stream", "\"auto\", true or false");
        out.stream = *value ? StreamMode::always : StreamMode::never;
    }
    if (auto const phases = section->texts("phases")) {
        auto const says = [&](TokenPhase phase) { return std::ranges::count(*phases, to_string(phase)) == 1; };
        std::size_t const known = (says(TokenPhase::prompt) ? 1 : 0) + (says(TokenPhase::generated) ? 1 : 0);
        if (!says(TokenPhase::prompt) || known != phases->size())
            section->refuse("phases", "[\"prompt\"] or [\"prompt\", \"generated\"]");
        if (says(TokenPhase::generated)) out.phases.push_back(TokenPhase::generated);
    }
    return out;
}

Thresholds read_thresholds(Section const& analysis, std::string_view key, Thresholds out, double max_gap) {
    auto const section = analysis.section(key, keys_of(fmt::format("analysis.{}", key)));
    if (!section) return out;
    out.gap = section->number("gap").value_or(out.gap);
    if (!(out.gap > 0.0 && out.gap <= max_gap)) {
        section->refuse("gap", max_gap > 1.0 ? "a number above 0" : "a number above 0 and at most 1");
    }
    out.min = section->number("min").value_or(out.min);
    if (!(out.min >= 0.0 && std::isfinite(out.min))) section->refuse("min", "a number of at least 0");
    return out;
}

std::vector<double> read_coverage(Section const& section, std::vector<double> const& fallback) {
    auto const coverage = section.numbers("coverage").value_or(fallback);
    for (double share : coverage) {
        bool const once = std::count(coverage.begin(), coverage.end(), share) == 1;
        if (!(share > 0.0 && share < 1.0) || !once) {
            section.refuse("coverage", fmt::format("shares between 0 and 1, each once ({} is wrong)", share));
        }
    }
    if (coverage.empty()) section.refuse("coverage", "at least one share between 0 and 1");
    return coverage;
}

AnalysisParameters read_analysis(Section const& top) {
    AnalysisParameters out;
    auto const section = top.section("analysis", keys_of("analysis"));
    if (!section) return out;
    out.benign = section->text("benign").value_or(out.benign);
    out.malicious = section->text("malicious").value_or(out.malicious);
    out.coverage = read_coverage(*section, out.coverage);
    out.top = section->whole("top", 1, 1'000'000).value_or(out.top);
    for (SignalFacts const& signal : signal_kinds)
        out.limits(signal.kind) = read_thresholds(*section, signal.job_word, signal.limits, signal.max_gap());
    return out;
}

void check_groups(Job const& job, std::string const& place) {
    std::vector<std::string> const groups = prompt_groups(job);
    for (auto const& [key, group] :
         {std::pair("benign", job.analysis.benign), std::pair("malicious", job.analysis.malicious)}) {
        if (std::find(groups.begin(), groups.end(), group) != groups.end()) continue;
        std::string list;
        for (auto const& name : groups)
            list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", printable(name));
        fail(ExitCode::job,
             "{}: no [[prompts]] has group \"{}\", the {} group of [analysis] (the groups are {}): set [analysis] {} "
             "to one of them",
             place, printable(group), key, list, key);
    }
    GATESWEEP_VALIDATE(job.analysis.benign != job.analysis.malicious, ExitCode::job,
                       "{}: [analysis] benign and malicious are both \"{}\" (two groups are compared): name two groups",
                       place, printable(job.analysis.benign));
}

ReportSpec read_report(Section const& top, InputPlaces const& places) {
    ReportSpec out;
    auto const section = top.section("report", keys_of("report"));
    if (!section) return out;
    out.title = section->text("title").value_or("");
    out.mark = find_optional_input(*section, "mark", places, PathKind::file);
    out.by = section->text("by").value_or("");
    return out;
}

}  // namespace

namespace {

Job read_job(toml::table root, std::string const& name, std::vector<std::string> const& overrides,
             InputPlaces const& places) {
    apply_overrides(root, overrides);
    Section const top = whole_job(root, name);

    Job job;
    job.name = fs::path(name).stem().string();
    job.model = read_model(top, name, places);
    job.parallel = read_parallel(top);
    job.prompts = read_prompts(top, name, places);
    job.pairs = read_pair_sources(top, places);
    job.signals = read_signals(top);
    job.analysis = read_analysis(top);
    job.report = read_report(top, places);
    check_groups(job, top.place("analysis"));
    job.audit = read_audit(top, places);
    job.scores = read_scores(top, {!job.pairs.empty(), job.audit.is_wanted()}, places);
    job.sweep = read_sweep(top, job, places);
    job.harden = read_harden(top, job, places);
    complete_scores(top, job);
    GATESWEEP_VALIDATE(
        job.signals.stream != StreamMode::always || !job.sweep.enabled, ExitCode::job,
        "{}: [signals] stream is true and the job has a [sweep] (which needs all weights in memory): say "
        "stream = \"auto\", or run without the sweep (--set sweep.enabled=false)",
        top.place("signals"));
    GATESWEEP_VALIDATE(
        !job.signals.counts(TokenPhase::generated) || job.sweep.enabled, ExitCode::job,
        "{}: [signals] phases has \"generated\" and the job has no [sweep] (whose baseline generates): add a [sweep], "
        "or leave \"generated\" out",
        top.place("signals"));
    GATESWEEP_VALIDATE(
        job.signals.stream != StreamMode::always || !job.harden.enabled, ExitCode::job,
        "{}: [signals] stream is true and the job has a [harden] (which needs all weights in memory): say "
        "stream = \"auto\", or leave [harden] out",
        top.place("signals"));
    return job;
}

}  // namespace

bool SignalsSpec::counts(TokenPhase phase) const {
    return std::ranges::find(phases, phase) != phases.end();
}

Job load_job(fs::path const& file, std::vector<std::string> const& overrides) {
    return read_job(parse_file(file), file.string(), overrides, {fs::absolute(file).parent_path(), false});
}

Job load_stored_job(fs::path const& file, std::vector<std::string> const& overrides) {
    return read_job(parse_file(file), file.string(), overrides, {{}, true});
}

Job parse_stored_job(std::string_view toml, std::string const& name) {
    return read_job(parse_toml(toml, name, "job"), name, {}, {{}, true});
}

}  // namespace gatesweep
