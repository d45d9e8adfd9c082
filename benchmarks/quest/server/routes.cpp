// SPDX-License-Identifier: BSL-1.0
#include "server/routes.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace quest_server {
namespace {

using milliseconds = reply::milliseconds;

constexpr long largest_body = 64 << 20;

milliseconds time_option(const target& what, const char* option) {
    return milliseconds(what.number(option, 0));
}

reply json(std::string text) {
    reply how(200, std::move(text));
    how.type = "application/json";
    how.control = true;
    return how;
}

reply event_stream(std::vector<std::string> texts) {
    reply how(200, "");
    how.type = "text/event-stream";
    how.chunked = true;
    how.pieces.clear();
    for (std::size_t n = 0; n < texts.size(); ++n) {
        std::string event = "id: " + std::to_string(n + 1) + "\n";
        for (std::size_t at = 0; at <= texts[n].size();) {
            const std::size_t end = std::min(texts[n].find('\n', at), texts[n].size());
            event += "data: " + texts[n].substr(at, end - at) + "\n";
            at = end + 1;
        }
        how.pieces.push_back(event + "\n");
    }
    return how;
}

std::vector<std::string> counted_events(const target& what) {
    std::vector<std::string> texts;
    const long events = std::min(what.number("events", 10), 100'000L);
    for (long n = 1; n <= events; ++n) texts.push_back(what.name() + " " + std::to_string(n));
    return texts;
}

std::vector<std::string> paragraphs(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", at), text.size());
        if (end > at) found.push_back(text.substr(at, end - at));
        at = end + 2;
    }
    return found;
}

reply bytes(const target& what) {
    const long size = std::min(what.number("size", 1000), largest_body);
    return reply(200, std::string(static_cast<std::size_t>(size), 'x'));
}

// The body in pieces of so many bytes.
void split(reply& how, std::size_t size) {
    std::string body;
    for (const std::string& piece : how.pieces) body += piece;
    how.pieces.clear();
    for (std::size_t at = 0; at < body.size(); at += size) how.pieces.push_back(body.substr(at, size));
}

void apply_pauses(const target& what, reply& how) {
    how.delay = time_option(what, "ms");
    how.body_delay = time_option(what, "body_ms");
    how.pause = time_option(what, "pause");
    const long piece = what.number("piece", what.route() == "drip" ? 1 : 0);
    if (piece > 0) split(how, static_cast<std::size_t>(piece));
    if (what.route() == "drip" && !what.has("pause")) how.pause = milliseconds(100);
    if (what.number("chunked", 0) != 0) how.chunked = true;
}

void apply_faults(const target& what, reply& how) {
    how.hangs = what.number("hang", 0) != 0;
    how.resets = what.number("reset", 0) != 0;
    how.closes = what.number("close", 0) != 0;
    if (how.hangs || what.has("cut")) how.cut = static_cast<std::size_t>(what.number("cut", 0));
}

}  // namespace

std::string routes::help() {
    return "GET  /wait/<name>        \"ok <name>\"\n"
           "GET  /fail/<name>        503 \"<name> is down\"; times=K: only the first K times\n"
           "GET  /limited/<name>     429 for more than allow=60 in any window=60000 milliseconds\n"
           "GET  /bytes/<name>       size=1000 bytes\n"
           "GET  /drip/<name>        the same, piece=1 byte each pause=100 milliseconds\n"
           "GET  /sse/<name>         events=10 server-sent events\n"
           "PUT  /documents/<name>   keeps a text; GET gives it back, as=sse a paragraph an event\n"
           "GET  /documents          their names\n"
           "GET  /stats, GET /log    what was seen since the last POST /reset, as JSON\n"
           "\n"
           "Any of them: ms=, body_ms=, pause= (milliseconds before the head, before the body, between\n"
           "pieces), piece=, chunked=1, status=, retry_after=, times=K (only the first K times), and\n"
           "the faults cut=BYTES (of the body, then closed), reset=1, hang=1, close=1.\n";
}

reply routes::answer(std::string_view method, std::string_view target_text, std::string body) {
    try {
        const target what(target_text);
        reply how = route(method, what, std::move(body));
        if (!how.control) apply_options(what, how);
        return how;
    } catch (const bad_request& error) {
        return reply(400, std::string(error.what()) + '\n');
    }
}

reply routes::route(std::string_view method, const target& what, std::string body) {
    const std::string route = what.route();
    if (route == "stats" || route == "log" || route == "reset" || route == "") return control(method, what);
    if (route == "documents" && (method == "PUT" || method == "POST"))
        return keep_document(what, std::move(body));
    if (method != "GET" && method != "HEAD") return reply(405, "only GET here\n");
    if (route == "wait") return reply(200, "ok " + what.name());
    if (route == "fail") return reply(503, what.name() + " is down");
    if (route == "limited") return limited(what);
    if (route == "bytes" || route == "drip") return bytes(what);
    if (route == "sse") return event_stream(counted_events(what));
    if (route == "documents") return what.name().empty() ? document_names() : document(what);
    return reply(404, "there is no " + what.path() + "; there are:\n\n" + help());
}

reply routes::control(std::string_view method, const target& what) {
    if (what.route() == "stats") return json(seen_.statistics());
    if (what.route() == "log") return json(seen_.log());
    if (what.route() == "reset" && method != "POST") return reply(405, "POST it\n");
    if (what.route() == "reset") {
        seen_.reset();
        windows_.clear();
        asked_.clear();
        return json(seen_.statistics());
    }
    reply how(200, help());
    how.control = true;
    return how;
}

reply routes::limited(const target& what) {
    using clock = sliding_window::clock;
    const auto allowed = static_cast<std::size_t>(what.number("allow", 60));
    const milliseconds window(what.number("window", 60'000));
    const clock::duration away = windows_[what.name()].arrive(clock::now(), allowed, window);
    if (away == clock::duration::zero()) return reply(200, "ok " + what.name());
    reply how(429, "more than " + std::to_string(allowed) + " in " + std::to_string(window.count()) + " ms");
    const auto in_milliseconds = std::chrono::ceil<milliseconds>(away);
    how.fields.emplace_back("Retry-After",
                            std::to_string(std::chrono::ceil<std::chrono::seconds>(away).count()));
    how.fields.emplace_back("Retry-After-Ms", std::to_string(in_milliseconds.count()));
    return how;
}

reply routes::document(const target& what) const {
    const auto found = documents_.find(what.name());
    if (found == documents_.end()) return reply(404, "there is no document " + what.name() + "\n");
    if (what.text("as") == "sse") return event_stream(paragraphs(found->second));
    return reply(200, found->second);
}

reply routes::keep_document(const target& what, std::string body) {
    if (what.name().empty()) throw bad_request("a document needs a name: PUT /documents/<name>");
    documents_[what.name()] = std::move(body);
    reply how(201, "kept\n");
    how.control = true;
    return how;
}

reply routes::document_names() const {
    nlohmann::ordered_json names = nlohmann::ordered_json::array();
    for (const auto& [name, text] : documents_) names.push_back(name);
    return json(names.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void routes::apply_options(const target& what, reply& how) {
    // What happens only the first times is over when it was asked for more often.
    const bool limited_times = what.has("times");
    const bool over = limited_times && ++asked_[what.path()] > what.number("times", 0);
    if (over && what.route() == "fail") how = reply(200, "ok " + what.name());
    apply_pauses(what, how);
    if (over || how.status == 429) {
        if (how.status == 429) how.delay = milliseconds(0);  // a refusal costs no time
        return;
    }
    const long status = what.number("status", static_cast<long>(how.status));
    if (status < 200 || status > 599) throw bad_request("status wants 200 to 599");
    how.status = static_cast<unsigned>(status);
    if (what.has("retry_after")) how.fields.emplace_back("Retry-After", what.text("retry_after"));
    apply_faults(what, how);
}

}  // namespace quest_server
