// The rows of a [[pairs]] as conversations: what becomes tokens, and which text of it counts.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/job.h"

namespace gatesweep {

struct PairText {
    std::vector<Message> messages;  // empty: `text` as it is, without a template
    std::string text;
    std::string counted;  // the text that counts
    // Messages: the one that the counted text is, or -1 where it may be a part of any.
    std::int64_t counted_message = -1;
    std::string what;  // the counted text as messages of errors call it: "messages_0_target"
};

struct PairRow {
    std::string id;      // empty: the file gives none
    std::string origin;  // "pairs.jsonl row 3"
    std::array<PairText, 2> sides;
};

struct PairRows {
    std::vector<PairRow> rows;
    std::vector<std::string> file_digests;  // "path sha256"
};

// Errors: those of load_pairs that no tokenizer is needed for.
PairRows read_pair_rows(PairSource const& source);

}  // namespace gatesweep
