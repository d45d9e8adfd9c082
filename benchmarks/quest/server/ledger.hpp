// quest_server - what the server saw: counts, and every request with its times
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quest_server {

/// The counts start afresh with each reset; what is in flight or open stays so.
class ledger {
public:
    using clock = std::chrono::steady_clock;
    using ticket = std::uint64_t;

    /// A request has arrived.
    ticket begin(std::string path, std::uint64_t connection);
    /// The last bytes of its answer are about to be sent, or never will be.
    void leave(ticket which, unsigned status);
    /// Now it is known whether the client took the answer.
    void settle(ticket which, bool taken);

    std::uint64_t connection_opened();
    void connection_closed() { --open_; }

    std::string statistics() const;  ///< JSON
    std::string log() const;         ///< JSON; the times are those of the steady clock
    void reset();

private:
    class entry {
    public:
        entry(std::string of, clock::time_point when, std::uint64_t over)
            : path(std::move(of)), arrived(when), ended(when), connection(over) {}

        std::string path;
        clock::time_point arrived;
        clock::time_point ended;
        std::uint64_t connection;
        unsigned status = 0;
        bool abandoned = false;
    };

    static constexpr std::size_t log_limit = 200'000;

    std::map<ticket, entry> running_;
    std::vector<entry> ended_;
    ticket last_ = 0;
    std::uint64_t last_connection_ = 0;
    std::uint64_t opened_ = 0;
    std::uint64_t open_ = 0;
    std::size_t in_flight_ = 0;
    std::size_t peak_ = 0;
    std::size_t answered_ = 0;
    std::size_t refused_ = 0;
    std::size_t abandoned_ = 0;
    double cpu_at_reset_ = 0;
};

}  // namespace quest_server
