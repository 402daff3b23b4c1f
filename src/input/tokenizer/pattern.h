// What is looked for in a text: {"String": ..} or {"Regex": ..}.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_fields.h"
#include "regex.h"

namespace gatesweep::bpe {

class Pattern {
public:
    explicit Pattern(std::string literal) : literal_(std::move(literal)) {}
    explicit Pattern(Regex regex) : regex_(std::move(regex)) {}
    // Of the field "pattern".
    static Pattern read(Fields const& fields);

    std::vector<Match> find_all(std::string_view text) const;

private:
    std::string literal_;
    std::optional<Regex> regex_;
};

}  // namespace gatesweep::bpe
