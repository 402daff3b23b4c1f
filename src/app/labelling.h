// Labels for completions, by the method that the job names, and the labeller's own error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "completions.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/sweep/label_validation.h"
#include "machine.h"
#include "run_session.h"

namespace gatesweep {

// Checks what [sweep.labels] names (rules, template, judge folder, human labels, validation file) before anything is
// computed. Rank 0 only. Errors: those of the files.
void check_label_inputs(Job const& job);

// Text and label of every completion. Collective: judges run on every rank, each with a share of the completions. The
// final rank's `completions` count and get their labels; human labels override where they have a row. A judge's verdicts
// are committed as they come. Errors: ExitCode::stopped on every rank when told to stop with verdicts missing.
std::vector<LabelledText> label_completions(Inputs const& inputs, Machine const& machine, ParallelLayout const& layout,
                                            TrialPlan const& plan, std::vector<Completion> const& completions, RunSession& session);

// The labeller's agreement with the job's validation file; nothing without one. Same calling rule; final rank's result.
std::optional<LabelQuality> measure_labeller(Job const& job, Machine const& machine, ParallelLayout const& layout);

// Labels of the built-in or the job's phrase rules, for what needs labels before the sweep: of the texts themselves.
std::vector<Label> phrase_labels(Job const& job, std::vector<std::string> const& texts);

}  // namespace gatesweep
