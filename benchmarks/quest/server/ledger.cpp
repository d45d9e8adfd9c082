// SPDX-License-Identifier: BSL-1.0
#include "server/ledger.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>
#include <utility>

namespace quest_server {
namespace {

constexpr unsigned too_many_requests = 429;

std::int64_t microseconds(ledger::clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

ledger::ticket ledger::begin(std::string path, std::uint64_t connection) {
    peak_ = std::max(peak_, ++in_flight_);
    running_.emplace(++last_, entry(std::move(path), clock::now(), connection));
    return last_;
}

void ledger::leave(ticket which, unsigned status) {
    entry& request = running_.at(which);
    --in_flight_;
    request.ended = clock::now();
    request.status = status;
}

void ledger::settle(ticket which, bool taken) {
    entry& request = running_.at(which);
    request.abandoned = !taken;
    ++(!taken ? abandoned_ : request.status == too_many_requests ? refused_ : answered_);
    if (ended_.size() < log_limit) ended_.push_back(std::move(request));
    running_.erase(which);
}

std::uint64_t ledger::connection_opened() {
    ++opened_;
    ++open_;
    return ++last_connection_;
}

std::string ledger::statistics() const {
    nlohmann::ordered_json seen;
    seen["in_flight"] = in_flight_;
    seen["peak"] = peak_;
    seen["answered"] = answered_;
    seen["refused"] = refused_;
    seen["abandoned"] = abandoned_;
    seen["connections_opened"] = opened_;
    seen["connections_open"] = open_;
    seen["cpu_seconds"] = cpu_seconds() - cpu_at_reset_;
    return seen.dump();
}

std::string ledger::log() const {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const entry& request : ended_) {
        nlohmann::ordered_json line;
        line["path"] = request.path;
        line["arrived_us"] = microseconds(request.arrived);
        line["ended_us"] = microseconds(request.ended);
        line["status"] = request.status;
        line["abandoned"] = request.abandoned;
        line["connection"] = request.connection;
        all.push_back(std::move(line));
    }
    return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void ledger::reset() {
    peak_ = in_flight_;
    answered_ = refused_ = abandoned_ = 0;
    opened_ = 0;
    ended_.clear();
    cpu_at_reset_ = cpu_seconds();
}

}  // namespace quest_server
