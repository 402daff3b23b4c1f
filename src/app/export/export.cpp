#include "app/commands.h"

#include <algorithm>
#include <array>

#include "exported_run.h"
#include "formats.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"

namespace gatesweep {
namespace {

struct Format {
    std::string_view word;
    void (*write)(ExportedRun const&, std::filesystem::path const&);
    bool takes_trials;
};
constexpr std::array formats = {
    Format{"lm-eval", export_lm_eval, true},        Format{"inspect", export_inspect, true},
    Format{"megatron", export_megatron, false},     Format{"safex", export_safex, false},
    Format{"parquet-ready", export_columns, false},
};

}  // namespace

std::vector<std::string> export_formats() {
    std::vector<std::string> words;
    for (Format const& format : formats)
        words.emplace_back(format.word);
    return words;
}

void export_run(Options const& options) {
    Format const& format = *std::ranges::find(formats, options.format, &Format::word);
    GATESWEEP_VALIDATE(options.trial_ids.empty() || format.takes_trials, ExitCode::usage,
                       "--trial goes with lm-eval and inspect alone (the others hold no replies of trials, or all): "
                       "leave it out");
    ExportedRun const run = read_exported_run(options);
    bool const is_taken = file_kind(options.out) == FileKind::file ||
                          (file_kind(options.out) == FileKind::folder && !list_folder(options.out).empty());
    GATESWEEP_VALIDATE(!is_taken, ExitCode::cannot_create,
                       "{}: is there already and not an empty folder (old files would mix with new ones): choose "
                       "another --out",
                       options.out.string());
    create_folder(options.out);
    format.write(run, options.out);
    say("exported", "for {}: {}", format.word, options.out.string());
}

}  // namespace gatesweep
