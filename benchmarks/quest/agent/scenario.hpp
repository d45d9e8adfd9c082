// quest - the agent's sources on the quest_server: three, six, and six of which most misbehave
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/task.hpp>

#include <string>
#include <vector>

#include "bound.hpp"
#include "corpus.hpp"
#include "web_tools.hpp"

namespace quest {

/// A source of a scenario: where it is, and how long it takes at the talk's scale.
class scripted_source {
public:
    scripted_source(std::string title, std::string options_of_server, seconds in_all)
        : name(std::move(title)), options(std::move(options_of_server)), io(in_all) {}

    std::string name;
    std::string options;  ///< of the request, as in "ms=2000"
    std::string replica;  ///< options of a second address, if there is one
    web_source::shape shape = web_source::shape::text;
    seconds io;
};

/// Weather 2.0 s, news 1.5 s, knowledge base 3.0 s.
std::vector<scripted_source> three_sources(double scale);
/// Wiki, papers (chunked), news (events), code (two replicas), forum (429 first), archive (slow body).
std::vector<scripted_source> six_sources(double scale);
/// The same six: one that fails twice, one that is cut short, events that end in the middle, a replica that
/// does not answer, a forum that asks for five minutes, an archive that drips.
std::vector<scripted_source> six_faulty_sources(double scale);

/// Their addresses on a server where each has a document of its name.
std::vector<web_source> addresses(const std::vector<scripted_source>& sources, const std::string& base_url,
                                  const std::string& prefix);

}  // namespace quest
