// An agent: asks several sources at once, works on each answer as it comes, on all cores, and has a result
// when its time is up, whole or partial. Copy it; the servers below are only here so that it can be run.
// SPDX-License-Identifier: BSL-1.0
// expect: ^2 of 3 sources answered: the bridge at Karsholm is of larch; knowledge_base: timeout after 300 ms$
#include <tandem/tandem.hpp>
#include <tandem/http/client.hpp>
#include <tandem/testing/http_server.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;

/// What is known of a source so far. It lives outside of the time budget and survives its end.
class slot {
public:
    slot(std::string title, std::string address) : name(std::move(title)), url(std::move(address)) {}
    std::string name, url, error = "no answer within the budget", sentence;
    int score = 0;
    bool answered = false;
};

/// A sentence and the number of the question's words in it.
class scored {
public:
    scored(int points, std::string text) : score(points), sentence(std::move(text)) {}
    int score;
    std::string sentence;
};

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, at);) {
        const std::size_t first = part.find_first_not_of(' ');
        if (first != std::string::npos) parts.push_back(part.substr(first));
    }
    return parts;
}

// The CPU work. It runs on the workers, several at a time; put your own here.
scored rate(const std::string& question, const std::string& sentence) {
    const std::vector<std::string> asked = split(question, ' ');
    int score = 0;
    for (const std::string& w : split(sentence, ' ')) score += std::ranges::count(asked, w) != 0;
    return scored(score, sentence);
}

// One source from the request to the result. A failure stays in its slot and does not stop the others.
tandem::task<> ask(http::client& client, tandem::cpu_executor& cpu, const std::string& question, slot& out) {
    try {
        const http::response page = co_await tandem::timeout(300ms, client.get(out.url).send());
        page.raise_for_status();
        const std::vector<std::string> sentences = split(page.text(), '.');
        const auto rate_it = [&question](const std::string& sentence) { return rate(question, sentence); };
        const std::vector<scored> all =
            co_await tandem::map(cpu, sentences, rate_it);  // begins now: no barrier
        const auto best = std::ranges::max_element(all, {}, &scored::score);
        if (best == all.end()) throw std::runtime_error("an empty page");
        out.score = best->score;
        out.sentence = best->sentence;
        out.answered = true;
    } catch (const tandem::timeout_error&) {
        out.error = "timeout after 300 ms";
    } catch (const std::exception& e) {  // being cancelled is not an exception: it passes
        out.error = e.what();
    }
}

tandem::task<> ask_all(tandem::cpu_executor& cpu, const std::string& question, std::vector<slot>& slots) {
    http::client client;
    std::vector<tandem::task<>> asked;
    for (slot& s : slots) asked.push_back(ask(client, cpu, question, s));
    co_await tandem::move_on_after(1s, tandem::gather(std::move(asked)));  // the budget of the whole run
}

std::string report(const std::vector<slot>& slots) {
    const auto answered = std::ranges::count_if(slots, &slot::answered);
    const auto best = std::ranges::max_element(slots, {}, &slot::score);
    std::string line = std::to_string(answered) + " of " + std::to_string(slots.size()) + " sources answered";
    if (answered != 0) line += ": " + best->sentence;
    for (const slot& s : slots) {
        if (!s.answered) line += "; " + s.name + ": " + s.error;
    }
    return line;
}

int main() {
    using tandem::testing::reply;
    tandem::testing::http_server server;
    server.on("GET", "/weather", reply(200, "rain in the valley. clear over Karsholm.").delay(20ms));
    server.on("GET", "/news",
              reply(200, "a new road. the bridge at Karsholm is of larch. no more.").delay(15ms));
    server.on("GET", "/knowledge_base", reply().never());

    std::vector<slot> slots;
    for (const char* const name : {"weather", "news", "knowledge_base"})
        slots.emplace_back(name, server.url("/") + name);
    const std::string question = "of what is the bridge at Karsholm";
    {
        tandem::cpu_executor cpu(
            tandem::available_cores());  // all of them: the loop has little to do meanwhile
        tandem::run(ask_all(cpu, question, slots));
    }
    check(slots[1].score == 6 && slots[0].answered && !slots[2].answered, "the best sentence is found");
    std::cout << report(slots) << '\n';
}
