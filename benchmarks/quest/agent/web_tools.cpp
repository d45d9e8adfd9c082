// SPDX-License-Identifier: BSL-1.0
#include "web_tools.hpp"

#include <tandem/http/json.hpp>
#include <tandem/http/sse.hpp>
#include <tandem/resilience/hedge.hpp>
#include <tandem/resilience/retry.hpp>

#include <charconv>
#include <ctime>
#include <exception>
#include <functional>
#include <optional>

namespace quest {

namespace http = tandem::http;
using namespace std::chrono_literals;

namespace {

/// 429 or 503 with the time when the source wants to be asked again.
class busy_error : public status_error, public tandem::server_hint {
public:
    busy_error(int code, const std::string& text, tandem::duration wait)
        : status_error(code, text), wait_(wait) {}
    std::optional<tandem::duration> retry_after() const noexcept override { return wait_; }

private:
    tandem::duration wait_;
};

bool may_pass(int status) noexcept {
    return status == 408 || status == 425 || status == 429 || status == 500 ||
           (status >= 502 && status <= 504);
}

// A server that refuses connections is asked a second time, not a third: that costs it nothing, and if it
// is starting it may help.
tandem::verdict verdict_of(const http::error& e, int attempts) noexcept {
    switch (e.code()) {
        case http::errc::connect:
            return attempts < 2 ? tandem::verdict::retry : tandem::verdict::give_up;
        case http::errc::connect_timeout:
        case http::errc::header_timeout:
        case http::errc::read_timeout:
        case http::errc::server_disconnected:
        case http::errc::connection_lost_reused:
        case http::errc::incomplete_headers:
        case http::errc::incomplete_body:
            return tandem::verdict::retry;
        default:
            return tandem::verdict::give_up;  // it would end the same again
    }
}

tandem::verdict verdict_of(const std::exception_ptr& error, int attempts) {
    try {
        std::rethrow_exception(error);
    } catch (const tandem::server_hint& hint) {
        return tandem::verdict::retry_after(*hint.retry_after());
    } catch (const status_error& e) {
        return may_pass(e.status) ? tandem::verdict::retry : tandem::verdict::give_up;
    } catch (const http::error& e) {
        return verdict_of(e, attempts);
    } catch (...) {
        return tandem::verdict::give_up;
    }
}

/// How a question ended, for the retry.
class judge {
public:
    explicit judge(const source_slot& slot) noexcept : slot_(&slot) {}
    tandem::verdict operator()(const tandem::outcome<std::string>& ended) const {
        if (ended.has_value()) return tandem::verdict::done;
        return verdict_of(ended.exception(), slot_->attempts);
    }

private:
    const source_slot* slot_;
};

/// The media type in small letters, without parameters; empty if the source does not say.
std::string type_of(const http::response_stream& answer) {
    const std::string_view field = answer.headers().get("Content-Type").value_or("");
    std::string type(field.substr(0, field.find_first_of("; \t")));
    for (char& c : type) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return type;
}

bool is_json(const std::string& type) { return type == "application/json" || type.ends_with("+json"); }
bool is_html(const std::string& type) { return type == "text/html" || type == "application/xhtml+xml"; }

/// Pictures, sound, archives: nothing in them can be read.
void throw_unless_text(const std::string& type) {
    const bool text = type.empty() || type.starts_with("text/") || is_json(type) || is_html(type) ||
                      type == "application/xml" || type.ends_with("+xml") ||
                      type == "application/octet-stream";  // what is said of any file
    if (!text) throw std::runtime_error("it is " + type + ", not text");
}

void drop_byte_order_mark(std::string& text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (text.starts_with(mark)) text.erase(0, mark.size());
}

std::string text_in(const std::string& json) {
    try {
        return nlohmann::json::parse(json).at("text").get<std::string>();
    } catch (const nlohmann::json::exception& e) {
        throw http::error(http::errc::decode, http::phase::body, e.what());
    }
}

tandem::circuit_breaker_options after_one_failure() {
    return tandem::circuit_breaker_options().last(1).least_calls(1).open_for(5s);
}

}  // namespace

std::optional<tandem::duration> parse_retry_after(std::string_view value,
                                                  std::chrono::system_clock::time_point now) {
    double number = 0;
    const auto parsed =
        std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
    if (parsed.ec == std::errc() && parsed.ptr == value.data() + value.size() && number >= 0 &&
        number < 1e9) {
        return std::chrono::ceil<tandem::duration>(seconds(number));
    }
    std::tm date{};
    const std::string text(value);
    const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == nullptr || *end != '\0') return std::nullopt;
    const auto when = std::chrono::system_clock::from_time_t(::timegm(&date));
    return std::max<tandem::duration>(0s, std::chrono::ceil<tandem::duration>(when - now));
}

/// What stands between the agent and one source.
class web_tools::guards {
public:
    explicit guards(const web_options& o)
        : limiter(tandem::rate_limiter::window(o.requests(), o.window())), breaker(after_one_failure()) {}

    tandem::rate_limiter limiter;
    tandem::circuit_breaker breaker;
    tandem::retry_budget budget;  // of retries and hedges together
};

web_tools::web_tools(tandem::executor& pool, std::string question, std::vector<web_source> sources,
                     web_options options)
    : arena_tools(pool, std::move(question)),
      options_(std::move(options)),
      sources_(std::move(sources)),
      client_(
          http::client_options(options_.client()).limits(http::limits().body_bytes(options_.body_bytes()))) {
    for (std::size_t i = 0; i < sources_.size(); ++i) guards_.push_back(std::make_unique<guards>(options_));
}

web_tools::~web_tools() = default;

std::vector<std::string> web_tools::sources() const {
    std::vector<std::string> names;
    for (const web_source& s : sources_) names.push_back(s.name);
    return names;
}

// The breaker looks at a question with all its attempts, so that one that succeeds in the end is none.
tandem::task<std::string> web_tools::fetch(std::size_t source, source_slot& slot) {
    if (!options_.breaker()) co_return co_await with_retries(*this, source, slot);
    tandem::circuit_breaker& breaker = guards_[source]->breaker;
    co_return co_await breaker.call(with_retries, std::ref(*this), source, std::ref(slot));
}

tandem::task<std::string> web_tools::with_retries(web_tools& self, std::size_t source, source_slot& slot) {
    const auto policy = tandem::retry_policy()
                            .attempts(3)
                            .base(self.options_.retry_base())
                            .budget(self.guards_[source]->budget)
                            .classify(judge(slot));
    co_return co_await tandem::retry(policy, attempt, std::ref(self), source, std::ref(slot));
}

tandem::task<std::string> web_tools::attempt(web_tools& self, std::size_t source, source_slot& slot) {
    guards& g = *self.guards_[source];
    co_await g.limiter.acquire();
    ++slot.attempts;
    if (self.sources_[source].urls.size() == 1) co_return co_await ask_replica(0, self, source, slot);
    const auto policy = tandem::hedge_policy().after(self.options_.hedge_after()).budget(g.budget);
    co_return co_await tandem::hedge(policy, tandem::idempotent(ask_replica), std::ref(self), source,
                                     std::ref(slot));
}

tandem::task<std::string> web_tools::ask_replica(std::size_t number, web_tools& self, std::size_t source,
                                                 source_slot& slot) {
    const web_source& from = self.sources_[source];
    if (number != 0) slot.note = "hedged";
    http::response_stream answer = co_await self.client_.get(from.urls[number % from.urls.size()]).stream();
    self.check_status(answer, source);
    slot.head = tandem::this_task::loop().now() - slot.start;
    if (from.body == web_source::shape::events) co_return co_await self.read_events(std::move(answer), slot);
    const std::string type = type_of(answer);
    throw_unless_text(type);
    std::string text = co_await answer.text();
    drop_byte_order_mark(text);
    if (is_json(type)) text = text_in(text);
    if (is_html(type)) text = text::without_markup(text);
    co_return text;
}

// What came before a stream was cut is evidence all the same; the event that was cut is not.
tandem::task<std::string> web_tools::read_events(http::response_stream answer, source_slot& slot) {
    http::sse_stream events = std::move(answer).sse();
    std::string text;
    std::size_t count = 0;
    try {
        for (;;) {
            const std::optional<http::sse_event> event = co_await events.next();
            if (!event) break;
            text += event->data + "\n\n";
            ++count;
        }
    } catch (const http::error&) {
        if (count == 0) throw;
        slot.note = "cut after " + std::to_string(count) + " events";
    }
    co_return text;
}

void web_tools::check_status(const http::response_stream& answer, std::size_t source) {
    if (answer.status() < 300) return;
    const std::string text = std::to_string(answer.status()) + " " + answer.reason();
    const auto header = answer.headers().get("Retry-After");
    const auto wait = header ? parse_retry_after(*header, std::chrono::system_clock::now()) : std::nullopt;
    if (!wait || !may_pass(answer.status())) throw status_error(answer.status(), text);
    guards_[source]->limiter.penalise(*wait);
    throw busy_error(answer.status(), text + ", Retry-After: " + std::string(*header), *wait);
}

}  // namespace quest
