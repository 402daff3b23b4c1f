// What every phase that generates replies has in common: how many it decodes at once, and whether a reply has room.
#pragma once

#include <cstdint>
#include <string_view>

#include "gatesweep/run/setup.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Sequences that a rank decodes at once, where the job says no number: as many as half of the tapes' memory holds keys
// and values of, at most so many.
constexpr std::int64_t max_automatic_slots = 256;

// `slots` 0: automatic.
GeneratorOptions generator_options(Setup const& setup, Decoder const& model, std::int64_t max_new_tokens,
                                   std::int64_t slots);

// For prompt `p`; `key` is the job's for max_new_tokens. Errors: job where a reply of that length would pass the
// model's positions, or the length at which its rotary embedding changes.
void check_reply_room(Inputs const& inputs, ModelConfig const& config, std::size_t p, std::int64_t max_new_tokens,
                      std::string_view key);

}  // namespace gatesweep
