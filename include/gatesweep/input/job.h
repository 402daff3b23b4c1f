// The job file: one TOML file, one plain struct with defaults. Every rank holds the same Job.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/settings.h"
#include "gatesweep/input/harden_spec.h"
#include "gatesweep/input/tokenizer.h"
#include "gatesweep/terms/analysis_parameters.h"
#include "gatesweep/terms/audit_parameters.h"
#include "gatesweep/terms/edit_mode.h"
#include "gatesweep/terms/score_parameters.h"

namespace gatesweep {

enum class WeightType { automatic, float32, bfloat16 };  // automatic: the checkpoint's own
enum class DeviceKind { automatic, cpu, cuda };
// Layers are read from disk as they are needed: always, never, or when the weights do not fit and there is no sweep.
enum class StreamMode { automatic, always, never };
enum class TemplateKind { chat, raw };  // the checkpoint's chat template, or the text as it is

struct ModelSpec {
    std::filesystem::path path;  // folder of a Hugging Face checkpoint
    WeightType dtype = WeightType::automatic;
    std::string chat_template;                              // of several, the one with this name; empty: "default"
    std::map<std::string, std::string> template_arguments;  // variables of the chat template, as JSON
    std::string date;  // "2026-11-30", for chat templates that ask for today's; empty: such a template is refused
    Tokenization tokenization = Tokenization::huggingface;
    SpecialInText special_in_text = SpecialInText::text;
    std::filesystem::path adapter;  // folder of a low-rank adapter that is added to the weights; empty: none
};

struct ParallelSpec {
    int expert_parallel = 1;  // ranks that hold one copy of the experts together
    DeviceKind device = DeviceKind::automatic;
    int threads = 0;    // per rank; 0: cores of the node / ranks on it
    Settings settings;  // with what the environment says instead
};

struct PromptSource {
    std::string group;
    std::filesystem::path file;
    std::string column;                        // empty: found by header
    std::map<std::string, std::string> where;  // column = value, all must hold
    std::int64_t limit = 0;                    // 0: all rows
    TemplateKind prompt_template = TemplateKind::chat;
};

// Which tokens of a conversation of a pair count: the last answer, what the file names, or the last question.
enum class PairCount { response, target, prompt };
std::string_view to_string(PairCount count);

// Where the answers of one side of built pairs come from: a text file, a line each, drawn in order and from the start
// again, or a column of the prompt file.
struct ResponseSource {
    std::filesystem::path list;
    std::string column;

    bool is_given() const { return !list.empty() || !column.empty(); }
    bool operator==(ResponseSource const&) const = default;
};

// [[pairs]]: conversations in twos, whose routing is compared (SteerMoE, arXiv 2509.09660).
struct PairSource {
    std::string name;
    std::filesystem::path file;     // rows of messages_0, messages_1, messages_0_target, messages_1_target; or:
    std::filesystem::path prompts;  // a prompt file, with two answers to each prompt,
    std::string column;             // as in PromptSource
    std::map<std::string, std::string> where;
    std::array<ResponseSource, 2> responses;
    std::string document, question;  // or its columns: the question with the document, and alone
    std::optional<PairCount> count;  // nothing: the target where there is one, else the response
    std::int64_t limit = 0;          // 0: all rows

    bool operator==(PairSource const&) const = default;
};

// A phase of a conversation whose tokens are counted apart.
enum class TokenPhase { prompt, generated };
constexpr std::string_view to_string(TokenPhase phase) {
    return phase == TokenPhase::prompt ? "prompt" : "generated";
}

struct SignalsSpec {
    std::int64_t batch_tokens = 8192;  // tokens packed into one pass of one group of ranks
    std::uint64_t memory = 0;          // bytes a rank may spend on activations kept for backward; 0: automatic
    StreamMode stream = StreamMode::automatic;
    // Whether the generated tokens of the sweep's baseline are counted too.
    std::vector<TokenPhase> phases = {TokenPhase::prompt};

    bool counts(TokenPhase phase) const;
};

// So many of a provider's experts: those with the highest scores above 0 are activated, with the lowest below 0
// deactivated (SteerMoE's rule).
struct SteeredSet {
    std::string provider;
    std::int64_t activate = 0;
    std::int64_t deactivate = 0;
    bool reverse = false;  // of the scores with the other sign

    bool operator==(SteeredSet const&) const = default;
};

// [[sweep.trial]]: a set of the user's own.
struct CustomTrial {
    std::string name;
    std::vector<std::vector<std::int64_t>> experts;  // [layer, expert], from 0; empty when `file` names them
    std::filesystem::path file;                      // CSV layer,expert[,weight]: an external list
    std::optional<SteeredSet> from;                  // chosen by scores, mode steer
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    double bias = 0.0;  // added to the logits, mode bias, experts without a weight of their own; 0: not given
    // Mode steer: experts deactivated (the default) or activated; a weight in the file decides by its sign. The other
    // modes look at no weights.
    bool activate = false;

    bool operator==(CustomTrial const&) const = default;
};

// How the experts of a random control resemble the set they are a control of; its own experts are never drawn.
//   size     as many, anywhere
//   layers   as many in every layer
//   traffic  as many in every layer, together carrying about as much of the traffic
enum class ControlMatch { size, layers, traffic };
std::string_view to_string(ControlMatch match);

struct ControlsSpec {
    int random = 20;  // sets for every set that is tried; 0, which must be written out: nothing is compared with chance
    ControlMatch match = ControlMatch::layers;
    bool reverse = false;  // the opposite class
    bool bottom = false;   // the experts with the smallest gaps
};

enum class LabelMethod { phrases, judge };
std::string_view to_string(LabelMethod method);
// A pair is a prompt's label at the baseline and in a trial. Where a person gave one of the two and the labeller the
// other, a difference may be one of labellers: such a pair is left out of every comparison, or counts like the others.
enum class MixedPairs { leave_out, allow };
std::string_view to_string(MixedPairs mixed);  // "leave-out"
struct LabelsSpec {
    LabelMethod method = LabelMethod::phrases;
    std::filesystem::path phrases;         // empty: the built-in rules
    std::filesystem::path judge;           // folder of the judge's checkpoint
    std::filesystem::path judge_template;  // empty: the built-in one
    std::filesystem::path human;           // labels of people; each counts for every equal reply to the prompt
    MixedPairs mixed = MixedPairs::leave_out;
    std::filesystem::path
        validation;  // a labelled file (label/label_validation.h) on which the labeller's error is measured
};

// [sweep.screen]: the refusal margin of every single expert before the sweep.
struct ScreenSpec {
    bool enabled = true;
    EditMode mode = EditMode::mask;     // not bias, which needs a dose
    std::int64_t limit = 20;            // prompts of each sweep group
    std::vector<std::string> refusals;  // openers; empty: the model's own, from the baseline
    std::vector<std::string> compliances;
};

// [sweep]. With `enabled = false` in the section the job is the one without it: the section is checked, then dropped,
// so that --set sweep.enabled=false runs the phases before the sweep as if there were none.
struct SweepSpec {
    bool enabled = false;              // the job has a [sweep] section
    std::vector<std::string> prompts;  // groups that are generated on and labelled; default: analysis.malicious
    // Other groups, watched for over-refusal and perplexity; default: analysis.benign, unless it is among `prompts`.
    std::vector<std::string> side_effects;
    std::int64_t max_new_tokens = 64;
    std::int64_t slots = 0;  // sequences that a rank decodes at once; 0: automatic. The results do not depend on it
    // Signals, and providers of [scores] (terms/score_provider.h); empty: no grid.
    std::vector<std::string> signals = {"activation", "gradient"};
    // By limits, for signals, and by ranks (terms/rank_class.h), for all. Left out: the limits' for signals, top for
    // others.
    std::vector<std::string> classes = {"malicious-dominant", "benign-dominant"};
    // Nothing: those that fit each class (sweep/trial_plan.h). Without any, and without shares: no grid.
    std::optional<std::vector<std::int64_t>> sizes;
    std::vector<double> shares;  // further sizes, of classes by ranks: % of the experts of each layer
    std::map<std::string, std::vector<double>> gap_thresholds;  // by job word of the signal; absent: the analysis' own
    std::vector<EditMode> modes = {EditMode::mask};
    std::vector<EditScope> scopes = {EditScope::both};
    std::vector<double> bias = {-2.0};  // doses of mode bias
    // How many experts of each signal are activated and deactivated (SteeredSet): every combination; neither: no such
    // sets.
    std::vector<std::int64_t> activate, deactivate;
    bool reverse = false;
    ControlsSpec controls;
    std::uint64_t seed = 1;
    bool allow_fewer = false;  // masks may leave a layer fewer than top-k experts (never none)
    LabelsSpec labels;
    ScreenSpec screen;
    std::vector<CustomTrial> trials;

    // Whether prompts of the group are generated on.
    bool watches(std::string_view group) const;
    // Whether sets are taken from scores with a sign; from the classes of the analysis.
    bool has_steered_sets() const { return !activate.empty() || !deactivate.empty(); }
    bool has_grid() const { return !signals.empty() && !(sizes && sizes->empty() && shares.empty()); }
};

struct ReportSpec {
    std::string title;           // empty: the job's name
    std::filesystem::path mark;  // CSV layer,expert: experts to mark in tables and heatmaps; empty: none
    std::string by;              // column of the prompt files: effects of the sweep by its values; empty: none
};

struct Job {
    std::string name;  // stem of the job file
    ModelSpec model;
    ParallelSpec parallel;
    std::vector<PromptSource> prompts;
    std::vector<PairSource> pairs;
    SignalsSpec signals;
    AnalysisParameters analysis;
    ScoreParameters scores;
    AuditParameters audit;
    SweepSpec sweep;
    HardenSpec harden;
    ReportSpec report;
};

// Reads and validates a job file. `overrides` are the --set arguments, "section.key=value" with a TOML value (a bare
// word counts as a string). A relative path is looked for beside the job file first, then in the working folder, and
// stored absolute. Errors: ExitCode::job with file, line and key; an unknown key names the nearest known one;
// a prompt file or model folder that does not exist is ExitCode::input_missing.
Job load_job(std::filesystem::path const& file, std::vector<std::string> const& overrides = {});

// The resolved job of a run, whose files may lie on another machine: its paths are taken as they stand, and only those
// that `overrides` name are looked for, in the working folder. Errors: as load_job.
Job load_stored_job(std::filesystem::path const& file, std::vector<std::string> const& overrides = {});

// The same of the text that to_toml gave; `name` is what messages call it.
Job parse_stored_job(std::string_view toml, std::string const& name);

}  // namespace gatesweep
