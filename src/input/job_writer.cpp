#include "gatesweep/input/job_writer.h"

#include <fmt/format.h>

#include "gatesweep/base/error.h"
#include "gatesweep/input/job.h"
#include "job_audit.h"
#include "job_harden.h"
#include "job_pairs.h"
#include "job_scores.h"
#include "sweep_writer.h"
#include "template_arguments.h"
#include "toml_text.h"

namespace gatesweep {
namespace {

std::string limits(Thresholds const& thresholds) {
    return fmt::format("{{ gap = {}, min = {} }}", toml_number(thresholds.gap), toml_number(thresholds.min));
}

char const* word(WeightType type) {
    return type == WeightType::float32 ? "float32" : type == WeightType::bfloat16 ? "bfloat16" : "auto";
}

char const* word(DeviceKind kind) {
    return kind == DeviceKind::cpu ? "cpu" : kind == DeviceKind::cuda ? "cuda" : "auto";
}

char const* word(StreamMode mode) {
    return mode == StreamMode::always ? "true" : mode == StreamMode::never ? "false" : "\"auto\"";
}

std::string prompts_table(PromptSource const& source) {
    std::string where;
    for (auto const& [column, value] : source.where) {
        where += fmt::format("{}{} = {}", where.empty() ? " " : ", ", toml_string(column), toml_string(value));
    }
    return fmt::format(
        "\n[[prompts]]\ngroup = {}\nfile = {}\ncolumn = {}\nwhere = {{{} }}\nlimit = {}\ntemplate = \"{}\"\n",
        toml_string(source.group), toml_string(source.file.string()), toml_string(source.column), where, source.limit,
        source.prompt_template == TemplateKind::chat ? "chat" : "raw");
}

}  // namespace

std::string to_toml(Job const& job) {
    std::string out =
        fmt::format("[model]\npath = {}\ndtype = \"{}\"\ntokenization = \"{}\"\nspecial_in_text = \"{}\"\n",
                    toml_string(job.model.path.string()), word(job.model.dtype), to_string(job.model.tokenization),
                    to_string(job.model.special_in_text));
    out += fmt::format("chat_template = {}\ntemplate_arguments = {}\ndate = {}\n", toml_string(job.model.chat_template),
                       template_arguments_text(job.model.template_arguments), toml_string(job.model.date));
    if (!job.model.adapter.empty()) out += fmt::format("adapter = {}\n", toml_string(job.model.adapter.string()));
    std::string const threads = job.parallel.threads == 0 ? "\"auto\"" : fmt::format("{}", job.parallel.threads);
    out += fmt::format("\n[parallel]\nexpert_parallel = {}\ndevice = \"{}\"\nthreads = {}\n",
                       job.parallel.expert_parallel, word(job.parallel.device), threads);
    for (SettingFacts const& facts : settings)
        out += fmt::format("{} = {}\n", facts.key, toml_string(job.parallel.settings.word(facts.setting)));
    for (auto const& source : job.prompts)
        out += prompts_table(source);
    for (auto const& source : job.pairs)
        out += pair_source_text(source);
    std::string const memory = job.signals.memory == 0 ? "\"auto\"" : fmt::format("{}", job.signals.memory);
    out += fmt::format("\n[signals]\nbatch_tokens = {}\nmemory = {}\nstream = {}\n", job.signals.batch_tokens, memory,
                       word(job.signals.stream));
    if (job.signals.counts(TokenPhase::generated)) out += "phases = [\"prompt\", \"generated\"]\n";
    out += fmt::format("\n[analysis]\nbenign = {}\nmalicious = {}\ncoverage = {}\ntop = {}\n",
                       toml_string(job.analysis.benign), toml_string(job.analysis.malicious),
                       toml_list(job.analysis.coverage, toml_number), job.analysis.top);
    for (SignalFacts const& signal : signal_kinds)
        out += fmt::format("{} = {}\n", signal.job_word, limits(job.analysis.limits(signal.kind)));
    out += scores_text(job.scores);
    out += audit_text(job.audit);
    out += sweep_text(job.sweep);
    out += harden_text(job.harden);
    out += fmt::format("\n[report]\ntitle = {}\nmark = {}\nby = {}\n", toml_string(job.report.title),
                       toml_string(job.report.mark.string()), toml_string(job.report.by));
    return out;
}

}  // namespace gatesweep
