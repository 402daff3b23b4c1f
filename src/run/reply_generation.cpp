#include "gatesweep/run/reply_generation.h"

#include <algorithm>

#include "gatesweep/base/error.h"

namespace gatesweep {

GeneratorOptions generator_options(Setup const& setup, Decoder const& model, std::int64_t max_new_tokens,
                                   std::int64_t slots) {
    auto const& [inputs, config, layout, machine] = setup;
    if (slots == 0) {
        std::int64_t const capacity = inputs.max_prompt_tokens() + max_new_tokens;
        std::uint64_t const bytes = KvCache::slot_bytes(config, capacity, model.weights().embedding.element_size());
        slots = std::clamp<std::int64_t>(static_cast<std::int64_t>(machine.tape_memory / 2 / bytes), 1,
                                         max_automatic_slots);
    }
    return {max_new_tokens, slots, inputs.job.signals.batch_tokens, config.eos_token_ids};
}

void check_reply_room(Inputs const& inputs, ModelConfig const& config, std::size_t p, std::int64_t max_new_tokens,
                      std::string_view key) {
    std::int64_t const num_tokens = std::ssize(inputs.token_ids[p]), needed = num_tokens + max_new_tokens;
    GATESWEEP_VALIDATE(
        needed <= config.max_position_embeddings, ExitCode::job,
        "prompt {} of group {} has {} tokens: with {} = {} it would pass the model's {} positions: lower "
        "max_new_tokens, or leave the prompt out",
        inputs.prompt_ids[p], inputs.groups[p], num_tokens, key, max_new_tokens, config.max_position_embeddings);
    // The last token generated is not fed.
    GATESWEEP_VALIDATE(!config.rope_scaling.changes_between(num_tokens, needed - 1), ExitCode::job,
                       "prompt {} of group {} has {} tokens: with {} = {} its reply would pass "
                       "original_max_position_embeddings {}, where the model's rotary embedding changes (longrope) and "
                       "nothing computed before would hold: lower max_new_tokens, or leave the prompt out",
                       inputs.prompt_ids[p], inputs.groups[p], num_tokens, key, max_new_tokens,
                       config.rope_scaling.original_positions);
}

}  // namespace gatesweep
