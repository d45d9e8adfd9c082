// quest_server - what a request asks for: the parts of the path and the options of the query
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quest_server {

/// A request that cannot be meant; the answer is 400 with this sentence.
class bad_request : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// "/wait/weather?ms=20" is the route "wait", the name "weather" and the option ms.
class target {
public:
    explicit target(std::string_view text);

    const std::string& path() const noexcept { return path_; }
    std::string route() const;
    std::string name() const;

    bool has(const std::string& option) const { return options_.contains(option); }
    std::string text(const std::string& option) const;
    /// Errors: `bad_request` for what is no number of at most nine digits.
    long number(const std::string& option, long otherwise) const;

private:
    std::string path_;
    std::map<std::string, std::string> options_;
};

}  // namespace quest_server
