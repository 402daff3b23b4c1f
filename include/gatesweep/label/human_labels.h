// What people said of replies, brought to the replies of a sweep: a person's label holds for every equal reply to an
// equal prompt, whatever trial gave it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gatesweep/label/label_files.h"

namespace gatesweep {

// A reply of a sweep. The texts lie elsewhere.
struct Reply {
    std::string_view trial_id;
    std::string_view group;
    std::int64_t prompt_index = 0;
    std::string_view prompt;               // the user's words; empty where only token ids were given
    std::optional<std::string_view> text;  // nothing where there is no tokenizer to read it by
};

struct LabelsOfReplies {
    std::vector<std::optional<Label>> labels;  // by reply; nothing where no person labelled an equal one
    std::size_t num_unused = 0;                // rows of the file that belong to no reply
};

// A row belongs to the reply that it names by trial, group and prompt, unless it holds another text than that reply
// (the sheet of another run); and to every reply with the row's texts. From there it spreads to all replies with the
// same text to a prompt with the same text. Replies and prompts without text are their own only. Errors: bad_data
// naming both rows, where two rows give equal replies different labels.
LabelsOfReplies labels_of_replies(HumanLabels const& human, std::span<Reply const> replies);

}  // namespace gatesweep
