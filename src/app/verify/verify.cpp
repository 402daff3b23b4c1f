#include "app/commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/run/setup.h"
#include "numbers.h"
#include "sample.h"

namespace gatesweep {

ExitCode verify_job(Options const& options, Communicator const& world) {
    Setup const setup = set_up(options, world);
    Inputs const& inputs = setup.inputs;
    auto const rows = sample_prompts(inputs.groups, inputs.prompt_tokens(), options.sample_prompts);
    VerifyInput input{inputs.job.model.path,           setup.config,          setup.layout, setup.machine, {},
                      inputs.job.signals.batch_tokens, options.sample_entries};
    std::int64_t num_tokens = 0;
    for (auto row : rows) {
        input.prompts.push_back(inputs.token_ids[row]);
        num_tokens += static_cast<std::int64_t>(inputs.token_ids[row].size());
    }
    say("sample", "{} of {}, the shortest and the longest of each group; {} tokens", rows.size(),
        plural(static_cast<std::int64_t>(inputs.groups.size()), "prompt"), num_tokens);

    // The table is what was asked for, so it goes to standard output; the rest is talk.
    auto const print = [&](std::string const& line) {
        if (world.rank() != 0) return;
        fmt::print("{}\n", line);
        std::fflush(stdout);
    };
    std::int64_t num_failed = 0, num_ok = 0;
    print(table_header());
    verify_numbers(input, [&](Check const& check) {
        num_failed += check.verdict == Verdict::failed;
        num_ok += check.verdict == Verdict::ok;
        print(table_row(check));
    });
    if (num_failed > 0) {
        if (world.rank() == 0) {
            report_error(fmt::format(
                "{} failed (numbers of this job on this machine cannot be trusted): run the tests of this build, "
                "and report the table",
                plural(num_failed, "check")));
        }
        return ExitCode::internal;
    }
    say("result", "{} passed", plural(num_ok, "check"));
    return ExitCode::ok;
}

}  // namespace gatesweep
