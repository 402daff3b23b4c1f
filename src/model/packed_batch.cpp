#include "gatesweep/model/packed_batch.h"

#include "gatesweep/ops/upload.h"

namespace gatesweep {

PackedBatch pack(std::span<std::vector<std::int32_t> const> prompts) {
    PackedBatch batch;
    batch.offsets = {0};
    std::vector<std::int64_t> ids, positions;
    for (auto const& prompt : prompts) {
        ids.insert(ids.end(), prompt.begin(), prompt.end());
        for (std::size_t i = 0; i < prompt.size(); ++i)
            positions.push_back(static_cast<std::int64_t>(i));
        batch.offsets.push_back(static_cast<std::int64_t>(ids.size()));
    }
    batch.ids = at::tensor(ids, at::kLong);
    batch.positions = at::tensor(positions, at::kLong);
    return batch;
}

PackedBatch placed(PackedBatch batch, at::Device device) {
    if (device.is_cpu()) return batch;
    batch.positions = batch.positions.to(device);
    std::vector<std::int32_t> const offsets(batch.offsets.begin(), batch.offsets.end());
    batch.offsets_on_device = upload<std::int32_t>(offsets, device);
    return batch;
}

}  // namespace gatesweep
