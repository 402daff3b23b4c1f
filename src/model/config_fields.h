// Private to model: the fields of a config.json, each read as the type that it must have. A null counts as absent.
// Errors: bad_data with the file, the field, what it holds and what it must hold.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

// Bounds far above any model, so that no product of sizes and no count of bytes can overflow 64 bits.
constexpr std::int64_t max_config_width = std::int64_t{1} << 20;
constexpr std::int64_t max_config_count = std::int64_t{1} << 12;
constexpr std::int64_t max_config_positions = std::int64_t{1} << 31;

class ConfigFields {
public:
    using Json = nlohmann::json;

    ConfigFields(Json const& object, std::string const& file, std::string prefix = "")
        : object_(object), file_(file), prefix_(std::move(prefix)) {}

    Json const* find(std::string const& key) const;
    // The one value of a field that goes by several names; null when none is given.
    Json const* find_any(std::initializer_list<char const*> keys) const;
    // Whether the field is named at all, be it null.
    bool contains(std::string const& key) const;

    std::int64_t integer(Json const& value, std::string const& key, std::int64_t low, std::int64_t high) const;
    std::int64_t required(std::initializer_list<char const*> keys, std::int64_t high) const;
    std::int64_t size_or(char const* key, std::int64_t absent, std::int64_t high) const;
    double real(Json const& value, std::string const& key, double low, double high) const;
    bool flag_or(char const* key, bool absent) const;
    // Of a field that asks for something that gatesweep does not compute for this family. Null and absent are as if it
    // were not asked for.
    void refuse_unless_false(char const* key) const;
    void refuse_unless_absent(char const* key) const;
    std::string text(Json const& value, std::string const& key) const;
    // An id or a list of ids, each once, in the order given.
    std::vector<std::int32_t> token_ids(Json const& value, std::string const& key, std::int64_t vocab_size) const;
    // A token goes to no more experts than there are.
    void validate_top_k(ModelConfig const& config) const;

    // Whole values are not shown: they are as deep and as long as whoever wrote the file liked.
    [[noreturn]] void wrong(std::string const& key, Json const& value, std::string const& wanted) const;
    std::string const& file() const { return file_; }

private:
    Json const& object_;
    std::string const& file_;
    std::string prefix_;
};

}  // namespace gatesweep
