// The collective work of a sweep: every rank of the world calls the same function; results are whole on the final rank.
//
// No float crosses ranks but as a finished per-prompt number: what a rank computes is gathered, not summed.
//
// With a ledger, work that it holds is not done again, and finished work is committed as it goes. When a rank is told
// to stop with work left, the work of its group is committed and every rank throws Error(ExitCode::stopped).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gatesweep/base/stop_request.h"
#include "gatesweep/model/output_head.h"
#include "gatesweep/store/ledger.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

struct SweepContext {
    Mixtral const& model;
    ParallelLayout const& layout;
    RouterEdits const& edits;
    std::vector<std::vector<std::int32_t>> const& prompts;  // [P] token ids
    std::int64_t batch_tokens = 8192;                       // of a prefill or teacher-forced pass
    // Called with this rank's share: done, all.
    std::function<void(std::int64_t, std::int64_t)> progress;
    Ledger* ledger = nullptr;
    std::function<StopRequest()> stop = {};  // empty: never
};

struct GenerationResult {
    std::vector<Completion> completions;  // final rank: all, by variant, then prompt
    GenerationStats stats;                // of this rank
};

constexpr char const* completion_record = "completion";  // the kind of a ledger's records

// How many (variant, prompt) pairs of generate_all are recorded: `holds` is asked for the key of each.
std::int64_t count_recorded(RouterEdits const& edits, std::vector<std::vector<std::int32_t>> const& prompts,
                            std::vector<std::int64_t> const& rows, GeneratorOptions const& options,
                            std::function<bool(std::string const& key)> const& holds);

// Variants [first, first + count) of the edit table on each of `rows` (indices of prompts).
GenerationResult generate_all(SweepContext const& context, std::vector<std::int64_t> const& rows,
                              std::int32_t first_variant, std::int32_t num_variants, GeneratorOptions const& options);

// A prompt and what was generated for it without edits.
struct ForcedText {
    std::int64_t prompt = 0;
    std::vector<std::int32_t> ids;
    std::int64_t num_prompt_tokens = 0;
};

struct ForcedScore {
    std::int64_t prompt = 0;
    std::int32_t variant = 0;
    TextScore score;
};

// Every variant but 0 on every text, against variant 0; variant 0's own scores are among the result.
// Final rank: by variant, then prompt.
std::vector<ForcedScore> score_texts(SweepContext const& context, std::vector<ForcedText> const& texts,
                                     std::int32_t num_variants);

// Log-probabilities of openers after prompts: margin = log sum P(refusal opener) - log sum P(compliance opener).
struct Openers {
    std::vector<std::vector<std::int32_t>> refusals, compliances;  // token ids
};
struct RefusalMargin {
    std::int64_t prompt = 0;
    std::int32_t variant = 0;
    double margin = 0.0;  // nats
};
// Final rank: by variant, then prompt.
std::vector<RefusalMargin> refusal_margins(SweepContext const& context, std::vector<std::int64_t> const& rows,
                                           Openers const& openers, std::int32_t num_variants);

}  // namespace gatesweep
