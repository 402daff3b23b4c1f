// The post-processors of tokenizer.json, of which only the ids around a text count here.
#pragma once

#include <cstdint>
#include <vector>

#include "json_fields.h"

namespace gatesweep::bpe {

struct Surroundings {
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> after;
};

Surroundings read_post_processor(Fields const& fields);

}  // namespace gatesweep::bpe
