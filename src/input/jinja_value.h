// Values of a chat template while it is rendered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatesweep::jinja {

// A text that knows who wrote each byte: the template, or the user. So "<s>" typed by a user never becomes a token.
struct Text {
    enum Author : char { by_template = 't', by_user = 'u' };

    Text() = default;
    Text(std::string_view text, Author author) : bytes(text), authors(text.size(), author) {}
    Text substr(std::size_t begin, std::size_t count) const {
        Text out;
        out.bytes = bytes.substr(begin, count);
        out.authors = authors.substr(begin, count);
        return out;
    }
    Text& operator+=(Text const& other) {
        bytes += other.bytes;
        authors += other.authors;
        return *this;
    }

    std::string bytes;
    std::string authors;  // as long as bytes
};

struct None {};
struct Undefined {
    std::string name;
};
struct Value;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<std::string, Value>>;  // in order, as Python keeps it

// Lists and dictionaries are shared between copies, as in Python; only a namespace is ever changed.
struct Value {
    enum Kind { is_undefined, is_none, is_flag, is_whole, is_text, is_list, is_dict };

    Value(Undefined what) : kind(is_undefined), text_(what.name, Text::by_template) {}
    Value(None) : kind(is_none) {}
    Value(bool flag) : kind(is_flag), number_(flag ? 1 : 0) {}
    Value(std::int64_t number) : kind(is_whole), number_(number) {}
    Value(Text text) : kind(is_text), text_(std::move(text)) {}
    Value(std::shared_ptr<List> list) : kind(is_list), list_(std::move(list)) {}
    Value(std::shared_ptr<Dict> dict) : kind(is_dict), dict_(std::move(dict)) {}
    Value(char const*) = delete;  // would be a truth value

    // Null, or false, for a value of another kind.
    bool undefined() const { return kind == is_undefined; }
    bool none() const { return kind == is_none; }
    std::int64_t const* flag() const { return kind == is_flag ? &number_ : nullptr; }
    std::int64_t const* whole() const { return kind == is_whole ? &number_ : nullptr; }
    Text const* text() const { return kind == is_text ? &text_ : nullptr; }
    List* list() const { return list_.get(); }
    Dict* dict() const { return dict_.get(); }
    std::string const& name() const { return text_.bytes; }  // of what is undefined

    Kind kind = is_undefined;

private:
    std::int64_t number_ = 0;
    Text text_;
    std::shared_ptr<List> list_;
    std::shared_ptr<Dict> dict_;
};

inline Value make_list(List items) {
    return Value(std::make_shared<List>(std::move(items)));
}
inline Value make_dict(Dict items) {
    return Value(std::make_shared<Dict>(std::move(items)));
}

bool truth(Value const& value);
bool equal(Value const& a, Value const& b);
std::string type_name(Value const& value);  // "a text", "a list", ... for messages
Text to_text(Value const& value);           // as {{ value }} prints it
Value const* find(Dict const& dict, std::string_view key);

}  // namespace gatesweep::jinja
