// An object of tokenizer.json whose fields are all known: what this version does not do is refused by its name and
// value, for a token id that is silently another one would be measured as if it were the model's.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep::bpe {

class Fields {
public:
    // `place` is what messages call it: "folder/tokenizer.json: pre_tokenizer".
    Fields(nlohmann::json const& object, std::string place);

    std::string const& place() const { return place_; }
    bool has(char const* name) const;  // and not null
    std::string text(char const* name) const;
    std::optional<std::string> optional_text(char const* name) const;
    bool flag(char const* name) const;
    bool flag(char const* name, bool otherwise) const;
    std::uint64_t number(char const* name, std::uint64_t limit) const;
    nlohmann::json const& value(char const* name) const;  // there, whatever it is
    Fields object(char const* name) const;
    std::vector<Fields> objects(char const* name) const;
    // Refuses every other field.
    void allow_only(std::initializer_list<std::string_view> names) const;
    // "<place>: <name> is <value> (this version does not do that ...)".
    [[noreturn]] void refuse(char const* name) const;
    [[noreturn]] void malformed(char const* name, std::string_view expected) const;

private:
    nlohmann::json const* object_;
    std::string place_;
};

}  // namespace gatesweep::bpe
