#include "record_book.h"

namespace gatesweep {

std::string edit_digest(RouterEdits const& edits, std::int32_t variant) {
    FastDigest digest;
    for (Phase phase : {Phase::prefill, Phase::decode}) {
        for (std::int64_t layer = 0; layer < edits.num_layers(); ++layer) {
            std::int32_t const entry = edits.entry(variant, layer, phase);
            if (entry == 0) continue;
            LayerEdit const& edit = edits.layer_edits()[static_cast<std::size_t>(entry)];
            digest.add(phase == Phase::prefill ? "prefill" : "decode")
                .add(fmt::format("{}", layer))
                .add(to_string(edit.mode));
            digest.add(std::as_bytes(std::span(edit.values)));
        }
    }
    return digest.hex();
}

}  // namespace gatesweep
