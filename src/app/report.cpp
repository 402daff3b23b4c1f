#include "commands.h"

#include "gatesweep/base/log.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/store/folder_lock.h"
#include "gatesweep/store/run_directory.h"
#include "print_headline.h"

namespace gatesweep {

void report_run(Options const& options) {
    validate_run_folder(options.folder);
    if (is_complete(options.folder)) validate_unchanged(options.folder, read_manifest(options.folder));
    RunView const run = read_run(options.folder);
    FolderLock const lock(options.folder);
    draw_figures(run);
    write_report_html(run);
    print_headline(options.folder);
    say("report", (options.folder / "report.html").string());
}

}  // namespace gatesweep
