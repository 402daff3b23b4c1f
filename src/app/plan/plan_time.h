// How long a job would take on a described machine: each phase's products at the rate they reach, against the bytes
// that must be read meanwhile, and the exchanges between the ranks of a copy after both. Left out: attention scores (a
// few percent below a thousand tokens), work between the products, ends of sequences before the last token.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "cluster.h"
#include "gatesweep/model/model_config.h"
#include "plan_memory.h"
#include "plan_sweep.h"

namespace gatesweep {

// Seconds of the busiest rank.
struct PhaseTime {
    double products = 0.0;
    double reading = 0.0;  // weights, keys and values, from the device's memory
    double exchange = 0.0;

    double total() const { return (products > reading ? products : reading) + exchange; }
    PhaseTime& operator+=(PhaseTime const& other) {
        products += other.products;
        reading += other.reading;
        exchange += other.exchange;
        return *this;
    }
};

struct TimePlan {
    double load = 0.0;  // from storage, what a node's ranks need between them
    PhaseTime signals, screen, prefill, texts, decode;
    // Of a job that is hardened: every arm is loaded again to be judged.
    PhaseTime training, judging;
    double reload = 0.0;
    std::int64_t slots = 0;  // sequences that a rank decodes at once
    std::int64_t decode_steps = 0;

    double total() const {
        return load + signals.total() + screen.total() + prefill.total() + texts.total() + decode.total() + reload +
               training.total() + judging.total();
    }
};

// What the busiest copy does for the signals.
struct SignalWork {
    std::int64_t tokens = 0;
    std::int64_t batches = 0;
};
SignalWork busiest_copy(BatchPlan const& plan, std::span<std::int64_t const> prompt_tokens, int num_copies);

// `sweep`: without trials where the job has no sweep. Sequences are shared out evenly.
TimePlan plan_time(Cluster const& cluster, ModelConfig const& config, int expert_parallel, RankMemory const& memory,
                   std::size_t element_size, SignalWork const& signals, SweepWork const& sweep, std::int64_t new_tokens,
                   std::int64_t slots);

}  // namespace gatesweep
