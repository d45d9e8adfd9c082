// SPDX-License-Identifier: BSL-1.0
#include "service.hpp"

#include <tandem/core/sleep.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/json.hpp>

#include <cstdio>
#include <filesystem>

namespace quest {
namespace {

using namespace std::chrono_literals;
namespace http = tandem::http;
using std::chrono::milliseconds;

std::string beside_this_program(const char* name) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

unsigned short read_port(int descriptor) {
    unsigned short port = 0;
    std::FILE* const output = ::fdopen(descriptor, "r");
    if (output == nullptr) return 0;
    if (std::fscanf(output, "port %hu", &port) != 1) port = 0;
    std::fclose(output);
    return port;
}

http::client_options many_connections() {
    http::timeouts patient;
    patient.pool(5min).header(5min).total(http::timeouts::none);  // at --scale 1 some APIs take their time
    return http::client_options()
        .connections_total(2000)
        .connections_per_host(1000)
        .connections_idle(1000)
        .idle_limit(5min)
        .timeouts(patient);
}

std::string with_delay(const char* route, const std::string& name, milliseconds delay) {
    return route + http::percent_encode(name) + "?ms=" + std::to_string(delay.count());
}

std::string without_ok(std::string text) { return text.starts_with("ok ") ? text.substr(3) : text; }

void throw_for_status(const http::response& answer) {
    if (answer.status() < 400) return;
    if (answer.status() != 429) throw api_error(answer.status(), answer.text());
    const std::string wait(answer.headers().get("Retry-After-Ms").value_or("1000"));
    throw too_many_requests(answer.text(), milliseconds(std::stol(wait)));
}

server_statistics to_statistics(const nlohmann::json& numbers) {
    server_statistics seen;
    seen.in_flight = numbers.at("in_flight");
    seen.peak = numbers.at("peak");
    seen.answered = numbers.at("answered");
    seen.refused = numbers.at("refused");
    seen.abandoned = numbers.at("abandoned");
    seen.connections_opened = numbers.at("connections_opened");
    seen.connections_open = numbers.at("connections_open");
    seen.cpu_seconds = numbers.at("cpu_seconds");
    return seen;
}

tandem::time_point to_time(const nlohmann::json& since_boot) {
    return tandem::time_point(std::chrono::microseconds(since_boot.get<std::int64_t>()));
}

seen_request to_request(const nlohmann::json& line) {
    seen_request seen;
    seen.path = line.at("path");
    seen.arrived = to_time(line.at("arrived_us"));
    seen.ended = to_time(line.at("ended_us"));
    seen.status = line.at("status");
    seen.abandoned = line.at("abandoned");
    seen.connection = line.at("connection");
    return seen;
}

}  // namespace

server_process::server_process() : child_(beside_this_program("quest_server"), {}) {
    port_ = read_port(child_.take_output());
    if (port_ == 0) throw std::runtime_error("quest_server does not start; build the target quest_server");
}

server_process::~server_process() {
    child_.close_input();  // that is its sign to end
    child_.wait();
}

std::optional<int> server_process::ended() noexcept {
    const int status = child_.poll();
    return status < 0 ? std::nullopt : std::optional(status);
}

class service::connections {
public:
    connections() : client(many_connections()) {}
    http::client client;
};

service::service(unsigned short port)
    : pool_(std::make_unique<connections>()),
      base_url_("http://127.0.0.1:" + std::to_string(port)),
      port_(port) {}

service::~service() = default;

// Whenever it is cancelled, the client closes the connection: that is all the cleanup there is, and the
// server notices.
tandem::task<std::string> service::fetch(std::string target) {
    const http::response answer = co_await pool_->client.get(base_url_ + target);
    throw_for_status(answer);
    co_return answer.text();
}

tandem::task<std::string> service::get(std::string name, milliseconds delay) {
    std::string text = co_await fetch(with_delay("/wait/", name, delay));
    co_return without_ok(std::move(text));
}

tandem::task<std::string> service::get_broken(std::string name, milliseconds delay) {
    return fetch(with_delay("/fail/", name, delay));
}

tandem::task<std::string> service::get_limited(std::string name, milliseconds delay, int allowed,
                                               milliseconds window) {
    const std::string limit =
        "&allow=" + std::to_string(allowed) + "&window=" + std::to_string(window.count());
    std::string text = co_await fetch(with_delay("/limited/", name, delay) + limit);
    co_return without_ok(std::move(text));
}

tandem::task<> service::keep_document(std::string name, std::string text) {
    const std::string url = base_url_ + "/documents/" + http::percent_encode(name);
    const http::response answer = co_await pool_->client.put(url).body(std::move(text));
    throw_for_status(answer);
}

tandem::task<server_statistics> service::statistics() {
    server_statistics seen;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const http::response answer = co_await pool_->client.get(base_url_ + "/stats");
        seen = to_statistics(answer.json());
        if (seen.in_flight == 0) break;
        co_await tandem::sleep(1ms);
    }
    co_return seen;
}

tandem::task<std::vector<seen_request>> service::log() {
    const http::response answer = co_await pool_->client.get(base_url_ + "/log");
    std::vector<seen_request> requests;
    for (const nlohmann::json& line : answer.json()) requests.push_back(to_request(line));
    co_return requests;
}

tandem::task<> service::reset() {
    co_await statistics();
    const http::response answer = co_await pool_->client.post(base_url_ + "/reset");
    throw_for_status(answer);
}

}  // namespace quest
