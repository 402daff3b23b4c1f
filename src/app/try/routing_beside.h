// Where the tokens of two texts go: the same prompt with two replies, one of them under edits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/model/decoder.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Choices of one text: chosen[layer with a router][token], ascending experts.
using TextRouting = std::vector<std::vector<std::vector<std::int64_t>>>;

// Of every completion, whose variant edits the router, behind the prompt. Collective over the expert-parallel group; a
// rank without completions takes part.
std::vector<TextRouting> routing_of(Decoder const& model, RouterEdits const& edits,
                                    std::vector<std::int32_t> const& prompt,
                                    std::vector<Completion> const& completions);

// A table for people, a row for each layer: the experts that most tokens of the prompt and of the reply went to,
// without edits and with, and the share of the prompt's choices that moved. With one text its own columns alone.
std::string routing_table(std::vector<TextRouting> const& texts, std::size_t num_prompt_tokens,
                          std::vector<std::int64_t> const& layers);

}  // namespace gatesweep
