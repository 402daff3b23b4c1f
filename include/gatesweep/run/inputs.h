// Everything a run reads but the weights: read and checked by rank 0, then the same on every rank.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/input/audit_texts.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/pairs.h"
#include "gatesweep/input/training_prompts.h"
#include "gatesweep/run/job_request.h"

namespace gatesweep {

struct Inputs {
    Job job;
    // Row p is prompt p of the job.
    std::vector<std::string> prompt_ids;
    std::vector<std::string> groups;
    std::vector<std::string> prompt_texts;  // the user's words, turns joined by blank lines; empty for token_ids rows
    std::vector<std::vector<std::int32_t>> token_ids;
    std::vector<Pair> pairs;               // of [[pairs]]
    AuditTexts audit;                      // of [audit]
    std::vector<AnsweredPrompt> refusals;  // of [harden]
    ImportedMaps imported;                 // of [scores] import
    std::string prompts_digest;            // of the pairs, the texts of audit and hardening and imported scores too
    PromptMetadata metadata;
    std::vector<ExpertId> marks;  // of [report] mark

    std::int64_t num_tokens() const;
    std::int64_t max_prompt_tokens() const;
    std::int64_t max_tokens() const;  // of a prompt, a conversation of a pair or of [harden], or a text of the audit
    std::vector<std::int64_t> prompt_tokens() const;
};

// Collective. Rank 0 reads job, prompts and tokenizer, and says what it found; the others receive.
Inputs read_inputs(JobRequest const& request, Communicator const& world);

// The experts of [report] mark; none for an empty path. Errors: those of read_expert_list.
std::vector<ExpertId> read_marks(std::filesystem::path const& file);

// Digest of what decides the results: the job without what the bytes do not depend on (ranks, threads, batching).
std::string job_digest(Job const& job);

}  // namespace gatesweep
