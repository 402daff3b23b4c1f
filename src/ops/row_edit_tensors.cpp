#include "gatesweep/ops/row_edit_tensors.h"

#include <cstdint>
#include <vector>

#include "gatesweep/ops/upload.h"

namespace gatesweep {

RowEditTensors edit_table(RouterEdits const& edits, at::Device device) {
    auto const& rows = edits.layer_edits();
    std::vector<float> values;
    std::vector<std::int32_t> modes;
    for (LayerEdit const& edit : rows) {
        values.insert(values.end(), edit.values.begin(), edit.values.end());
        modes.push_back(static_cast<std::int32_t>(edit.mode));
    }
    modes[0] = -1;  // entry 0 edits nothing
    return {upload<float>(values, device).view({std::ssize(rows), -1}), upload<std::int32_t>(modes, device), {}};
}

RowEditTensors tensors_of(RowEdits const& edits, at::Device device) {
    if (edits.on_device) return *edits.on_device;
    if (!edits.table) return {};
    RowEditTensors tensors = edit_table(*edits.table, device);
    tensors.entries = upload(edits.entries, device);
    return tensors;
}

}  // namespace gatesweep
