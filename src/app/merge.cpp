#include "commands.h"

#include "gatesweep/base/log.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/merge.h"

namespace gatesweep {

void merge_adapter(Options const& options) {
    Adapter const adapter = read_adapter(options.adapter, load_model_config(options.folder));
    say("adapter", "{}: {}", options.adapter.string(), adapter_text(adapter));
    merge_checkpoint(options.folder, adapter, options.out);
    say("merged", "{}", options.out.string());
}

}  // namespace gatesweep
