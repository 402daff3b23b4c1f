#include "shell_help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "app/commands.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/terms/edit_mode.h"

namespace gatesweep {
namespace {

std::vector<CLI::App const*> commands_of(CLI::App const& app) {
    auto const found = app.get_subcommands([](CLI::App const*) { return true; });
    return {found.begin(), found.end()};
}

std::vector<CLI::Option const*> options_of(CLI::App const& command) {
    return command.get_options([](CLI::Option const*) { return true; });
}

// "--set", or "" for what has no name but a place.
std::string long_name(CLI::Option const& option) {
    return option.get_lnames().empty() ? "" : "--" + option.get_lnames().front();
}

std::vector<std::string> names_of(CLI::App const& command) {
    std::vector<std::string> out;
    for (CLI::Option const* option : options_of(command)) {
        if (!option->get_positional()) out.push_back(long_name(*option));
    }
    return out;
}

// Words that an option takes, where they are few.
std::vector<std::string> words_of(std::string const& option) {
    if (option == "--format") return export_formats();
    if (option != "--mode") return {};
    std::vector<std::string> out;
    for (EditModeFacts const& mode : edit_modes)
        out.emplace_back(mode.word);
    return out;
}

// Text of an option or command as one line of a zsh word in single quotes.
std::string zsh_text(std::string const& text) {
    std::string out;
    for (char const c : text) {
        if (c == '\'')
            out += "'\\''";
        else if (c == '[' || c == ']' || c == ':' || c == '\\')
            out += std::string("\\") + c;
        else
            out += c == '\n' ? ' ' : c;
    }
    return out;
}

// A line of a manual: what would be a request or an escape is not.
std::string roff(std::string const& text) {
    std::string out;
    for (char const c : text) {
        if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

// Lines as they stand.
std::string roff_block(std::string const& text) {
    std::string out = ".nf\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        out += roff(line) + '\n';
    return out + ".fi\n";
}

std::string roff_option(CLI::Option const& option) {
    std::string const value = option.get_type_name().empty() ? "" : " " + option.get_type_name();
    std::string const name = option.get_positional() ? option.get_type_name() : option.get_name(false, true) + value;
    std::string const fallback =
        option.get_default_str().empty() ? "" : fmt::format(" (default: {})", option.get_default_str());
    return fmt::format(".TP\n.B {}\n{}{}\n", roff(name), roff(option.get_description()), roff(fallback));
}

}  // namespace

std::string bash_completion(CLI::App const& app) {
    std::vector<std::string> names;
    for (CLI::App const* command : commands_of(app))
        names.push_back(command->get_name());
    std::string out = fmt::format(
        "# bash completion of gatesweep {}\n_gatesweep() {{\n"
        "    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command= word words=\n"
        "    for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
        "        case $word in {}) command=$word; break ;; esac\n    done\n    case $command in\n"
        "        '') words='{} {}' ;;\n",
        GATESWEEP_VERSION, fmt::join(names, "|"), fmt::join(names, " "), fmt::join(names_of(app), " "));
    for (CLI::App const* command : commands_of(app))
        out += fmt::format("        {}) words='{}' ;;\n", command->get_name(), fmt::join(names_of(*command), " "));
    out += "    esac\n    case $previous in\n";
    for (std::string const option : {"--format", "--mode"})
        out += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$current\")); return ;;\n", option,
                           fmt::join(words_of(option), " "));
    return out +
           "    esac\n    if [[ $current == -* || -z $command ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n    else\n"
           "        COMPREPLY=($(compgen -f -- \"$current\"))\n    fi\n}\n"
           "complete -o filenames -F _gatesweep gatesweep\n";
}

std::string zsh_completion(CLI::App const& app) {
    std::string out = fmt::format(
        "#compdef gatesweep\n# zsh completion of gatesweep {}\n_gatesweep() {{\n    local -a commands\n    "
        "commands=(\n",
        GATESWEEP_VERSION);
    for (CLI::App const* command : commands_of(app))
        out += fmt::format("        '{}:{}'\n", command->get_name(), zsh_text(command->get_description()));
    out +=
        "    )\n    if (( CURRENT == 2 )); then\n        _describe -t commands command commands\n        return\n    "
        "fi\n"
        "    case $words[2] in\n";
    for (CLI::App const* command : commands_of(app)) {
        out += fmt::format("        {})\n            _arguments '1: :'", command->get_name());
        for (CLI::Option const* option : options_of(*command)) {
            if (option->get_positional()) continue;
            auto const words = words_of(long_name(*option));
            std::string const value =
                option->get_type_name().empty()
                    ? ""
                    : fmt::format(":{}:{}", zsh_text(option->get_type_name()),
                                  words.empty() ? "_files" : fmt::format("({})", fmt::join(words, " ")));
            out += fmt::format(" \\\n                '*{}[{}]{}'", long_name(*option),
                               zsh_text(option->get_description()), value);
        }
        out += " \\\n                '*:file:_files' ;;\n";
    }
    return out + "    esac\n}\n_gatesweep \"$@\"\n";
}

std::string man_page(CLI::App const& app) {
    std::string out = fmt::format(
        ".TH GATESWEEP 1 \"\" \"gatesweep {}\" \"User Commands\"\n.SH NAME\ngatesweep \\- measure how a "
        "mixture\\-of\\-experts "
        "model routes prompts, and test the experts\n.SH SYNOPSIS\n.B gatesweep\n.I COMMAND\n[\\fIOPTIONS\\fR]\n"
        ".SH DESCRIPTION\n{}",
        GATESWEEP_VERSION, roff_block(app.get_description()));
    out += ".SH OPTIONS\n";
    for (CLI::Option const* option : options_of(app))
        out += roff_option(*option);
    out += ".SH COMMANDS\n";
    for (CLI::App const* command : commands_of(app)) {
        out += fmt::format(".SS {}\n{}\n", roff(command->get_name()), roff(command->get_description()));
        for (CLI::Option const* option : options_of(*command)) {
            if (long_name(*option) != "--help") out += roff_option(*option);
        }
        bool const has_own = !command->get_footer().empty() && command->get_footer() != app.get_footer();
        if (has_own) out += ".PP\n" + roff_block(command->get_footer());
    }
    return out + ".SH EXAMPLES AND EXIT CODES\n" + roff_block(app.get_footer());
}

}  // namespace gatesweep
