#include "app/commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/run/setup.h"
#include "numbers.h"
#include "published.h"
#include "sample.h"

namespace gatesweep {

namespace {

// The sample of the job's prompts into the input.
void take_sample(Options const& options, Inputs const& inputs, VerifyInput& input) {
    auto const rows = sample_prompts(inputs.groups, inputs.prompt_tokens(), options.sample_prompts);
    std::int64_t num_tokens = 0;
    for (auto row : rows) {
        input.prompts.push_back(inputs.token_ids[row]);
        num_tokens += static_cast<std::int64_t>(inputs.token_ids[row].size());
    }
    say("sample", "{} of {}, the shortest and the longest of each group; {} tokens", rows.size(),
        plural(static_cast<std::int64_t>(inputs.groups.size()), "prompt"), num_tokens);
}

// What may be wrong when a check fails.
std::string failure(std::int64_t num_failed, PublishedNumbers const* published) {
    if (published == nullptr)
        return fmt::format(
            "{} failed (numbers of this job on this machine cannot be trusted): run the tests of this build, and "
            "report the table",
            plural(num_failed, "check"));
    return fmt::format(
        "{} failed (the folder holds other weights than {}, as of a model trained on, or numbers on this machine "
        "cannot be trusted): compare the files with the released ones, then run the tests of this build, and report "
        "the table",
        plural(num_failed, "check"), published->checkpoint);
}

}  // namespace

ExitCode verify_job(Options const& options, Communicator const& world) {
    Setup const setup = set_up(options, world);
    Job const& job = setup.inputs.job;
    PublishedNumbers const* published = nullptr;
    fail_once(world, [&] {
        if (!options.published) return;
        GATESWEEP_VALIDATE(
            job.model.adapter.empty(), ExitCode::job,
            "--published with [model] adapter (numbers are published of the model without one): leave the "
            "adapter out, --set model.adapter=\"\"");
        published = &published_numbers_of(setup.config, job.model.path.string());
    });
    VerifyInput input{job.model.path,           setup.config,           setup.layout,     setup.machine, {},
                      job.signals.batch_tokens, options.sample_entries, job.model.adapter};
    if (published) {
        say("published", "numbers of {}, in float32{}", published->checkpoint,
            setup.machine.dtype == at::kFloat ? "" : "; in this type they are noted (--set model.dtype=float32)");
    } else {
        take_sample(options, setup.inputs, input);
    }

    // The table is what was asked for, so it goes to standard output; the rest is talk.
    auto const print = [&](std::string const& line) {
        if (world.rank() != 0) return;
        fmt::print("{}\n", line);
        std::fflush(stdout);
    };
    std::int64_t num_failed = 0, num_ok = 0;
    print(table_header());
    auto const show = [&](Check const& check) {
        num_failed += check.verdict == Verdict::failed;
        num_ok += check.verdict == Verdict::ok;
        print(table_row(check));
    };
    if (published) {
        verify_published(input, Tokenizer::load(job.model.path), *published, show);
    } else {
        verify_numbers(input, show);
    }
    if (num_failed > 0) {
        if (world.rank() == 0) report_error(failure(num_failed, published));
        return ExitCode::internal;
    }
    say("result", "{} passed", plural(num_ok, "check"));
    return ExitCode::ok;
}

}  // namespace gatesweep
