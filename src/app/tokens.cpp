#include "commands.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "gatesweep/base/log.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/input/prompts.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {

void print_tokens(Options const& options) {
    Job const job = load_job(options.job, options.overrides);
    ModelConfig const config = load_model_config(job.model.path);
    PromptSet set = load_prompts(job);
    if (options.prompt_limit > 0 && std::ssize(set.prompts) > options.prompt_limit)
        set.prompts.resize(static_cast<std::size_t>(options.prompt_limit));
    PromptReaders const readers = load_prompt_readers(job, set);
    tokenize(set, readers.tokenizer.get(), readers.chat.get(), config.vocab_size, config.max_position_embeddings,
             config.bos_token_id);
    std::unique_ptr<Tokenizer> const spare = !readers.tokenizer && has_tokenizer(job.model)
                                                 ? std::make_unique<Tokenizer>(load_tokenizer(job.model))
                                                 : nullptr;
    Tokenizer const* const tokenizer = readers.tokenizer ? readers.tokenizer.get() : spare.get();
    for (auto const& notice : set.notices)
        warn(notice);
    for (Prompt const& prompt : set.prompts) {
        nlohmann::ordered_json line = {{"prompt_id", prompt.id}, {"group", prompt.group}, {"text", nullptr}};
        if (auto const text = text_for_tokens(prompt, readers)) line["text"] = *text;
        line["token_ids"] = prompt.token_ids;
        line["pieces"] = nlohmann::ordered_json::array();
        if (tokenizer) {
            for (std::int32_t const id : prompt.token_ids)
                line["pieces"].push_back(tokenizer->piece(id));
        }
        std::string const text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        std::printf("%s\n", text.c_str());
    }
}

}  // namespace gatesweep
