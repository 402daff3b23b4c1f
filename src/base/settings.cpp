#include "gatesweep/base/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

Settings& in_use() {
    static Settings settings_in_use;
    return settings_in_use;
}

}  // namespace

bool may_say(SettingFacts const& facts, std::string_view word) {
    if (word.empty()) return false;
    return facts.words[1].empty() || std::ranges::find(facts.words, word) != facts.words.end();
}

std::string words_text(SettingFacts const& facts) {
    if (facts.words[1].empty()) return fmt::format("{}, or a name", facts.words[0]);
    if (facts.words[2].empty()) return fmt::format("{} or {}", facts.words[0], facts.words[1]);
    return fmt::format("{}, {} or {}", facts.words[0], facts.words[1], facts.words[2]);
}

Settings with_environment(Settings chosen) {
    for (SettingFacts const& facts : settings) {
        char const* const text = std::getenv(facts.variable);
        if (!text || !*text) continue;
        GATESWEEP_VALIDATE(may_say(facts, text), ExitCode::usage, "{}=\"{}\" is not {}: unset it, or write one of them",
                           facts.variable, printable(text), words_text(facts));
        chosen.choose(facts.setting, text);
    }
    return chosen;
}

void use_settings(Settings const& chosen) {
    in_use() = chosen;
}

std::string setting_word(Setting setting) {
    return with_environment(in_use()).word(setting);
}

}  // namespace gatesweep
