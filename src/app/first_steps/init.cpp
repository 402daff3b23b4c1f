// `gatesweep init`: a first job, whose comments say what was found and what the values mean.
#include "app/commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/input/prompts.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/run/machine.h"
#include "gatesweep/run/setup.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_shown = 8;

// A text as TOML: a literal string where it can be one, since paths have backslashes more often than quotes.
std::string in_quotes(std::string const& text) {
    if (text.find_first_of("'\n\r") == text.npos) return fmt::format("'{}'", text);
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string some(std::vector<std::string> const& names) {
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(names.size(), max_shown); ++i)
        shown.push_back(printable(names[i], 40));
    return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > max_shown ? ", ..." : "");
}

// A limit of 8 experts a layer for another number of them, in two digits: shares become smaller as experts become more.
double scaled(double limit, std::int64_t num_experts) {
    double const exact = limit * 8.0 / static_cast<double>(num_experts);
    double const unit = std::pow(10.0, std::floor(std::log10(exact)) - 1.0);
    return std::min(std::round(exact / unit) * unit, 1.0);
}

class FirstJob {
public:
    explicit FirstJob(Options const& options)
        : folder_(fs::absolute(options.model).lexically_normal()), config_(load_model_config(folder_)) {
        job_.model.path = folder_;
        validate_model(job_, config_);
        find_template();
        add_group("benign", options.benign);
        add_group("harmful", options.harmful);
        check_prompts();
    }

    std::string text() const { return model() + parallel() + groups_text_ + analysis() + sweep() + report(); }

private:
    // The rules of the checkpoint itself: its template where it has one.
    void find_template() {
        if (!has_tokenizer(job_.model)) {
            kind_ = TemplateKind::raw;
            template_note_ = "the checkpoint has no tokenizer: rows must carry token_ids";
            return;
        }
        try {
            load_chat_template(job_.model);
        } catch (Error const& error) {
            if (error.code() != ExitCode::input_missing) throw;
            kind_ = TemplateKind::raw;
            template_note_ = "the checkpoint has no chat template: the text goes in as it is";
        }
    }

    void add_group(std::string const& group, fs::path const& file) {
        GATESWEEP_VALIDATE(file_kind(file) == FileKind::file, ExitCode::input_missing,
                           "--{} {}: there is no such file: correct the path", group, printable(file.string(), 400));
        PromptSource source;
        source.group = group;
        source.file = fs::absolute(file).lexically_normal();
        source.prompt_template = kind_;
        PromptFileFacts const facts = describe_prompts(source);
        std::string& out = groups_text_;
        out += fmt::format("\n[[prompts]]\ngroup = \"{}\"\nfile = {}   # {}\n", group, in_quotes(source.file.string()),
                           plural(facts.num_rows, "row"));
        out += facts.column.empty()
                   ? "# column = \"...\"   # no known column of prompts: rows carry token_ids\n"
                   : fmt::format("column = {}   # {}{}{}\n", in_quotes(facts.column),
                                 facts.id.empty() ? "ids follow from the texts"
                                                  : fmt::format("ids from \"{}\"", printable(facts.id, 40)),
                                 facts.others.empty() ? "" : "; other columns: ", some(facts.others));
        out += fmt::format("template = \"{}\"{}\n# limit = 20   # the first rows alone, for a first look\n",
                           kind_ == TemplateKind::chat ? "chat" : "raw",
                           template_note_.empty() ? "" : "   # " + template_note_);
        if (!facts.others.empty()) others_.push_back(facts.others);
        if (!facts.column.empty()) source.column = facts.column;
        job_.prompts.push_back(std::move(source));
    }

    // What a run would refuse is said now.
    void check_prompts() {
        PromptSet set = load_prompts(job_);
        PromptReaders const readers = load_prompt_readers(job_, set);
        tokenize(set, readers.tokenizer.get(), readers.chat.get(), config_.vocab_size, config_.max_position_embeddings,
                 config_.bos_token_id);
        for (auto const& notice : set.notices)
            warn(notice);
        for (Prompt const& prompt : set.prompts)
            longest_ = std::max(longest_, std::ssize(prompt.token_ids));
    }

    std::string model() const {
        return fmt::format(
            "# A first job, by gatesweep init. jobs/README.md describes every key; gatesweep plan says what the job "
            "would do.\n#   gatesweep plan job.toml\n#   gatesweep run job.toml --out results/first\n\n"
            "[model]   # {}, {} x {} experts, top-{}, {:.1f} M parameters\npath = {}\n"
            "dtype = \"auto\"   # {} here; float32 agrees with Hugging Face to the last places, and takes twice the "
            "memory of bfloat16\n",
            family_title(config_), layers_text(config_), config_.num_experts, config_.top_k,
            static_cast<double>(num_parameters(config_)) / 1e6, in_quotes(folder_.string()), dtype_name(dtype()));
    }

    at::ScalarType dtype() const { return choose_dtype(WeightType::automatic, config_); }

    std::string parallel() const {
        std::size_t const size = c10::elementSize(dtype());
        std::uint64_t const memory = available_memory(at::kCPU, 1);
        int const degree = degree_that_fits(config_, memory, size);
        std::string const need = bytes_text(weight_bytes(config_, config_.num_experts, size));
        std::string const fits =
            degree == 1 ? fmt::format("the weights, {}, fit into the {} that are free here", need, bytes_text(memory))
            : degree == 0
                ? fmt::format("the weights take {}, more than the {} that are free here", need, bytes_text(memory))
                : fmt::format("the weights take {}; {} ranks with {} free each could hold a copy together", need,
                              degree, bytes_text(memory));
        return fmt::format(
            "\n[parallel]\nexpert_parallel = 1   # {}\n# device = \"auto\"   # GPUs where the build and "
            "the node have them\n",
            fits);
    }

    std::string analysis() const {
        std::int64_t const n = config_.num_experts;
        auto const limits = [&](SignalKind kind) {
            Thresholds const& of_eight = signal_kinds[static_cast<std::size_t>(kind)].limits;
            return fmt::format("{{ gap = {:.2g}, min = {:.2g} }}", scaled(of_eight.gap, n), scaled(of_eight.min, n));
        };
        std::string const why =
            n == 8 ? "the paper's limits, which are of 8 experts a layer"
                   : fmt::format("the paper's limits are of 8 experts a layer; here in proportion to 1/{}", n);
        return fmt::format(
            "\n[analysis]   # classes of experts by the gap between the groups' means\nbenign = \"benign\"\nmalicious "
            "= "
            "\"harmful\"\nactivation = {}   # {}\ngradient-share = {}\n",
            limits(SignalKind::activation), why, limits(SignalKind::gradient_share));
    }

    std::string sweep() const {
        std::int64_t const room = config_.max_position_embeddings - longest_;
        std::int64_t const new_tokens = std::clamp<std::int64_t>(room, 1, 64);
        return fmt::format(
            "\n[sweep]   # suppresses sets of experts, each beside random ones; leave the section out for signals "
            "alone\nprompts = [\"harmful\"]   # answered and labelled under every set\nside_effects = [\"benign\"]   # "
            "watched for over-refusal and perplexity\nmax_new_tokens = {}   # longest prompt: {}; a short reply can "
            "hide "
            "a late refusal\nsignals = [\"activation\", \"gradient-share\"]\nclasses = [\"malicious-dominant\", "
            "\"benign-dominant\"]\nsizes = \"auto\"   # 1, 2, 3, 5, 10, ... experts of a class, by gap\n"
            "modes = [\"mask\"]\ncontrols = {{ random = 20, match = \"layers\" }}   # for each set; below 19 no p of "
            "random sets is under 0.05\n\n[sweep.labels]\nmethod = \"phrases\"   # English phrase rules; a judge or "
            "people label better (jobs/README.md, Labels)\n\n# [[sweep.trial]]   # a set of your own: [layer, expert], "
            "counted from 0\n# name = \"mine\"\n# experts = [[{}, 0], [{}, 1]]\n",
            new_tokens, plural(longest_, "token"), config_.sparse_layers().front(), config_.sparse_layers().back());
    }

    // A column that both files have may tell effects apart.
    std::string report() const {
        std::vector<std::string> common;
        if (others_.size() == 2) {
            for (auto const& name : others_[0]) {
                if (std::ranges::find(others_[1], name) != others_[1].end()) common.push_back(name);
            }
        }
        if (common.empty()) return "";
        return fmt::format("\n[report]\n# by = {}   # effects by a column of the prompt files: {}\n",
                           in_quotes(common.front()), some(common));
    }

    fs::path folder_;
    ModelConfig config_;
    Job job_;
    TemplateKind kind_ = TemplateKind::chat;
    std::string template_note_, groups_text_;
    std::vector<std::vector<std::string>> others_;
    std::int64_t longest_ = 0;
};

}  // namespace

void print_first_job(Options const& options) {
    fmt::print("{}", FirstJob(options).text());
}

}  // namespace gatesweep
