#include "json_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"

namespace gatesweep::bpe {

Fields::Fields(nlohmann::json const& object, std::string place) : object_(&object), place_(std::move(place)) {
    GATESWEEP_VALIDATE(object.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object: copy the checkpoint's file again", place_);
}

bool Fields::has(char const* name) const {
    auto const found = object_->find(name);
    return found != object_->end() && !found->is_null();
}

nlohmann::json const& Fields::value(char const* name) const {
    auto const found = object_->find(name);
    GATESWEEP_VALIDATE(found != object_->end(), ExitCode::bad_data,
                       "{}: there is no field {} (the tokenizer would be incomplete): copy the checkpoint's file again",
                       place_, name);
    return *found;
}

std::string Fields::text(char const* name) const {
    auto const& found = value(name);
    if (!found.is_string()) malformed(name, "a text");
    return found.get<std::string>();
}

std::optional<std::string> Fields::optional_text(char const* name) const {
    if (!has(name)) return std::nullopt;
    return text(name);
}

bool Fields::flag(char const* name) const {
    auto const& found = value(name);
    if (!found.is_boolean()) malformed(name, "true or false");
    return found.get<bool>();
}

bool Fields::flag(char const* name, bool otherwise) const {
    return has(name) ? flag(name) : otherwise;
}

std::uint64_t Fields::number(char const* name, std::uint64_t limit) const {
    auto const& found = value(name);
    if (!found.is_number_unsigned() || found.get<std::uint64_t>() > limit)
        malformed(name, fmt::format("a whole number from 0 to {}", limit));
    return found.get<std::uint64_t>();
}

Fields Fields::object(char const* name) const {
    return {value(name), place_ + "." + name};
}

std::vector<Fields> Fields::objects(char const* name) const {
    auto const& list = value(name);
    if (!list.is_array()) malformed(name, "a list");
    std::vector<Fields> out;
    for (std::size_t i = 0; i < list.size(); ++i)
        out.emplace_back(list[i], fmt::format("{}.{}[{}]", place_, name, i));
    return out;
}

void Fields::allow_only(std::initializer_list<std::string_view> names) const {
    for (auto const& [name, ignored] : object_->items()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) refuse(name.c_str());
    }
}

void Fields::refuse(char const* name) const {
    std::string const shown = value(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    fail(
        ExitCode::bad_data,
        "{}: {} is {} (this version does not do that, and the token ids would be others): use a checkpoint without it, "
        "or give the prompts as token_ids",
        place_, printable(name), printable(shown));
}

void Fields::malformed(char const* name, std::string_view expected) const {
    fail(ExitCode::bad_data, "{}: {} is not {}: copy the checkpoint's file again", place_, printable(name), expected);
}

}  // namespace gatesweep::bpe
