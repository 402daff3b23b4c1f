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
#include "gatesweep/ops/output_head.h"
#include "gatesweep/store/ledger.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

struct SweepContext {
    Decoder const& model;
    ParallelLayout const& layout;
    RouterEdits const& edits;
    std::vector<std::vector<std::int32_t>> const& prompts;  // [P] token ids
    std::int64_t batch_tokens = 8192;                       // of a prefill or teacher-forced pass
    // Called with this rank's share: done, all.
    std::function<void(std::int64_t, std::int64_t)> progress;
    Ledger* ledger = nullptr;
    std::function<StopRequest()> stop = {};  // empty: never
    // Which model it is, where several share a ledger: part of what a record is found by. Empty: the job's.
    std::string model_name = {};
};

}  // namespace gatesweep
