// Whether tags of an XML or HTML text open and close in order; not a parser of anything else.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace gatesweep::test {

// Empty, or what is wrong and where. `unclosed`: names that need no closing tag (HTML's void elements).
// The content of <script> and <style> is skipped.
inline std::string xml_fault(std::string const& text, std::set<std::string> const& unclosed = {}) {
    std::vector<std::string> open;
    std::size_t at = 0;
    while ((at = text.find('<', at)) != std::string::npos) {
        if (text.compare(at, 2, "<?") == 0 || text.compare(at, 2, "<!") == 0) {
            at = text.find('>', at) + 1;
            continue;
        }
        std::size_t end = at;
        for (char quote = 0; end < text.size() && (quote != 0 || text[end] != '>'); ++end) {
            if (quote == 0 && (text[end] == '"' || text[end] == '\'')) {
                quote = text[end];
            } else if (text[end] == quote) {
                quote = 0;
            } else if (text[end] == '<' && end != at) {
                return "a < inside the tag at byte " + std::to_string(at);
            }
        }
        if (end == text.size()) return "a tag without an end at byte " + std::to_string(at);
        bool const is_closing = text[at + 1] == '/';
        std::size_t const name_start = at + (is_closing ? 2 : 1);
        std::string const name = text.substr(name_start, text.find_first_of(" \t\n/>", name_start) - name_start);
        if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0])))
            return "no name at byte " + std::to_string(at);
        if (is_closing) {
            if (open.empty() || open.back() != name)
                return "</" + name + "> at byte " + std::to_string(at) + " closes nothing";
            open.pop_back();
        } else if (text[end - 1] != '/' && !unclosed.contains(name)) {
            open.push_back(name);
        }
        at = end + 1;
        if (!is_closing && (name == "script" || name == "style")) at = text.find("</" + name, at);
    }
    return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

}  // namespace gatesweep::test
