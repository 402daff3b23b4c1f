// What the tests of the template engine share.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "input/expect_says.h"
#include "input/jinja/jinja.h"

namespace gatesweep::jinja {

inline Value user_text(std::string_view text) {
    return Text(text, Text::by_user);
}

inline Names globals() {
    auto const message = [](std::string_view role, std::string_view content) {
        return make_dict(Names{{"role", user_text(role)}, {"content", user_text(content)}});
    };
    return {{"messages", make_list({message("system", " be brief "), message("user", "hi\n"),
                                    message("assistant", "ho"), message("user", "\u00a0x\u2003")})},
            {"tools", None{}},
            {"add_generation_prompt", true}};
}

inline Value value_of(nlohmann::ordered_json const& json) {
    if (json.is_null()) return None{};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_float()) return json.get<double>();
    if (json.is_number()) return json.get<std::int64_t>();
    if (json.is_string()) return user_text(json.get<std::string>());
    List items;
    Names entries;
    for (auto const& [name, item] : json.items())
        json.is_array() ? items.push_back(value_of(item)) : void(entries.emplace_back(name, value_of(item)));
    return json.is_array() ? make_list(std::move(items)) : make_dict(entries);
}

inline std::string render(std::string_view source) {
    return Template(source).render(globals()).text.bytes;
}

inline std::string refusal(std::string_view source) {
    try {
        render(source);
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        return error.what();
    }
    ADD_FAILURE() << "no error for " << source.substr(0, 200);
    return "";
}

struct Case {
    std::string_view source, expected;
};

}  // namespace gatesweep::jinja
