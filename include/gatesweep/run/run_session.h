// One start of `run` on a folder: what it goes on from, what it leaves for the next one.
//
//   folder/log/prompts.csv             the prompts that the run was started with
//   folder/log/planned.csv             kind,records: what the phases so far came to, for `status`
//   folder/log/work-aATTEMPT-rRANK.log what a rank has computed, committed batch by batch (store/record_log.h)
#pragma once

#include <map>
#include <optional>
#include <string>

#include "gatesweep/run/job_request.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/work_log.h"
#include "gatesweep/store/ledger.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {

class RunSession {
public:
    // Collective. Takes the folder's lock on the final rank. Errors: cannot_create, with every difference, when the
    // folder holds work of another job, of other prompts (more are fine, and what job_growth.h lists) or of another
    // numerics id.
    RunSession(JobRequest const& request, Setup const& setup);

    // Collective. What was committed before becomes known, a log for this start is opened; in a complete folder
    // neither. Errors: as above, for weights.
    void open_ledger(std::string const& weights_digest);

    // The folder held the results of this job, these prompts and weights already: nothing is to be done. Known once the
    // ledger was opened.
    bool was_complete() const { return was_complete_; }

    Ledger& ledger() { return ledger_; }
    RunDirectory* folder() { return folder_ ? &*folder_ : nullptr; }  // on the final rank; null elsewhere
    Manifest& manifest() { return manifest_; }                        // on the final rank
    // Adds to what `status` measures progress by. Final rank; elsewhere nothing.
    void expect(std::string const& kind, std::int64_t num_records);
    // How this start ended, in the manifest. Final rank; elsewhere nothing. Nothing either when it never came to work
    // and others did.
    void end(std::string const& outcome);

private:
    void look_at_folder(JobRequest const& request);
    std::vector<std::string> differences_of_jobs(Manifest const& before) const;
    void refuse_derived_results(Manifest const& before) const;
    void refuse_other_work(Manifest const& before) const;
    void write_down();

    Setup const& setup_;
    std::filesystem::path log_folder_;
    std::optional<RunDirectory> folder_;
    std::optional<Manifest> before_;  // of earlier starts whose work may be gone on with
    Manifest manifest_;
    std::map<std::string, std::int64_t> planned_;
    Ledger ledger_;
    bool was_complete_ = false;     // with this very job and these prompts
    bool was_finished_ = false;     // with fewer prompts
    bool is_written_down_ = false;  // that this start goes on with what is there
};

}  // namespace gatesweep
