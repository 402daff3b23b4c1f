#include "lane_store.h"

#include <vector>

#include "gatesweep/ops/upload.h"

namespace gatesweep {

void LaneStore::layer(std::int64_t layer, Lanes const& lanes, bool lanes_changed, LayerTape const& tape) {
    if (device_.is_cpu()) {
        auto const& offsets = lanes.batch().offsets;
        for (std::size_t i = 0; i < lanes.lanes().size(); ++i) {
            at::Tensor const k = tape.k.slice(0, offsets[i], offsets[i + 1]),
                             v = tape.v.slice(0, offsets[i], offsets[i + 1]);
            for (std::int64_t branch : lanes.lanes()[i].branches)
                cache_.store_prefix(layer, slots_[branch], k, v);
        }
        return;
    }
    if (lanes_changed || !rows_.defined()) find_rows(lanes);
    cache_.store_rows(layer, row_slots_, row_positions_, tape.k.index_select(0, rows_), tape.v.index_select(0, rows_));
}

void LaneStore::find_rows(Lanes const& lanes) {
    auto const& offsets = lanes.batch().offsets;
    std::vector<std::int64_t> rows, slots, positions;
    for (std::size_t i = 0; i < lanes.lanes().size(); ++i) {
        for (std::int64_t branch : lanes.lanes()[i].branches) {
            for (std::int64_t row = offsets[i]; row < offsets[i + 1]; ++row) {
                rows.push_back(row);
                slots.push_back(slots_[branch]);
                positions.push_back(row - offsets[i]);
            }
        }
    }
    rows_ = upload<std::int64_t>(rows, device_);
    row_slots_ = upload<std::int64_t>(slots, device_);
    row_positions_ = upload<std::int64_t>(positions, device_);
}

}  // namespace gatesweep
