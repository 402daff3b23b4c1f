// How the program computes, not what: choices that a job makes in [parallel] and that an environment variable
// overrides. One row of the table is one setting: jobs, their writer and the code that asks go by it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace gatesweep {

enum class Setting { gemm, dispatch, overlap, graphs, batch_invariant, gpu_kernels };

struct SettingFacts {
    Setting setting;
    std::string_view key;                   // in [parallel]
    char const* variable;                   // of the environment
    std::array<std::string_view, 3> words;  // what may be said, the default first; words[1] empty: any word
};

//   gemm             the CPU's matrix product: "auto", or one that `gatesweep info` lists
//   dispatch         how tokens of decode steps reach the experts' ranks: counted waits for counts, gathered does not
//   overlap          exchanges of tokens run beside computing, with expert parallelism
//   graphs           decode steps are recorded once and replayed, on GPUs
//   batch_invariant  a row's result does not depend on the other rows, on GPUs (on CPUs it never does)
//   gpu_kernels      kernels of this program, or ATen's calls
inline constexpr std::array settings = {
    SettingFacts{Setting::gemm, "gemm", "GATESWEEP_GEMM", {"auto"}},
    SettingFacts{Setting::dispatch, "dispatch", "GATESWEEP_DECODE_DISPATCH", {"auto", "counted", "gathered"}},
    SettingFacts{Setting::overlap, "overlap", "GATESWEEP_OVERLAP", {"off", "on"}},
    SettingFacts{Setting::graphs, "graphs", "GATESWEEP_DECODE_GRAPH", {"off", "on"}},
    SettingFacts{Setting::batch_invariant, "batch_invariant", "GATESWEEP_BATCH_INVARIANT", {"off", "on"}},
    SettingFacts{Setting::gpu_kernels, "gpu_kernels", "GATESWEEP_GPU_KERNELS", {"own", "aten"}},
};

constexpr SettingFacts const& facts_of(Setting setting) {
    return settings[static_cast<std::size_t>(setting)];
}

// A word for each setting. Those that nobody chose say the default.
class Settings {
public:
    std::string const& word(Setting setting) const { return words_[static_cast<std::size_t>(setting)]; }
    void choose(Setting setting, std::string word) { words_[static_cast<std::size_t>(setting)] = std::move(word); }
    bool operator==(Settings const&) const = default;

private:
    std::array<std::string, settings.size()> words_ = [] {
        std::array<std::string, settings.size()> words;
        for (SettingFacts const& facts : settings)
            words[static_cast<std::size_t>(facts.setting)] = facts.words[0];
        return words;
    }();
};

bool may_say(SettingFacts const& facts, std::string_view word);
std::string words_text(SettingFacts const& facts);  // "auto, counted or gathered"

// `chosen` with what the environment says instead; an empty variable says nothing. Errors: ExitCode::usage for a word
// that the setting does not know, naming the variable.
Settings with_environment(Settings chosen);

// What the program goes by from now on. To be called before anything is computed: kernels are chosen once.
void use_settings(Settings const& chosen);
// The environment's word, else that of use_settings. Errors: as with_environment.
std::string setting_word(Setting setting);
inline bool is_on(Setting setting) {
    return setting_word(setting) == "on";
}

}  // namespace gatesweep
