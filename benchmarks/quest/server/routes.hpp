// quest_server - which request gets which answer
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "server/ledger.hpp"
#include "server/reply.hpp"
#include "server/sliding_window.hpp"
#include "server/target.hpp"

namespace quest_server {

/// The routes and what they remember: documents, limits, and how often something was asked for.
class routes {
public:
    explicit routes(ledger& seen) : seen_(seen) {}

    /// The answer; for a request that makes no sense one with 400, 404 or 405.
    reply answer(std::string_view method, std::string_view target_text, std::string body);

    static std::string help();

private:
    reply route(std::string_view method, const target& what, std::string body);
    reply control(std::string_view method, const target& what);
    reply limited(const target& what);
    reply document(const target& what) const;
    reply keep_document(const target& what, std::string body);
    reply document_names() const;
    void apply_options(const target& what, reply& how);

    ledger& seen_;
    std::map<std::string, std::string> documents_;
    std::map<std::string, sliding_window> windows_;
    std::map<std::string, long> asked_;  // for what fails only the first times
};

}  // namespace quest_server
